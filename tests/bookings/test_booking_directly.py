"""Direct bookings: claimed and booked in one request by those who may."""

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
def bookings(any_world: World) -> Bookings:
    return any_world.services.bookings


@pytest.mark.parametrize(("role", "source"), [("bot", "sms"), ("desk", "desk"), ("admin", "api")])
def test_staff_and_bot_book_without_a_hold(any_world: World, bookings: Bookings, role: str, source: str) -> None:
    confirmed = bookings.book(any_world.caller(role), any_world.direct_request())
    booking = confirmed.booking
    assert confirmed.created
    assert (booking.source, booking.hold_id, booking.start) == (source, None, tomorrow())
    assert owners(any_world) == {f"booked {booking.booking_id}": 8}
    assert any_world.services.redis.exists(any_world.names.pins) == 0


def test_the_public_key_books_only_what_it_holds(any_world: World, bookings: Bookings, alice: Caller) -> None:
    before = everything(any_world)
    with pytest.raises(Forbidden):
        bookings.book(alice, any_world.direct_request())
    assert everything(any_world) == before


def test_a_live_hold_protects_its_slot_even_from_staff(
    any_world: World, bookings: Bookings, alice: Caller, bob: Caller
) -> None:
    any_world.services.holds.place(alice, any_world.hold_request(holder="alice"))
    before = everything(any_world)
    with pytest.raises(SlotHeld):
        bookings.book(bob, any_world.direct_request(), KEY)
    assert everything(any_world) == before


def test_any_technician_and_the_next_slot_work_as_for_holds(any_world: World, bookings: Bookings, bob: Caller) -> None:
    bookings.book(bob, any_world.direct_request(property_id="prop-2"))
    second = bookings.book(bob, any_world.direct_request(technician_id=None)).booking
    assert (second.technician_id, second.fallback_used) == ("tech-2", False)
    third = bookings.book(bob, any_world.direct_request(technician_id=None, fallback="next_available")).booking
    assert (third.start, third.requested_start, third.fallback_used) == (tomorrow(11), tomorrow(10), True)


def test_without_an_idempotency_key_a_second_request_is_refused(
    any_world: World, bookings: Bookings, bob: Caller
) -> None:
    bookings.book(bob, any_world.direct_request())
    before = everything(any_world)
    with pytest.raises(SlotBooked):
        bookings.book(bob, any_world.direct_request())
    assert everything(any_world) == before


def test_with_one_it_is_the_first_answer(any_world: World, bookings: Bookings, bob: Caller) -> None:
    first = bookings.book(bob, any_world.direct_request(), KEY)
    before = everything(any_world)
    again = bookings.book(bob, any_world.direct_request(), KEY)
    assert (again.booking, again.created, again.replayed) == (first.booking, True, True)
    assert everything(any_world) == before


def test_with_one_it_is_the_first_answer_after_redis_was_lost(
    any_world: World, bookings: Bookings, bob: Caller
) -> None:
    first = bookings.book(bob, any_world.direct_request(), KEY)
    lose_redis(any_world)
    again = bookings.book(bob, any_world.direct_request(), KEY)
    assert (again.booking, again.replayed) == (first.booking, True)
    assert len(any_world.bookings()) == 1
    assert owners(any_world) == {f"booked {first.booking.booking_id}": 8}


def test_a_repeat_meets_itself_even_if_another_technician_would_be_free_now(
    any_world: World, bookings: Bookings, bob: Caller
) -> None:
    wish = any_world.direct_request(technician_id=None, fallback="next_available")
    first = bookings.book(bob, wish, KEY)
    lose_redis(any_world)
    assert bookings.book(bob, wish, KEY).booking == first.booking


@pytest.mark.parametrize("lost", [False, True], ids=["redis remembers", "redis was lost"])
def test_an_idempotency_key_of_another_request_is_refused(
    any_world: World, bookings: Bookings, bob: Caller, lost: bool
) -> None:
    bookings.book(bob, any_world.direct_request(), KEY)
    if lost:
        lose_redis(any_world)
    with pytest.raises(IdempotencyKeyReused):
        bookings.book(bob, any_world.direct_request(start=rfc3339(tomorrow(14))), IdempotencyClaim(KEY.key, "other"))
    assert len(any_world.bookings()) == 1
    assert not any(owner.startswith("confirming") for owner in owners(any_world))


def test_an_idempotency_key_belongs_to_one_api_key(
    any_world: World, bookings: Bookings, bob: Caller, bot: Caller
) -> None:
    first = bookings.book(bob, any_world.direct_request(), KEY)
    second = bookings.book(bot, any_world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert first.booking.booking_id != second.booking.booking_id
    assert not second.replayed


def test_a_refusal_keeps_no_idempotency_key(any_world: World, bookings: Bookings, alice: Caller, bob: Caller) -> None:
    hold = any_world.services.holds.place(alice, any_world.hold_request()).hold
    with pytest.raises(SlotHeld):
        bookings.book(bob, any_world.direct_request(), KEY)
    any_world.services.holds.release(alice, hold.hold_id)
    assert bookings.book(bob, any_world.direct_request(), KEY).created


def test_a_cancelled_slot_can_be_booked_again(any_world: World, bookings: Bookings, bob: Caller) -> None:
    first = bookings.book(bob, any_world.direct_request()).booking
    any_world.services.booking_life.act(bob, first.booking_id, "cancel")
    second = bookings.book(bob, any_world.direct_request()).booking
    assert second.booking_id != first.booking_id
    assert owners(any_world) == {f"booked {second.booking_id}": 8}


def test_a_key_used_again_after_its_day_is_a_new_request(any_world: World, bookings: Bookings, bob: Caller) -> None:
    bookings.book(bob, any_world.direct_request(), KEY)
    client: Any = any_world.services.redis
    client.delete(any_world.names.idempotency(bob.key_id, KEY.key), *client.scan_iter(match=f"hf:?{bob.org}?:hold:*"))
    any_world.services.db["bookings"].update_one(
        {"org": any_world.org}, {"$set": {"created_at": datetime.now(UTC) - timedelta(hours=24, seconds=1)}}
    )
    again = bookings.book(bob, any_world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert (again.created, again.replayed) == (True, False)
    assert len(any_world.bookings()) == 2
    repeated = bookings.book(bob, any_world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert (repeated.booking, repeated.replayed) == (again.booking, True)
    client.delete(any_world.names.idempotency(bob.key_id, KEY.key), *client.scan_iter(match=f"hf:?{bob.org}?:hold:*"))
    repeated = bookings.book(bob, any_world.direct_request(start=rfc3339(tomorrow(14))), KEY)
    assert (repeated.booking, repeated.replayed) == (again.booking, True)
    assert len(any_world.bookings()) == 2


def test_two_servers_agree(any_world: World, bookings: Bookings, bob: Caller) -> None:
    elsewhere = another_server(any_world)
    assert elsewhere.settings == settings()
    first = bookings.book(bob, any_world.direct_request(), KEY)
    assert elsewhere.bookings.book(bob, any_world.direct_request(), KEY).booking == first.booking
    with pytest.raises(SlotBooked):
        elsewhere.bookings.book(bob, any_world.direct_request())
