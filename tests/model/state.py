"""The world of the protocol model: what Redis holds, what MongoDB holds, and where each actor stands.

One state is a plain tuple, so that millions can be kept in a set. Claim sets are reduced to one *slot*: a set is placed
whole or not at all by one script, so one mark says as much as eight. Two customers, two slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

Mark = tuple[str, int]
"""The value of a claim key: (state, owner). held and confirming belong to a hold, moving and booked to a booking."""

HELD, CONFIRMING, MOVING, BOOKED, COLD = "held", "confirming", "moving", "booked", "cold"
WAITING, DUE = "waiting", "due"

A, B, REPEAT, CANCEL, MOVE, RELAY, REBUILD = range(7)
"""Actors. A and B are customers; hold and booking of a customer carry the customer's number, as `_id` is derived."""

NAMES = ("A", "B", "A's repeat", "cancel", "move", "relay", "rebuild")
MOVE_PIN = 2
"""Pins 0 and 1 are the customers' confirmations, pin 2 the move's."""

AT_REST = frozenset({"absent", "start", "idle", "holding", "over"})
"""Where an actor has nothing under way. `over`: answered (booked, refused or unknown) or killed; the run says which."""


class Doc(NamedTuple):
    """One version of a booking in MongoDB. No slot: inactive."""

    version: int
    slot: int | None


VOID = Doc(1, None)
"""The relay's fence (see World.fence): nothing but a taken `_id`. No booking begins its life inactive."""


NOT_MIRRORED: tuple[int, int | None] = (0, None)
"""What Redis knows of a booking that it never saw: no version, no slot."""


class Pin(NamedTuple):
    """A registered deadline: waiting, due, or none. `deadline` tells one registration from the next."""

    status: str = ""
    deadline: int = 0


class Hold(NamedTuple):
    """A live hold record: held, confirming or cold; whatever its end was, an ended one is empty.

    cold: placed while `epoch` was absent and not yet checked in MongoDB.
    doomed: a booking stood in MongoDB when the cold claim was placed.
    """

    status: str = ""
    doomed: bool = False


class State(NamedTuple):
    """Everything that can differ between two moments."""

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


@dataclass(frozen=True)
class World:
    """One configuration: who takes part, what may go wrong, and which rule is left out or added.

    slots: what A and B want. direct: who books without a hold. actors: of REPEAT, CANCEL, MOVE. losses: of Redis.
    mishaps: how often a worker may die, or its write to MongoDB be refused or lose its reply. control: the rule left
    out. fence: before the relay releases a pin it writes to MongoDB what makes a late write fail. patient: a rebuild
    reads MongoDB only when the confirmations that were under way at the loss are over.
    """

    slots: tuple[int, int] = (0, 0)
    direct: frozenset[int] = frozenset()
    actors: frozenset[int] = frozenset()
    losses: int = 0
    mishaps: int = 0
    control: str = ""
    fence: bool = False
    patient: bool = False

    def __str__(self) -> str:
        wishes = (f"{NAMES[who]} {'books' if who in self.direct else 'holds'} {self.slots[who]}" for who in (A, B))
        others = (NAMES[actor] for actor in sorted(self.actors))
        limits = (f"{count} {name}" for count, name in ((self.losses, "lost"), (self.mishaps, "mishap")) if count)
        extras = (f"control {self.control}" * bool(self.control), "fence" * self.fence, "patient" * self.patient)
        return ", ".join([*wishes, *others, *limits, *filter(None, extras)])


T = TypeVar("T")


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])


def go(state: State, actor: int, at: str, kept: Any = None, **changes: Any) -> State:
    """The actor's next place and what it remembers there, with any other changes of the same step."""
    return state._replace(at=put(state.at, actor, at), kept=put(state.kept, actor, kept), **changes)


def register(state: State, pin: int) -> tuple[Pin, ...]:
    """The pins with a new deadline for one."""
    return put(state.pins, pin, Pin(WAITING, state.pins[pin].deadline + 1))


def unregister(state: State, pin: int) -> tuple[Pin, ...]:
    return put(state.pins, pin, Pin("", state.pins[pin].deadline))


def write(state: State, booking: int, version: int, slot: int | None) -> State:
    """One committed write of a booking's document; the relay has yet to see it."""
    return state._replace(docs=put(state.docs, booking, Doc(version, slot)))


def booked_at(state: State, slot: int, but: int = -1) -> int | None:
    """What the unique index sees: the other active booking on this slot."""
    for booking, doc in enumerate(state.docs):
        if doc is not None and doc.slot == slot and booking != but:
            return booking
    return None


def first_state(world: World) -> State:
    present = {A, B, *world.actors}
    requests = ("start" if actor in present else "absent" for actor in range(RELAY))
    return State(
        marks=(None, None),
        holds=(Hold(), Hold()),
        pins=(Pin(), Pin(), Pin()),
        mirrored=(NOT_MIRRORED, NOT_MIRRORED),
        epoch=True,
        token=False,
        docs=(None, None),
        relayed=(0, 0),
        at=(*requests, "idle", "idle"),
        kept=(None,) * len(NAMES),
        lost=0,
        mishaps=0,
    )


def lose_redis(state: State) -> State:
    """Everything in Redis is gone. (Deadlines never come twice, whatever is lost.)"""
    return state._replace(
        marks=(None, None),
        holds=(Hold(), Hold()),
        pins=tuple(Pin("", pin.deadline) for pin in state.pins),
        mirrored=(NOT_MIRRORED, NOT_MIRRORED),
        epoch=False,
        token=False,
        lost=state.lost + 1,
    )
