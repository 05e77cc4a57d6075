"""Erasing a person also erases the holder by whom that person booked."""

from __future__ import annotations

from models.customers import PersonRequest
from tests.customers.test_personal_data import ANN, BEN, current, erase, patch
from tests.world import World, rfc3339, tomorrow


def test_the_holder_is_erased_with_the_customer_who_booked(world: World) -> None:
    """A holder may be a phone number, and a digest of one can be guessed."""
    alice, holds = world.caller(), world.services.holds
    hold = holds.place(alice, world.hold_request(start=rfc3339(tomorrow(6)), holder="Ann's browser")).hold
    booking = world.services.bookings.book(alice, world.book_request(hold_id=hold.hold_id, customer=ANN)).booking
    patch(world, booking, customer=BEN)
    mirrored = world.names.booking(booking.booking_id)
    assert current(world, booking).holder_digest == world.services.redis.hget(mirrored, "holder") != ""
    erase(world, PersonRequest(phone=BEN["phone"]))
    assert current(world, booking).holder_digest
    erase(world)
    assert current(world, booking).holder_digest is None
    assert world.services.redis.hget(mirrored, "holder") == ""
