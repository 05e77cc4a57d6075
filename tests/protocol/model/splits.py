"""A replica of Redis becomes the master; the old one may serve on for a while, until it copies the new one and forgets.

An actor has one Redis at a time. While two masters serve, the actors on the far side see the state with both exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.protocol.model.mirroring import Step
from tests.protocol.model.state import OTHER_RELAY, RELAY, State, World, put

OF_REDIS = ("marks", "holds", "pins", "mirrored", "epoch", "token", "relayed", "positioned", "run")
"""What each Redis has. The position is in MongoDB, but by the identity of the Redis."""
APART = 100
"""Between the deadlines of two masters, which are times and so hardly ever the same."""

Redis = tuple[Any, ...]


def redis_of(state: State) -> Redis:
    return tuple(getattr(state, name) for name in OF_REDIS)


def exchanged(world: World, state: State) -> State:
    """The state as the far side sees it; the same again gives the first state back."""
    seen = state._replace(**dict(zip(OF_REDIS, state.old or (), strict=True)), old=redis_of(state))
    return seen._replace(relayed=state.relayed) if world.control == "oneposition" else seen


def far_side(world: World, state: State) -> frozenset[int]:
    """The actors that reach the old master. The relay is one of them, in some worlds only after it turned to it."""
    if state.old is None:
        return frozenset()
    return world.far | {RELAY} if state.turned == world.turns else world.far


def failovers(world: World, state: State) -> Iterator[Step]:
    """A relay turns to the other master at most once in one round, which takes less time than a Redis that copies.

    The control `flapping` is a relay that turns to the old master and back in one round.
    """
    begun = state.failovers == world.failovers or state.old is not None
    if world.lags and not begun and state.lagging is None:
        yield "the replica stops copying", state._replace(lagging=redis_of(state)), None
    if not begun and not (world.lags and state.lagging is None):
        yield "FAILOVER: the replica becomes the master", promoted(world, state), None
    if state.old is None:
        return
    if not (state.turned and state.at[RELAY] != "idle") or world.control == "flapping":
        yield "HEALED: the old master copies the new one", state._replace(old=None), None
    if world.turns and not state.turned:
        yield "the relay turns to the old master", state._replace(turned=True), None


def promoted(world: World, state: State) -> State:
    """The replica has another identity, and so no position. If requests go on at the old master, two masters serve."""
    before = redis_of(state)
    new = state._replace(**dict(zip(OF_REDIS, state.lagging or before, strict=True)), lagging=None)
    new = new._replace(
        pins=tuple(pin._replace(deadline=pin.deadline + APART) for pin in new.pins),
        failovers=state.failovers + 1,
        run=state.run + 1,
        positioned=False,
        lost=state.lost + 1,
    )
    if world.control == "oneposition":
        new = new._replace(relayed=state.relayed)
    return new._replace(old=before, at=put(new.at, OTHER_RELAY, "idle")) if world.far else new
