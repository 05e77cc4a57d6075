"""A booking cannot grow into a document that is larger than MongoDB takes."""

from __future__ import annotations

import pytest

from models.booking_changes import BookingPatch
from models.errors import InvalidTransition
from services.bookings.changes import MOST_CHANGES, MOST_CHANGES_BY_OTHERS
from services.ledger.outcomes import WriteRefused
from tests.bookings.evidence import everything
from tests.bookings.moving import failing
from tests.bookings.reserving import now_in_store, reserve
from tests.world import World

TOO_LARGE = 17419
"""MongoDB's code for a change that would make a document larger than it takes."""


def test_a_booking_is_changed_a_hundred_times_and_then_only_ended(world: World) -> None:
    bob, life = world.caller("desk"), world.services.booking_life
    booking = world.services.bookings.book(bob, world.direct_request()).booking
    changed = {"$set": {"version": MOST_CHANGES}}
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, changed)
    life.reschedule(bob, booking.booking_id, BookingPatch(description="the last word"), MOST_CHANGES)
    before = everything(world)
    with pytest.raises(InvalidTransition):
        life.reschedule(bob, booking.booking_id, BookingPatch(description="one more"), MOST_CHANGES + 1)
    assert everything(world) == before
    assert life.act(bob, booking.booking_id, "cancel").status == "cancelled"


def test_callers_outside_the_office_may_change_it_twenty_times(world: World) -> None:
    life = world.services.booking_life
    booking = world.services.bookings.book(world.caller("bot"), world.direct_request()).booking
    changed = {"$set": {"version": MOST_CHANGES_BY_OTHERS + 1}}
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, changed)
    patch = BookingPatch(description="one more")
    with pytest.raises(InvalidTransition):
        life.reschedule(world.caller("bot"), booking.booking_id, patch, MOST_CHANGES_BY_OTHERS + 1)
    life.reschedule(world.caller("desk"), booking.booking_id, patch, MOST_CHANGES_BY_OTHERS + 1)


def test_a_change_that_mongodb_refuses_has_a_known_outcome(world: World) -> None:
    booking = reserve(world)
    with failing(world, {"times": 1}, errorCode=TOO_LARGE), pytest.raises(WriteRefused):
        world.services.booking_life.act(world.caller("desk"), booking.booking_id, "confirm")
    assert now_in_store(world, booking).status == "pending"
