"""Every possible next step: one round trip to Redis or MongoDB, or an event such as an expiry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.protocol.model.background import rebuild, relay
from tests.protocol.model.changes import cancel
from tests.protocol.model.customers import customer, repeat
from tests.protocol.model.mirroring import SETTLING, Step, settle
from tests.protocol.model.moves import move
from tests.protocol.model.reservations import change
from tests.protocol.model.scripts import drop_claims
from tests.protocol.model.splits import exchanged, failovers, far_side
from tests.protocol.model.state import (
    AT_REST,
    CANCEL,
    CONFIRM,
    CONFIRMING,
    DUE,
    EDIT,
    HELD,
    KEPT,
    MOVE,
    MOVE_PINS,
    MOVE_REPEAT,
    MOVING,
    NAMES,
    OTHER_MOVE,
    OTHER_RELAY,
    PENDING,
    PIN_NAMES,
    REBUILD,
    RELAY,
    REPEAT,
    SWAP,
    WAITING,
    A,
    B,
    Hold,
    State,
    World,
    go,
    lose_redis,
    put,
)
from tests.protocol.model.swaps import looks, swap

EVERYONE = frozenset(range(len(NAMES)))
RELAYS = frozenset({RELAY, OTHER_RELAY})
REQUESTS = (
    *((A, customer), (B, customer), (REPEAT, repeat), (CANCEL, cancel)),
    *((MOVE, move), (MOVE_REPEAT, move), (OTHER_MOVE, move)),
    *((EDIT, partial(change, confirms=False)), (CONFIRM, partial(change, confirms=True)), (SWAP, swap)),
)


def steps(world: World, state: State) -> Iterator[Step]:
    far = far_side(world, state)
    yield from at_one_redis(world, state, EVERYONE - far)
    yield from reservation_ends(world, state)
    if state.lost < world.losses:
        yield "REDIS LOST", lose_redis(state), None
    yield from failovers(world, state)
    if state.old is not None:
        for label, after, fault in at_one_redis(world, exchanged(world, state), far):
            yield f"{label} (at the old master)", exchanged(world, after), fault


def at_one_redis(world: World, state: State, actors: frozenset[int]) -> Iterator[Step]:
    """What may happen at one Redis, whose actors these are."""
    for actor, act in REQUESTS:
        if actor in actors and state.at[actor] not in ("absent", "over"):
            yield from act(world, state, actor)
    for actor in RELAYS & actors:
        yield from relay(world, state, actor)
    if SWAP in world.actors:
        yield from looks(world, state)
    if REBUILD in actors:
        yield from rebuild(world, state)
    for actor in sorted(actors):
        at = state.at[actor]
        if at in SETTLING:
            yield from settle(world, state, actor)
        if at not in AT_REST and state.mishaps < world.mishaps:
            after = "idle" if actor in (RELAY, REBUILD, OTHER_RELAY) else "over"
            yield f"{NAMES[actor]}: KILLED while {at}", go(state, actor, after, mishaps=state.mishaps + 1), None
    yield from expiries(world, state)
    yield from deadlines(world, state)


def expiries(world: World, state: State) -> Iterator[Step]:
    """A hold may expire at any moment. A pin does not expire; its long expiry is only a backstop."""
    for kind, owner in dict.fromkeys(filter(None, state.marks)):
        # All claims of an owner end at one moment.
        without = state._replace(marks=drop_claims(state.marks, owner, kind))
        if kind == HELD:
            yield f"the hold of {NAMES[owner]} expires", without._replace(holds=put(state.holds, owner, Hold())), None
        elif kind in (CONFIRMING, MOVING) and world.control == "pinlapses":
            yield f"the pin of {PIN_NAMES[owner]} lapses", without, None


def deadlines(world: World, state: State) -> Iterator[Step]:
    """The deadline of a pin passes only after its write has ended.

    The confirm window promises this: a worker gives its write the rest of the window as its time limit and sends none
    after it. The control `window` is a worker that was frozen before its write.
    """
    writing = {owner for actor, owner in ((A, A), (B, B), (REPEAT, A)) if state.at[actor] == "inserting"}
    writing |= {pin for actor, pin in MOVE_PINS.items() if state.at[actor] == "updating"}
    for pin, known in enumerate(state.pins):
        if known.status == WAITING and (pin not in writing or world.control == "window"):
            pins = put(state.pins, pin, known._replace(status=DUE))
            yield f"the confirm window of {PIN_NAMES[pin]} is over", state._replace(pins=pins), None


def reservation_ends(world: World, state: State) -> Iterator[Step]:
    """The deadline of A's reservation passes, for Redis and all servers at one moment.

    Kept marks end later: after the confirmation that kept them has ended and the relay has mirrored what it left. The
    seconds for which marks are kept promise this; the control `slow` is a worker that takes longer.
    """
    doc = state.docs[A]
    if not world.reserves or doc is None:
        return
    if not state.over:
        without = tuple(None if mark == (PENDING, A) else mark for mark in state.marks)
        yield "the deadline of the reservation is over", state._replace(marks=without, over=True), None
        return
    busy = state.at[CONFIRM] not in AT_REST or state.at[SWAP] not in AT_REST
    behind = state.mirrored[A][0] < doc.version
    if (KEPT, A) in state.marks and (not (busy or behind) or world.control == "slow"):
        without = drop_claims(state.marks, A, KEPT)
        yield "the mark of the reservation was kept long enough", state._replace(marks=without), None
