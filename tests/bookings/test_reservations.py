"""Firm reservations: pending until staff confirm them or their deadline passes. The end of another changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import WriteError

from models.access import Caller, IdempotencyClaim
from models.booking_changes import BookingPatch
from models.booking_lists import BookingQuery
from models.errors import IdempotencyKeyReused, InvalidTransition, SlotBooked, SlotHeld
from scripts.dev_server.child import wait_until
from services.ledger.documents import document_of
from tests.bookings.evidence import everything, lose_redis, owners
from tests.bookings.reserving import (
    NEAR_SECONDS,
    Clock,
    book,
    cancel,
    confirm,
    due_in,
    ends_ms,
    expired,
    hold_and_book,
    mirror_of,
    now_in_store,
    request,
    reservations_of,
    reserve,
    reserve_too,
    run_out,
    seen_by,
)
from tests.world import World, name_of, rfc3339, services_over, tomorrow

KEY = IdempotencyClaim("a key", "print of the request")
SOON = 30


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def test_a_reservation_blocks_its_slot_like_a_booking(world: World, alice: Caller) -> None:
    booking = reserve(world)
    assert (booking.status, booking.active, booking.version) == ("pending", True, 1)
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    assert world.services.redis.exists(world.names.pins) == 0
    before = everything(world)
    for take in (hold_and_book, book, reserve_too):
        with pytest.raises(SlotBooked):
            take(world)
    assert everything(world) == before
    found = world.services.holds.place(alice, world.hold_request(technician_id=None, property_id="prop-2"))
    assert found.hold.visit.technician_id == "tech-2"


def test_a_live_hold_protects_its_slot_from_being_reserved(world: World, alice: Caller) -> None:
    world.services.holds.place(alice, world.hold_request())
    before = everything(world)
    with pytest.raises(SlotHeld):
        reserve(world)
    assert everything(world) == before


@pytest.mark.parametrize(("given", "hours"), [({}, 24), ({"hours": 1}, 1), ({"hours": 72}, 72)])
def test_a_reservation_lives_for_the_requested_hours(world: World, given: dict[str, int], hours: int) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    booking = reserve(world, **given)
    assert booking.reserved_until
    assert before <= booking.reserved_until - timedelta(hours=hours) <= datetime.now(UTC)
    assert now_in_store(world, booking) == booking


@pytest.mark.parametrize("hours", [1, 72])
def test_marks_of_a_reservation_end_at_its_deadline_or_with_the_visit(world: World, hours: int) -> None:
    booking = reserve(world, hours=hours)
    assert booking.reserved_until
    ends = tomorrow(11) if hours == 72 else booking.reserved_until
    assert ends_ms(world) == {ms(ends)}
    assert {mark.rpartition("|")[2] for mark in world.marks().values()} == {"pending"}


def test_a_repeat_gets_the_first_answer_after_every_later_change(world: World, bob: Caller) -> None:
    bookings = world.services.bookings
    first = bookings.reserve(bob, request(), KEY)
    for end in (lambda: None, lambda: confirm(world, first.booking), lambda: cancel(world, first.booking)):
        end()
        again = bookings.reserve(bob, request(), KEY)
        assert (again.booking, again.created, again.replayed) == (first.booking, True, True)
    lose_redis(world)
    assert bookings.reserve(bob, request(), KEY).booking == first.booking
    with pytest.raises(IdempotencyKeyReused):
        bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(14))), replace(KEY, fingerprint="other"))
    assert len(world.bookings()) == 1


def test_reads_show_an_overdue_reservation_as_expired_and_write_nothing(world: World, bob: Caller) -> None:
    booking, life = reserve(world), world.services.booking_life
    run_out(world, booking)
    before = everything(world)
    read = life.get(bob, booking.booking_id)
    assert (read.status, read.version, life.page(bob, BookingQuery())[0]) == ("expired", 1, [read])
    assert life.page(bob, BookingQuery(status="pending")) == ([], None)
    assert everything(world) == before
    assert reservations_of(world).expire_overdue() >= 1
    assert expired(world, booking)


def test_a_read_that_meets_a_later_change_shows_it(world: World) -> None:
    booking = reserve(world)
    cancelled = cancel(world, booking)
    assert reservations_of(world).standing(world.org, [booking]) == [cancelled]


def test_a_confirmed_reservation_stands_until_the_visit_is_over(world: World) -> None:
    booking = reserve(world, hours=1)
    made = confirm(world, booking)
    assert (made.status, made.reserved_until) == ("confirmed", booking.reserved_until)
    assert ends_ms(world) == {ms(tomorrow(11))}
    run_out(world, booking, marks_stay=True)
    reservations_of(world).expire_overdue()
    for take in (hold_and_book, book):
        with pytest.raises(SlotBooked):
            take(world)
    assert now_in_store(world, booking).status == "confirmed"


def test_a_reservation_confirmed_just_before_its_deadline_is_not_freed_at_it(world: World) -> None:
    booking = due_in(world, reserve(world), NEAR_SECONDS)
    confirm(world, booking)
    assert booking.reserved_until
    assert wait_until(lambda: datetime.now(UTC) > (booking.reserved_until or datetime.now(UTC)), seconds=SOON)
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    with pytest.raises(SlotBooked):
        hold_and_book(world)


@pytest.mark.parametrize("act", ["confirm", "cancel"])
def test_an_overdue_reservation_is_neither_confirmed_nor_cancelled(world: World, bob: Caller, act: Any) -> None:
    booking = reserve(world)
    run_out(world, booking)
    for _ in range(2):
        with pytest.raises(InvalidTransition):
            world.services.booking_life.act(bob, booking.booking_id, act)
    assert expired(world, booking)


def test_a_reservation_overdue_by_the_clock_of_redis_is_not_confirmed_by_a_slow_server(
    world: World, alice: Caller
) -> None:
    booking = reserve(world)
    clock, here = Clock(), world.services
    clock.ahead = timedelta(hours=-1)
    slow = services_over(here.redis, here.db, clock)
    run_out(world, booking)
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    with pytest.raises(InvalidTransition):
        confirm(seen_by(world, slow), booking)
    slow.access.close()
    assert owners(world) == {f"held {name_of(hold_id)}": 8}
    assert world.services.bookings.book(alice, world.book_request(hold_id=hold_id)).created


@pytest.mark.parametrize("late", ["relay", "confirm", "cancel", "old marks"])
def test_late_work_on_a_cancelled_reservation_does_not_touch_the_next_on_its_slot(
    world: World, bob: Caller, late: str
) -> None:
    first = reserve(world)
    cancel(world, first)
    second = reserve_too(world)
    run_out(world, first, marks_stay=True)
    before = everything(world)
    life = world.services.booking_life
    if late == "relay":
        reservations_of(world).expire_overdue()
    elif late == "confirm":
        with pytest.raises(InvalidTransition):
            life.act(bob, first.booking_id, "confirm")
    elif late == "cancel":
        assert life.act(bob, first.booking_id, "cancel").version == 2
    else:
        mirror_of(world).settle(first)
    assert everything(world) == before
    assert confirm(world, second).status == "confirmed"


def test_a_new_reservation_on_the_slot_of_an_expired_one_has_its_own_deadline(world: World) -> None:
    first = reserve(world)
    run_out(world, first)
    second = reserve_too(world)
    mirror_of(world).settle(now_in_store(world, first))
    reservations_of(world).expire_overdue()
    assert second.reserved_until
    assert ends_ms(world) == {ms(min(second.reserved_until, second.end))}
    assert confirm(world, second).status == "confirmed"


@pytest.mark.parametrize("patch", [{"description": "The tap drips."}, {"start": rfc3339(tomorrow(14))}])
def test_a_changed_reservation_keeps_its_deadline(world: World, patch: dict[str, str]) -> None:
    booking = due_in(world, reserve(world, hours=1), 3600)
    life, bob = world.services.booking_life, world.caller("desk")
    changed = life.reschedule(bob, booking.booking_id, BookingPatch.model_validate(patch), booking.version)
    assert (changed.status, changed.reserved_until) == ("pending", booking.reserved_until)
    assert booking.reserved_until
    assert ends_ms(world) == {ms(booking.reserved_until)}
    run_out(world, changed)
    reservations_of(world).expire_overdue()
    assert expired(world, changed)


def test_mongodb_requires_a_deadline_of_pending_and_claims_of_active_bookings(world: World) -> None:
    document = document_of(reserve(world))
    cancel(world, now_in_store(world, reserve(world, 14)))
    taken = {"_id": "bk_by_hand", "claims": [{"resource": f"property:{n}", "tick": 1} for n in "ab"]}
    bookings = world.services.db["bookings"]
    faults: tuple[dict[str, Any], ...] = (
        *({"reserved_by": value} for value in (None, "", 7)),
        *({"reserved_until": value} for value in (None, "tomorrow")),
        *({"claims": value} for value in (None, [], [{"resource": "property:a", "tick": 1}], [{"resource": "a"}] * 2)),
        {"active": False},
        {"status": "expired"},
    )
    for wrong in faults:
        given = {name: value for name, value in (document | taken | wrong).items() if value is not None}
        with pytest.raises(WriteError) as refused:
            bookings.insert_one(given)
        assert refused.value.code == 121, wrong
    bookings.insert_one(document | taken)
