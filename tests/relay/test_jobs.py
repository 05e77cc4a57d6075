"""The relay's jobs do not depend on each other: where one fails, the relay does the others."""

from __future__ import annotations

import pytest

from tests.bookings.evidence import begin, make_overdue, owners
from tests.bookings.moving import failing
from tests.bookings.reserving import now_in_store, reserve, run_out
from tests.world import World, name_of

TOO_LARGE, OPERATION_FAILED = 17419, 96
"""MongoDB's codes: a document becomes too large; a failure that may have happened after the write."""


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database."""
    return lonely_world


def test_a_reservation_that_cannot_be_expired_does_not_stop_the_others(world: World) -> None:
    bookings = [reserve(world, hour) for hour in (10, 12)]
    for booking in bookings:
        run_out(world, booking)
    with failing(world, {"times": 1}, errorCode=TOO_LARGE):
        world.services.relay.expire()
    assert sorted(now_in_store(world, booking).status for booking in bookings) == ["expired", "pending"]
    world.services.relay.expire()
    assert {now_in_store(world, booking).status for booking in bookings} == {"expired"}


def test_a_failed_job_does_not_stop_the_others(world: World) -> None:
    alice = world.caller("checkout")
    run_out(world, reserve(world, 14))
    world.services.redis.delete(world.names.epoch)
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    begin(world, alice, hold_id)
    make_overdue(world, hold_id)
    with failing(world, "alwaysOn", errorCode=OPERATION_FAILED):
        world.services.relay.tend()
    assert world.services.redis.get(world.names.epoch)
    assert owners(world)[f"held {name_of(hold_id)}"] == 8
