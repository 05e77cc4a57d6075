"""Direct bookings: staff and bots claim and book in one request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.access import Caller, IdempotencyClaim
from models.errors import Forbidden, IdempotencyKeyReused, SlotBooked, SlotHeld
from services.bookings.booking import Bookings
from tests.bookings.evidence import another_server, everything, lose_redis, owners
from tests.world import World, rfc3339, settings, tomorrow

KEY = IdempotencyClaim("a key", "print of the request")


@pytest.fixture
def bookings(world: World) -> Bookings:
    return world.services.bookings


@pytest.mark.parametrize(("role", "source"), [("bot", "sms"), ("desk", "desk"), ("admin", "api")])
def test_staff_and_bot_book_without_a_hold(world: World, bookings: Bookings, role: str, source: str) -> None:
    confirmed = bookings.book(world.caller(role), world.direct_request())
    booking = confirmed.booking
    assert confirmed.created
    assert (booking.source, booking.hold_id, booking.start) == (source, None, tomorrow())
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    assert world.services.redis.exists(world.names.pins) == 0


def test_the_public_key_books_only_what_it_holds(world: World, bookings: Bookings, alice: Caller) -> None:
    before = everything(world)
    with pytest.raises(Forbidden):
        bookings.book(alice, world.direct_request())
    assert everything(world) == before


def test_a_live_hold_protects_its_slot_even_from_staff(
    world: World, bookings: Bookings, alice: Caller, bob: Caller
) -> None:
    world.services.holds.place(alice, world.hold_request(holder="alice"))
    before = everything(world)
    with pytest.raises(SlotHeld):
        bookings.book(bob, world.direct_request(), KEY)
    assert everything(world) == before


def test_any_technician_and_the_next_slot_work_as_for_holds(world: World, bookings: Bookings, bob: Caller) -> None:
    bookings.book(bob, world.direct_request(property_id="prop-2"))
    second = bookings.book(bob, world.direct_request(technician_id=None)).booking
    assert (second.technician_id, second.fallback_used) == ("tech-2", False)
    third = bookings.book(bob, world.direct_request(technician_id=None, fallback="next_available")).booking
    assert (third.start, third.requested_start, third.fallback_used) == (tomorrow(11), tomorrow(10), True)


def test_without_an_idempotency_key_a_second_request_is_refused(world: World, bookings: Bookings, bob: Caller) -> None:
    bookings.book(bob, world.direct_request())
    before = everything(world)
    with pytest.raises(SlotBooked):
        bookings.book(bob, world.direct_request())
    assert everything(world) == before


def test_with_an_idempotency_key_a_repeat_gets_the_first_answer(world: World, bookings: Bookings, bob: Caller) -> None:
    first = bookings.book(bob, world.direct_request(), KEY)
    before = everything(world)
    again = bookings.book(bob, world.direct_request(), KEY)
    assert (again.booking, again.created, again.replayed) == (first.booking, True, True)
    assert everything(world) == before


def test_with_an_idempotency_key_a_repeat_gets_the_first_answer_after_redis_was_lost(
    world: World, bookings: Bookings, bob: Caller
) -> None:
    first = bookings.book(bob, world.direct_request(), KEY)
    lose_redis(world)
    again = bookings.book(bob, world.direct_request(), KEY)
    assert (again.booking, again.replayed) == (first.booking, True)
    assert len(world.bookings()) == 1
    assert owners(world) == {f"booked {first.booking.booking_id}": 8}


def test_a_repeat_finds_its_booking_even_if_another_technician_is_free_now(
    world: World, bookings: Bookings, bob: Caller
) -> None:
    wish = world.direct_request(technician_id=None, fallback="next_available")
    first = bookings.book(bob, wish, KEY)
    lose_redis(world)
    assert bookings.book(bob, wish, KEY).booking == first.booking


@pytest.mark.parametrize("lost", [False, True], ids=["redis remembers", "redis was lost"])
def test_an_idempotency_key_of_another_request_is_refused(
    world: World, bookings: Bookings, bob: Caller, lost: bool
) -> None:
    bookings.book(bob, world.direct_request(), KEY)
    if lost:
        lose_redis(world)
    with pytest.raises(IdempotencyKeyReused):
        bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(14))), IdempotencyClaim(KEY.key, "other"))
    assert len(world.bookings()) == 1
    assert not any(owner.startswith("confirming") for owner in owners(world))


def test_an_idempotency_key_belongs_to_one_api_key(world: World, bookings: Bookings, bob: Caller, bot: Caller) -> None:
    first = bookings.book(bob, world.direct_request(), KEY)
    second = bookings.book(bot, world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert first.booking.booking_id != second.booking.booking_id
    assert not second.replayed


def test_a_refusal_keeps_no_idempotency_key(world: World, bookings: Bookings, alice: Caller, bob: Caller) -> None:
    hold = world.services.holds.place(alice, world.hold_request()).hold
    with pytest.raises(SlotHeld):
        bookings.book(bob, world.direct_request(), KEY)
    world.services.holds.release(alice, hold.hold_id)
    assert bookings.book(bob, world.direct_request(), KEY).created


def test_a_cancelled_slot_can_be_booked_again(world: World, bookings: Bookings, bob: Caller) -> None:
    first = bookings.book(bob, world.direct_request()).booking
    world.services.booking_life.act(bob, first.booking_id, "cancel")
    second = bookings.book(bob, world.direct_request()).booking
    assert second.booking_id != first.booking_id
    assert owners(world) == {f"booked {second.booking_id}": 8}


def test_an_idempotency_key_used_again_after_24_hours_is_a_new_request(
    world: World, bookings: Bookings, bob: Caller
) -> None:
    bookings.book(bob, world.direct_request(), KEY)
    client: Any = world.services.redis
    client.delete(world.names.idempotency(bob.key_id, KEY.key), *client.scan_iter(match=f"hf3:?{bob.org}?:hold:*"))
    world.services.db["bookings"].update_one(
        {"org": world.org}, {"$set": {"created_at": datetime.now(UTC) - timedelta(hours=24, seconds=1)}}
    )
    again = bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert (again.created, again.replayed) == (True, False)
    assert len(world.bookings()) == 2
    repeated = bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert (repeated.booking, repeated.replayed) == (again.booking, True)
    client.delete(world.names.idempotency(bob.key_id, KEY.key), *client.scan_iter(match=f"hf3:?{bob.org}?:hold:*"))
    repeated = bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert (repeated.booking, repeated.replayed) == (again.booking, True)
    assert len(world.bookings()) == 2


def test_two_servers_agree(world: World, bookings: Bookings, bob: Caller) -> None:
    elsewhere = another_server(world)
    assert elsewhere.settings == settings()
    first = bookings.book(bob, world.direct_request(), KEY)
    assert elsewhere.bookings.book(bob, world.direct_request(), KEY).booking == first.booking
    with pytest.raises(SlotBooked):
        elsewhere.bookings.book(bob, world.direct_request())
