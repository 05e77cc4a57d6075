"""Everything that can happen next: one round trip to Redis or to MongoDB, or something that nobody does."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.background import rebuild, relay
from tests.model.changes import cancel, move
from tests.model.customers import customer, repeat
from tests.model.mirroring import SETTLING, Step, settle
from tests.model.state import (
    AT_REST,
    CANCEL,
    CONFIRMING,
    DUE,
    HELD,
    MOVE,
    MOVE_PIN,
    MOVING,
    NAMES,
    REBUILD,
    RELAY,
    REPEAT,
    WAITING,
    A,
    B,
    Hold,
    Pin,
    State,
    World,
    go,
    lose_redis,
    put,
)

REQUESTS = ((A, customer), (B, customer), (REPEAT, repeat), (CANCEL, cancel), (MOVE, move))


def steps(world: World, state: State) -> Iterator[Step]:
    for actor, act in REQUESTS:
        if state.at[actor] not in ("absent", "over"):
            yield from act(world, state, actor)
    yield from relay(world, state)
    yield from rebuild(world, state)
    for actor, at in enumerate(state.at):
        if at in SETTLING:
            yield from settle(world, state, actor)
        if at not in AT_REST and state.mishaps < world.mishaps:
            after = "idle" if actor in (RELAY, REBUILD) else "over"
            yield f"{NAMES[actor]}: KILLED while {at}", go(state, actor, after, mishaps=state.mishaps + 1), None
    yield from expiries(world, state)
    yield from deadlines(world, state)
    if state.lost < world.losses:
        yield "REDIS LOST", lose_redis(state), None


def expiries(world: World, state: State) -> Iterator[Step]:
    """A hold may expire at any moment, a pin never (its long expiry is only a backstop)."""
    for slot, mark in enumerate(state.marks):
        if mark is None:
            continue
        kind, owner = mark
        without = state._replace(marks=put(state.marks, slot, None))
        if kind == HELD:
            yield f"the hold of {NAMES[owner]} expires", without._replace(holds=put(state.holds, owner, Hold())), None
        elif kind in (CONFIRMING, MOVING) and world.control == "pinlapses":
            yield f"the pin of {NAMES[MOVE if kind == MOVING else owner]} lapses", without, None


def deadlines(world: World, state: State) -> Iterator[Step]:
    """A pin's deadline passes only when its write has come to an end, one way or the other.

    That is what the confirm window means: a worker gives its write the rest of the window as time limit and sends none
    after it. The control `window` is a worker that was frozen on the way.
    """
    writing = {owner for actor, owner in ((A, A), (B, B), (REPEAT, A)) if state.at[actor] == "inserting"}
    if state.at[MOVE] == "updating":
        writing.add(MOVE_PIN)
    for pin, (status, deadline) in enumerate(state.pins):
        if status == WAITING and (pin not in writing or world.control == "window"):
            name = NAMES[MOVE if pin == MOVE_PIN else pin]
            pins = put(state.pins, pin, Pin(DUE, deadline))
            yield f"the confirm window of {name} is over", state._replace(pins=pins), None
