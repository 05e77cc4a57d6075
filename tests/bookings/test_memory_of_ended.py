"""What Redis remembers of a booking that has ended is gone within an hour, however far ahead the visit was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from models.booking import Booking
from models.booking_changes import BookingPatch
from tests.bookings.reserving import cancel, mirror_of, request, reservations_of, run_out
from tests.redis_dump import dump
from tests.world import World, rfc3339, tomorrow

FAR = tomorrow() + timedelta(days=80)
HOUR_MS = 3_600_000


def by_hold(world: World) -> Booking:
    bot = world.caller("bot")
    hold = world.services.holds.place(bot, world.hold_request(start=rfc3339(FAR))).hold
    return world.services.bookings.book(bot, world.book_request(hold_id=hold.hold_id)).booking


def ran_out(world: World) -> Booking:
    desk = world.caller("desk")
    booking = world.services.bookings.reserve(desk, request(start=rfc3339(FAR))).booking
    run_out(world, booking)
    reservations_of(world).expire_overdue()
    return booking


def moved(world: World, start: str) -> Booking:
    booking, patch = by_hold(world), BookingPatch.model_validate({"start": start})
    return world.services.booking_life.reschedule(world.caller("desk"), booking.booking_id, patch, 1)


def over(world: World, status: str) -> Booking:
    """A visit that staff say is over."""
    booking = by_hold(world)
    mirror_of(world).settle(booking.changed(status=status, version=2))
    return booking


ENDS: dict[str, Callable[[World], object]] = {
    "cancelled": lambda world: cancel(world, by_hold(world)),
    "moved and cancelled": lambda world: cancel(world, moved(world, rfc3339(FAR + timedelta(days=2)))),
    "completed": lambda world: over(world, "completed"),
    "missed": lambda world: over(world, "no_show"),
    "expired": ran_out,
}


def lasting(world: World) -> dict[str, int]:
    """The keys that are there for longer than an hour, and for how many ms. Two are of the org, not of a booking."""
    second, micro = world.services.redis.time()  # type: ignore[misc]
    now = second * 1000 + micro // 1000
    of_the_org = {world.names.epoch, world.names.events}
    found = {name: ends for name, (_, ends) in dump(world.services.redis, world.org).items() if name not in of_the_org}
    return {name: ends - now for name, ends in found.items() if ends < 0 or ends - now > HOUR_MS}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_every_key_of_an_ended_booking_is_gone_within_an_hour(world: World, end: Callable[[World], object]) -> None:
    end(world)
    assert lasting(world) == {}


def test_a_moved_booking_leaves_nothing_at_its_old_time(world: World) -> None:
    booking = moved(world, rfc3339(tomorrow(14)))
    left = lasting(world)
    assert {name.rpartition(":")[0] for name in left} <= {
        *(world.names.claim(*claim).rpartition(":")[0] for claim in booking.claims),
        *(world.names.spans(resource).rpartition(":")[0] for resource, _ in booking.claims),
        world.names.booking(booking.booking_id).rpartition(":")[0],
    }
    assert max(left.values()) < timedelta(days=3) / timedelta(milliseconds=1)


def test_a_booking_that_stands_is_remembered_until_an_hour_after_its_visit(world: World) -> None:
    """The negative control: the check above would notice a record that stays."""
    booking = by_hold(world)
    assert world.names.booking(booking.booking_id) in lasting(world)
