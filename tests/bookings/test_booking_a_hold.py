"""Confirming a hold: once, by its owner, before it expires; and what a repeat gets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.access import Caller, IdempotencyClaim
from models.catalogue import PolicyPatch
from models.errors import (
    Forbidden,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    IdempotencyKeyReused,
    InvalidRequest,
    RequestInProgress,
    SlotBooked,
    SlotHeld,
)
from services.bookings.booking import Bookings
from tests.bookings.evidence import begin, everything, lapse, lose_redis, owners, record
from tests.world import World, name_of, rfc3339, tomorrow

KEY = IdempotencyClaim("a key", "print of the request")


@pytest.fixture
def bookings(world: World) -> Bookings:
    return world.services.bookings


def held(world: World, caller: Caller, **changed: object) -> str:
    """The id of a new hold of the caller."""
    return world.services.holds.place(caller, world.hold_request(**changed)).hold.hold_id


def test_a_booking_has_the_fields_of_its_hold(world: World, bookings: Bookings, alice: Caller) -> None:
    world.services.catalogue_desk.patch_policy(
        world.org, PolicyPatch(buffer_before_minutes=15, buffer_after_minutes=30)
    )
    hold_id = held(world, alice, duration_minutes=30)
    request = world.book_request(
        hold_id=hold_id,
        customer={"name": "Alice", "phone": "+44 20 7946 0000"},
        description="The boiler drips",
        priority="high",
    )
    confirmed = bookings.book(alice, request)
    booking = confirmed.booking
    assert (confirmed.created, confirmed.replayed) == (True, False)
    assert (booking.property_id, booking.technician_id, booking.status) == ("prop-1", "tech-1", "confirmed")
    assert (booking.start, booking.end) == (tomorrow(), tomorrow() + timedelta(minutes=30))
    assert (booking.duration_minutes, booking.buffer_before_minutes, booking.buffer_after_minutes) == (30, 15, 30)
    assert booking.customer == {"name": "Alice", "phone": "+44 20 7946 0000", "phone_e164": "+442079460000"}
    assert (booking.description, booking.priority, booking.source) == ("The boiler drips", "high", "web")
    assert (booking.version, booking.held_as, booking.requested_start) == (1, hold_id, tomorrow())
    assert [entry["action"] for entry in booking.history] == ["book"]


def test_both_stores_then_have_the_same_booking(world: World, bookings: Bookings, alice: Caller) -> None:
    booking = bookings.book(alice, world.book_request(hold_id=held(world, alice))).booking
    (document,) = world.bookings()
    claims = {f"{claim['resource']}:{claim['tick']}" for claim in document["claims"]}
    assert claims == set(world.marks())
    assert owners(world) == {f"booked {booking.booking_id}": len(claims)}
    assert world.services.booking_life.get(alice, booking.booking_id) == booking


def test_a_hold_found_by_searching_says_so_in_its_booking(world: World, bookings: Bookings, alice: Caller) -> None:
    held(world, alice)
    hold_id = held(world, alice, fallback="next_available")
    booking = bookings.book(alice, world.book_request(hold_id=hold_id)).booking
    assert (booking.start, booking.requested_start, booking.fallback_used) == (tomorrow(11), tomorrow(10), True)


def test_booking_a_hold_twice_gives_the_same_booking(world: World, bookings: Bookings, alice: Caller) -> None:
    request = world.book_request(hold_id=held(world, alice))
    first = bookings.book(alice, request)
    before = everything(world)
    again = bookings.book(alice, request)
    assert (again.booking, again.created, again.replayed) == (first.booking, False, False)
    assert everything(world) == before


def test_a_repeat_under_an_idempotency_key_gets_the_first_answer(
    world: World, bookings: Bookings, alice: Caller
) -> None:
    request = world.book_request(hold_id=held(world, alice))
    first = bookings.book(alice, request, KEY)
    again = bookings.book(alice, request, KEY)
    assert (again.booking, again.created, again.replayed) == (first.booking, True, True)


def test_a_repeat_after_a_cancellation_still_gets_the_first_answer(
    world: World, bookings: Bookings, alice: Caller, bob: Caller
) -> None:
    request = world.book_request(hold_id=held(world, alice))
    first = bookings.book(alice, request, KEY)
    world.services.booking_life.act(bob, first.booking.booking_id, "cancel", "no longer needed")
    assert bookings.book(alice, request, KEY).booking == first.booking
    assert bookings.book(alice, request).booking.status == "cancelled"


def test_an_idempotency_key_of_another_hold_is_refused(world: World, bookings: Bookings, alice: Caller) -> None:
    first, second = held(world, alice), held(world, alice, start=rfc3339(tomorrow(14)))
    bookings.book(alice, world.book_request(hold_id=first), KEY)
    before = everything(world)
    with pytest.raises(IdempotencyKeyReused):
        bookings.book(alice, world.book_request(hold_id=second), IdempotencyClaim(KEY.key, "another print"))
    assert everything(world) == before


def test_a_repeat_finds_its_booking_after_redis_was_lost(world: World, bookings: Bookings, alice: Caller) -> None:
    request = world.book_request(hold_id=held(world, alice))
    first = bookings.book(alice, request, KEY)
    lose_redis(world)
    again = bookings.book(alice, request, KEY)
    assert (again.booking, again.replayed) == (first.booking, True)
    assert bookings.book(alice, request).booking == first.booking
    assert len(world.bookings()) == 1


@pytest.mark.parametrize("who", ["stranger", "bot", "bob", "charlie"])
def test_another_caller_cannot_book_the_hold(
    world: World, bookings: Bookings, alice: Caller, who: str, request: pytest.FixtureRequest
) -> None:
    other: Caller = request.getfixturevalue(who)
    hold_id = held(world, alice)
    before = everything(world)
    with pytest.raises(HoldNotFound if who == "charlie" else Forbidden):
        bookings.book(other, world.book_request(hold_id=hold_id, if_expired="book_if_free"), KEY)
    assert everything(world) == before


@pytest.mark.parametrize("who", ["stranger", "bot", "charlie"])
def test_another_caller_cannot_get_the_booking_by_its_hold(
    world: World, bookings: Bookings, alice: Caller, who: str, request: pytest.FixtureRequest
) -> None:
    other: Caller = request.getfixturevalue(who)
    hold_id = held(world, alice)
    bookings.book(alice, world.book_request(hold_id=hold_id))
    before = everything(world)
    with pytest.raises(HoldNotFound if who == "charlie" else Forbidden):
        bookings.book(other, world.book_request(hold_id=hold_id))
    lose_redis(world)
    with pytest.raises(HoldNotFound):
        bookings.book(other, world.book_request(hold_id=hold_id))
    assert before["bookings"] == everything(world)["bookings"]


def test_a_made_up_hold_is_not_found_and_nothing_changes(world: World, bookings: Bookings, alice: Caller) -> None:
    before = everything(world)
    for made_up in ("h_" + "A" * 32, "nonsense"):
        with pytest.raises(HoldNotFound):
            bookings.book(alice, world.direct_request(hold_id=made_up, if_expired="book_if_free"), KEY)
    assert everything(world) == before


def test_a_released_hold_is_gone_even_with_book_if_free(world: World, bookings: Bookings, alice: Caller) -> None:
    hold_id = held(world, alice)
    world.services.holds.release(alice, hold_id)
    before = everything(world)
    for if_expired in ("reject", "book_if_free"):
        with pytest.raises(HoldReleased):
            bookings.book(alice, world.book_request(hold_id=hold_id, if_expired=if_expired), KEY)
    assert everything(world) == before


def test_an_expired_hold_is_rejected_by_default(world: World, bookings: Bookings, alice: Caller) -> None:
    hold_id = held(world, alice)
    lapse(world, hold_id)
    before = everything(world)
    with pytest.raises(HoldExpired):
        bookings.book(alice, world.book_request(hold_id=hold_id), KEY)
    assert everything(world) == before


def test_an_expired_hold_is_booked_if_its_slot_is_still_free(world: World, bookings: Bookings, alice: Caller) -> None:
    held(world, alice)
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(buffer_after_minutes=15))
    hold_id = held(world, alice, fallback="next_available")
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(buffer_after_minutes=30))
    lapse(world, hold_id)
    request = world.book_request(hold_id=hold_id, if_expired="book_if_free")
    first = bookings.book(alice, request)
    assert first.created
    booking = first.booking
    assert (booking.start, booking.requested_start, booking.fallback_used) == (tomorrow(11), tomorrow(10), True)
    assert (booking.held_as, booking.buffer_after_minutes) == (hold_id, 15)
    assert bookings.book(alice, request).booking == booking
    assert record(world, hold_id)["status"] == "booked"


def test_an_expired_hold_is_not_booked_over_a_later_hold(
    world: World, bookings: Bookings, alice: Caller, stranger: Caller, bob: Caller
) -> None:
    hold_id = held(world, alice)
    lapse(world, hold_id)
    theirs = held(world, stranger)
    before = everything(world)
    request = world.book_request(hold_id=hold_id, if_expired="book_if_free")
    with pytest.raises(SlotHeld):
        bookings.book(alice, request, KEY)
    assert everything(world) == before
    bookings.book(stranger, world.book_request(hold_id=theirs))
    with pytest.raises(SlotBooked):
        bookings.book(alice, request, KEY)


def test_a_hold_lost_with_redis_is_expired_but_can_be_booked_with_its_slot_if_free(
    world: World, bookings: Bookings, alice: Caller
) -> None:
    hold_id = held(world, alice)
    lose_redis(world)
    with pytest.raises(HoldExpired):
        bookings.book(alice, world.book_request(hold_id=hold_id))
    with pytest.raises(HoldExpired):
        bookings.book(alice, world.direct_request(hold_id=hold_id))
    request = world.direct_request(hold_id=hold_id, if_expired="book_if_free")
    booking = bookings.book(alice, request).booking
    assert (booking.held_as, booking.start) == (hold_id, tomorrow())
    assert bookings.book(alice, request).booking == booking


def test_a_slot_sent_with_a_hold_must_be_the_held_slot(world: World, bookings: Bookings, alice: Caller) -> None:
    hold_id = held(world, alice)
    for changed in ({"start": rfc3339(tomorrow(14))}, {"property_id": "prop-2"}, {"technician_id": "tech-2"}):
        with pytest.raises(InvalidRequest):
            bookings.book(alice, world.direct_request(hold_id=hold_id, **changed))
    assert world.services.holds.get(alice, hold_id).status == "held"
    assert bookings.book(alice, world.direct_request(hold_id=hold_id)).created


def test_a_repeat_while_the_first_request_runs_is_in_progress(world: World, bookings: Bookings, alice: Caller) -> None:
    hold_id = held(world, alice)
    request = world.book_request(hold_id=hold_id)
    begin(world, alice, hold_id, KEY)
    with pytest.raises(RequestInProgress):
        bookings.book(alice, request, KEY)
    assert world.bookings() == []


def test_a_repeat_takes_over_from_a_worker_that_must_be_dead(world: World, bookings: Bookings, alice: Caller) -> None:
    hold_id = held(world, alice)
    begin(world, alice, hold_id, KEY)
    client = world.services.redis
    client.hincrby(world.names.hold(name_of(hold_id)), "begun_ms", -2_001)
    assert bookings.book(alice, world.book_request(hold_id=hold_id), KEY).created
    assert len(world.bookings()) == 1
