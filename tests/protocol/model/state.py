"""The world of the protocol model: what Redis has, what MongoDB has, and the step of each actor.

A state is a plain tuple, so that a set can hold millions. One mark stands for all claims of one resource: one script
places all of them or none, so one mark says as much as eight. A *slot* is what a visit takes: one resource, or several
of them, as a crew or a building with its units does. There are two customers and two slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

Mark = tuple[str, int]
"""The value of a claim key: (state, owner). A hold owns held and confirming, a move moving, a booking the rest."""

HELD, CONFIRMING, MOVING, BOOKED, COLD = "held", "confirming", "moving", "booked", "cold"
PENDING, KEPT = "booked|pending", "booked|pending, kept"
"""The mark of a reservation ends at the deadline; a mark that keep_reservation has kept ends some seconds later."""
OF_BOOKINGS = frozenset({BOOKED, PENDING, KEPT})
WAITING, DUE = "waiting", "due"

A, B, REPEAT, CANCEL, MOVE, MOVE_REPEAT, OTHER_MOVE, EDIT, CONFIRM, SWAP, RELAY, REBUILD, OTHER_RELAY = range(13)
"""Actors. A and B are customers; a hold and its booking have the number of their customer, because `_id` is derived.
All changes are changes of A's booking, but a swap changes both."""

NAMES = (
    *("A", "B", "A's repeat", "cancel", "move", "move's repeat", "other move"),
    *("edit", "confirm", "swap", "relay", "rebuild", "other relay"),
)
MOVE_PINS = {MOVE: 2, MOVE_REPEAT: 2, OTHER_MOVE: 3}
"""Pins 0 and 1 are confirmations of the customers; a move and its repeat share one pin, another move has its own."""
PIN_NAMES = ("A", "B", "the move", "the other move")

AT_REST = frozenset({"absent", "start", "idle", "holding", "over"})
"""The steps at which an actor is not at work. `over`: answered or killed; the run says which."""


ONE_EACH = ((0,), (1,))
"""Slots of one resource each, which do not meet."""


class Doc(NamedTuple):
    """One version of a booking in MongoDB. No slot: inactive. pending: a reservation, which has a deadline. swapped:
    the version that a swap made of it, and of the other booking; no versions: it was never swapped."""

    version: int
    slot: int | None
    pending: bool = False
    swapped: tuple[int, int] = (0, 0)


VOID = Doc(1, None)
"""The fence of the relay (see World.fence): it only takes the `_id`. No booking is inactive from the start."""


NOT_MIRRORED: tuple[int, int | None] = (0, None)
"""What Redis knows about a booking that was never mirrored: no version, no slot."""


class Pin(NamedTuple):
    """A registered deadline: waiting, due, or none. `deadline` is another number at each registration.

    version, slot: for the pin of a move, the version of the booking that it moves and the target.
    """

    status: str = ""
    deadline: int = 0
    version: int = 0
    slot: int = 0


class Hold(NamedTuple):
    """A live hold record: held, confirming or cold. A record that has ended is empty.

    cold: placed while `epoch` was absent and not yet checked in MongoDB.
    doomed: a booking stood in MongoDB when the cold claim was placed.
    """

    status: str = ""
    doomed: bool = False


class State(NamedTuple):
    """Everything that can change.

    relayed: what a relay has carried over from MongoDB's log to this Redis. positioned: this Redis has a position in
    that log. run: its identity. lagging: the replica since it stopped copying. old: the old master, while two serve.
    turned: the relay has turned from the new one to the old one. marks: by resource. parts: the resources of each slot.
    """

    marks: tuple[Mark | None, ...]
    holds: tuple[Hold, ...]
    pins: tuple[Pin, ...]
    mirrored: tuple[tuple[int, int | None], ...]
    epoch: bool
    token: bool
    docs: tuple[Doc | None, ...]
    relayed: tuple[int, ...]
    at: tuple[str, ...]
    kept: tuple[Any, ...]
    lost: int
    mishaps: int
    over: bool
    positioned: bool = True
    run: int = 0
    lagging: tuple[Any, ...] | None = None
    old: tuple[Any, ...] | None = None
    failovers: int = 0
    turned: bool = False
    parts: tuple[tuple[int, ...], ...] = ONE_EACH


@dataclass(frozen=True)
class World:
    """One configuration: the actors, the possible faults, and the rule that is left out or added.

    slots: what A and B want. direct: who books without a hold. reserves: A's booking is a reservation, made directly.
    actors: of those from REPEAT to SWAP. losses: of Redis. mishaps: how often a worker may die, or its write to
    MongoDB be refused or lose its reply. control: the rule left out. fence: before the relay releases a pin it writes
    to MongoDB what makes a late write fail. patient: a rebuild reads MongoDB only when the confirmations that were
    running at the loss are over. failovers: how often a replica becomes the master. lags: it may have stopped copying
    before. far: the requests that go on at the old master until it becomes a replica of the new one; the relay goes on
    there too, and another relay begins at the new one. turns: the relay goes on at the new one too, and may turn to the
    old one later. absent: of A and B. parts: the resources of the two slots.
    """

    slots: tuple[int, int] = (0, 0)
    direct: frozenset[int] = frozenset()
    actors: frozenset[int] = frozenset()
    losses: int = 0
    mishaps: int = 0
    control: str = ""
    fence: bool = False
    patient: bool = False
    reserves: bool = False
    failovers: int = 0
    lags: bool = False
    far: frozenset[int] = frozenset()
    turns: bool = False
    absent: frozenset[int] = frozenset()
    parts: tuple[tuple[int, ...], ...] = ONE_EACH

    def __str__(self) -> str:
        wishes = (f"{NAMES[who]} {self.way(who)} {self.slots[who]}" for who in (A, B) if who not in self.absent)
        others = (NAMES[actor] for actor in sorted(self.actors))
        away = (f"{NAMES[who]} far" for who in sorted(self.far))
        counts = ((self.losses, "lost"), (self.mishaps, "mishap"), (self.failovers, "failover"))
        limits = (f"{count} {name}" for count, name in counts if count)
        extras = (
            "lagging" * self.lags,
            "turns" * self.turns,
            f"control {self.control}" * bool(self.control),
            "fence" * self.fence,
            "patient" * self.patient,
            f"slots of {self.parts}" * (self.parts != ONE_EACH),
        )
        return ", ".join([*wishes, *others, *away, *limits, *filter(None, extras)])

    def way(self, who: int) -> str:
        if who == A and self.reserves:
            return "reserves"
        return "books" if who in self.direct else "holds"


T = TypeVar("T")


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])


def put_on(marks: tuple[Mark | None, ...], resources: tuple[int, ...], mark: Mark) -> tuple[Mark | None, ...]:
    """The marks with this one on some resources."""
    return tuple(mark if number in resources else each for number, each in enumerate(marks))


def marks_at(state: State, slot: int) -> list[Mark | None]:
    """The marks on the resources of a slot."""
    return [state.marks[resource] for resource in state.parts[slot]]


def go(state: State, actor: int, at: str, kept: Any = None, **changes: Any) -> State:
    """Move the actor to its next step, with what it remembers there and the other changes of this step."""
    return state._replace(at=put(state.at, actor, at), kept=put(state.kept, actor, kept), **changes)


def register(state: State, pin: int) -> tuple[Pin, ...]:
    """The pins with a new deadline for one."""
    known = state.pins[pin]
    return put(state.pins, pin, known._replace(status=WAITING, deadline=known.deadline + 1))


def unregister(state: State, pin: int) -> tuple[Pin, ...]:
    return put(state.pins, pin, state.pins[pin]._replace(status=""))


def write(state: State, booking: int, doc: Doc) -> State:
    """One committed write of a document, which the relay has not seen yet."""
    return state._replace(docs=put(state.docs, booking, doc))


def overdue(state: State, doc: Doc | None) -> bool:
    """Whether this is a reservation whose deadline is over and that is not expired yet."""
    return doc is not None and doc.pending and doc.slot is not None and state.over


def booked_at(state: State, slot: int, but: int = -1) -> int | None:
    """What the unique index sees: the other active booking that has a resource of this slot."""
    return booked_on(state, state.parts[slot], but)


def booked_on(state: State, resources: tuple[int, ...], but: int = -1) -> int | None:
    for booking, doc in enumerate(state.docs):
        taken = state.parts[doc.slot] if doc is not None and doc.slot is not None else ()
        if booking != but and not set(taken).isdisjoint(resources):
            return booking
    return None


def firm_at(state: State, slot: int) -> bool:
    """Whether a slot is booked, or some of it. An overdue reservation does not count."""
    return firm_on(state, state.parts[slot])


def firm_on(state: State, resources: tuple[int, ...]) -> bool:
    booking = booked_on(state, resources)
    return booking is not None and not overdue(state, state.docs[booking])


def first_state(world: World) -> State:
    present = {A, B, *world.actors} - world.absent
    requests = ("start" if actor in present else "absent" for actor in range(RELAY))
    return State(
        marks=(None,) * (1 + max(max(each) for each in world.parts)),
        holds=(Hold(), Hold()),
        pins=(Pin(),) * len(PIN_NAMES),
        mirrored=(NOT_MIRRORED, NOT_MIRRORED),
        epoch=True,
        token=False,
        docs=(None, None),
        relayed=(0, 0),
        at=(*requests, "idle", "idle", "absent"),
        kept=(None,) * len(NAMES),
        lost=0,
        mishaps=0,
        over=False,
        parts=world.parts,
    )


def lose_redis(state: State) -> State:
    """Redis loses everything. The numbers of deadlines go on, so that none comes twice."""
    return state._replace(
        marks=(None,) * len(state.marks),
        holds=(Hold(), Hold()),
        pins=tuple(pin._replace(status="") for pin in state.pins),
        mirrored=(NOT_MIRRORED, NOT_MIRRORED),
        epoch=False,
        token=False,
        lost=state.lost + 1,
    )
