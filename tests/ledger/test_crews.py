"""Bookings that an earlier release wrote, which knows one technician."""

from __future__ import annotations

from typing import Any

import pytest

from models.booking import Booking
from models.booking_changes import BookingPatch
from models.booking_lists import BookingQuery
from tests.world import World, rfc3339, tomorrow


def earlier(world: World, **fields: Any) -> str:
    """A booking of tech-1 as a server of an earlier release leaves it. fields: what it writes, None for no field."""
    made = world.services.bookings.book(world.caller("desk"), world.direct_request()).booking
    written = {name: value for name, value in fields.items() if value is not None}
    gone = {name: "" for name, value in fields.items() if value is None}
    changes = {"$set": written, "$unset": gone}
    world.services.db["bookings"].update_one(
        {"_id": made.booking_id}, {operator: each for operator, each in changes.items() if each}
    )
    return made.booking_id


def read(world: World, booking_id: str) -> Booking:
    return world.services.booking_life.get(world.caller("desk"), booking_id)


def found(world: World, technician_id: str) -> list[str]:
    page, _ = world.services.booking_life.page(world.caller("desk"), BookingQuery(technician_id=technician_id))
    return [each.booking_id for each in page]


@pytest.mark.parametrize(
    ("fields", "who"),
    [
        ({"technician_ids": None}, "tech-1"),
        ({"technician_id": "tech-2"}, "tech-2"),
        ({"technician_id": "tech-2", "technician_ids": ["tech-1", "tech-3"]}, "tech-2"),
    ],
    ids=["made", "given to another", "a crew, given to another"],
)
def test_the_technician_whom_an_earlier_release_named_is_who_comes(
    world: World, fields: dict[str, Any], who: str
) -> None:
    booking_id = earlier(world, **fields)
    booking = read(world, booking_id)
    assert (booking.technician_id, booking.technician_ids) == (who, [who])
    world.services.prepare()
    assert found(world, who) == [booking_id]
    assert [each for each in ("tech-1", "tech-2", "tech-3") if found(world, each)] == [who]


def test_a_move_keeps_the_technician_whom_an_earlier_release_named(world: World) -> None:
    booking_id = earlier(world, technician_id="tech-2")
    patch = BookingPatch.model_validate({"start": rfc3339(tomorrow(15))})
    moved = world.services.booking_life.reschedule(world.caller("desk"), booking_id, patch, 1)
    assert (moved.technician_id, moved.technician_ids) == ("tech-2", ["tech-2"])
    assert {resource for resource, _ in moved.claims} == {"property:prop-1", "technician:tech-2"}


def test_preparing_leaves_crews_as_they_are(world: World) -> None:
    request = world.direct_request(technician_id=None, technician_ids=["tech-3", "tech-1"])
    world.services.bookings.book(world.caller("desk"), request)
    before = world.bookings()
    world.services.prepare()
    assert world.bookings() == before
