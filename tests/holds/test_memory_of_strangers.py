"""What a stranger's hold leaves in Redis: little, and not for long."""

from __future__ import annotations

from typing import Any

import pytest

from models.access import IdempotencyClaim
from models.catalogue import PolicyPatch
from services.claims.placements import Pinned
from tests.redis_dump import keys_of
from tests.world import World, rfc3339, tomorrow

KEY = IdempotencyClaim("a key", "a print")
TEN_MINUTES, HOUR, DAY = 600_000, 3_600_000, 86_400_000
SLACK_MS = 10_000


def left_ms(world: World) -> list[int]:
    """How long Redis keeps the only hold's record and the idempotency key that placed it."""
    redis: Any = world.services.redis
    names = [key for key in keys_of(redis, world.org) if ":hold:" in key or ":idem:" in key]
    return [redis.pttl(key) for key in sorted(names, key=lambda name: ":idem:" in name)]


def place(world: World, role: str, **asked: Any) -> str:
    return world.services.holds.place(world.caller(role), world.hold_request(**asked), KEY).hold.hold_id


def is_about(found: list[int], *expected: int) -> bool:
    return len(found) == len(expected) and all(
        0 <= one - each < SLACK_MS for each, one in zip(found, expected, strict=True)
    )


def test_a_released_hold_of_a_stranger_is_remembered_for_ten_minutes_and_its_key_no_longer(world: World) -> None:
    hold_id = place(world, "checkout", ttl_seconds=300)
    assert is_about(left_ms(world), 300_000 + TEN_MINUTES, 300_000 + TEN_MINUTES)
    world.services.holds.extend(world.caller("checkout"), hold_id, 400)
    assert is_about(left_ms(world), 400_000 + TEN_MINUTES, 400_000 + TEN_MINUTES)
    world.services.holds.release(world.caller("checkout"), hold_id)
    assert is_about(left_ms(world), TEN_MINUTES, TEN_MINUTES)


def test_a_hold_of_staff_is_remembered_for_an_hour_and_its_key_for_a_day(world: World) -> None:
    hold_id = place(world, "desk", ttl_seconds=300)
    world.services.holds.release(world.caller("desk"), hold_id)
    assert is_about(left_ms(world), HOUR, DAY)


def test_a_booked_hold_of_a_stranger_is_remembered_as_any_other(world: World) -> None:
    hold_id, alice = place(world, "checkout"), world.caller("checkout")
    world.services.bookings.book(alice, world.book_request(hold_id=hold_id))
    assert is_about(left_ms(world), HOUR, DAY)


def test_a_confirmation_that_is_taken_back_leaves_the_short_memory(world: World) -> None:
    place(world, "checkout", ttl_seconds=300)
    (name,) = [key.rpartition(":")[2] for key in keys_of(world.services.redis, world.org) if ":hold:" in key]
    claims, alice = world.services.holds._claims, world.caller("checkout")
    begun = claims.begin(world.org, name, alice.key_id, "bk_1", None)
    assert isinstance(begun, Pinned)
    assert claims.abort(world.org, name, deadline_ms=begun.record.deadline_ms, restore=True) == "held"
    assert is_about(left_ms(world), 300_000 + TEN_MINUTES, 300_000 + TEN_MINUTES)


@pytest.mark.parametrize("role", ["checkout", "desk"])
def test_a_hold_that_was_released_leaves_little(world: World, role: str) -> None:
    """The record and the idempotency key alone; the longest visit leaves no more than a short one."""
    longest = {"buffer_before_minutes": 1440, "buffer_after_minutes": 1440, "default_duration_minutes": 480}
    bounds = {"max_buffer_minutes": 1440, "public_max_duration_minutes": 480}
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate(longest | bounds))
    hold_id = place(world, role, start=rfc3339(tomorrow()), holder="browser-0123456789")
    world.services.holds.release(world.caller(role), hold_id)
    redis: Any = world.services.redis
    found = keys_of(redis, world.org)
    assert {key.removeprefix(world.names.prefix).split(":")[0] for key in found} == {"epoch", "events", "hold", "idem"}
    assert sum(redis.memory_usage(key, samples=0) for key in found if ":hold:" in key or ":idem:" in key) <= 2048
