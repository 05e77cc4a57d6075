"""A client that changes its hold while many others want its slots: it never stands without one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from models.errors import NoSlotAvailable, SlotBooked, SlotHeld
from tests.system.race.together import CROWD, at_once, fresh_slots
from tests.world import World, rfc3339

TAKEN = (SlotHeld, SlotBooked, NoSlotAvailable)
MINE = "web-5f1c9a7be2d04c6b"


def place(world: World, start: Any, holder: str, **fields: Any) -> str:
    request = world.hold_request(start=rfc3339(start), holder=holder, **fields)
    return world.services.holds.place(world.caller("bot"), request).hold.hold_id


def replace(world: World, start: Any, old: str) -> str:
    """One request: another length on the same start."""
    return place(world, start, MINE, duration_minutes=90, replaces=old)


def release_then_place(world: World, start: Any, old: str) -> str:
    """The same in two requests, as clients without `replaces` do it."""
    world.services.holds.release(world.caller("bot"), old)
    return place(world, start, MINE, duration_minutes=90)


def live_of_mine(world: World, ids: list[str]) -> int:
    bot = world.caller("bot")
    return sum(world.services.holds.get(bot, hold_id).status == "held" for hold_id in ids)


def rounds(world: World, change: Callable[[World, Any, str], str]) -> list[int]:
    """How many live holds the client has after each round: it changes one while a crowd wants its slot."""
    found = []
    for start in fresh_slots():
        old = place(world, start, MINE)
        mine = partial(change, world, start, old)
        crowd = [partial(place, world, start, f"crowd-{number}") for number in range(CROWD)]
        outcome = at_once([*crowd[: CROWD // 2], mine, *crowd[CROWD // 2 :]])
        assert outcome.kinds() <= set(TAKEN)
        bot = world.caller("bot")
        owned = [each for each in outcome.values if world.services.holds.get(bot, each).duration_minutes == 90]
        found.append(live_of_mine(world, [old, *owned]))
        for each in [old, *outcome.values]:
            world.services.holds.release(bot, each)
    return found


def test_a_client_that_replaces_its_hold_always_has_exactly_one(world: World) -> None:
    assert set(rounds(world, replace)) == {1}


def test_a_client_that_releases_first_may_lose_its_slot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: between the two requests another client gets the slot."""
    holds, crowd = world.services.holds, []
    release = holds.release

    def release_and_let_the_crowd_in(caller: Any, hold_id: str) -> None:
        release(caller, hold_id)
        crowd.append(place(world, start, "crowd"))

    start = next(iter(fresh_slots()))
    old = place(world, start, MINE)
    monkeypatch.setattr(holds, "release", release_and_let_the_crowd_in)
    with pytest.raises(SlotHeld):
        release_then_place(world, start, old)
    assert live_of_mine(world, [old]) == 0
