"""An overdue reservation gives its slot to the next request of any kind, although no relay runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest

from models.availability import AvailabilityQuery
from models.booking_lists import BookingQuery
from models.errors import SlotBooked
from scripts.dev_server.child import wait_until
from services.claims.mirror import Mirror
from services.stores.connections import connect_redis
from tests.bookings.evidence import lose_redis, owners
from tests.bookings.reserving import (
    NEAR_SECONDS,
    Take,
    book,
    cancel,
    confirm,
    due_in,
    expired,
    hold_and_book,
    mirror_of,
    move_there,
    now_in_store,
    reservations_of,
    reserve,
    reserve_too,
    run_out,
    search,
    seen_by,
)
from tests.world import World, services_over, tomorrow

SOON = 30
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("take", [hold_and_book, book, search, reserve_too, move_there])
def test_the_slot_of_an_overdue_reservation_goes_to_the_next_request(world: World, take: Take) -> None:
    booking = reserve(world)
    run_out(world, booking)
    made = take(world)
    assert (made.start, expired(world, booking), world.double_booked()) == (tomorrow(10), True, [])
    assert owners(world) == {f"booked {made.booking_id}": 8}


@pytest.mark.parametrize("take", [hold_and_book, book, reserve_too, move_there])
def test_its_slot_goes_to_the_next_request_while_its_marks_are_still_in_redis(world: World, take: Take) -> None:
    booking = reserve(world)
    run_out(world, booking, marks_stay=True)
    made = take(world)
    assert (made.start, made.active) == (tomorrow(10), True)
    assert expired(world, booking)
    assert owners(world) == {f"booked {made.booking_id}": 8}
    assert world.double_booked() == []


@pytest.mark.parametrize("take", [hold_and_book, book, search, reserve_too, move_there])
def test_its_slot_goes_to_the_next_request_while_the_mirror_is_not_trusted(world: World, take: Take) -> None:
    booking = reserve(world)
    run_out(world, booking)
    lose_redis(world)
    made = take(world)
    assert (made.start, expired(world, booking), world.double_booked()) == (tomorrow(10), True, [])
    assert owners(world) == {f"booked {made.booking_id}": 8}


@pytest.fixture
def cut_off(world: World) -> Iterator[World]:
    """The same org on a server that reaches no Redis."""
    nowhere = connect_redis("redis://127.0.0.1:1/0")
    services = services_over(nowhere, world.services.db)
    yield seen_by(world, services)
    services.access.close()
    nowhere.close()


@pytest.mark.parametrize("take", [book, search, reserve_too])
def test_its_slot_goes_to_the_next_request_without_redis(world: World, cut_off: World, take: Take) -> None:
    booking = reserve(world)
    with pytest.raises(SlotBooked):
        book(cut_off)
    run_out(world, booking, marks_stay=True)
    made = take(cut_off)
    assert (made.start, expired(world, booking), world.double_booked()) == (tomorrow(10), True, [])
    mirror_of(world).settle(made)
    assert owners(world) == {f"booked {made.booking_id}": 8}


def test_without_redis_the_expiry_is_not_mirrored_so_the_request_does_not_wait(
    world: World, cut_off: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = reserve(world)
    run_out(world, booking)
    mirrored: list[str] = []
    monkeypatch.setattr(Mirror, "settle_or_leave", lambda _mirror, found: mirrored.append(found.booking_id))
    made = book(cut_off)
    assert mirrored == [made.booking_id]
    assert expired(world, booking)


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_availability_shows_its_slot_as_free(world: World, cold: bool) -> None:
    booking = reserve(world)
    query = AvailabilityQuery.model_validate({"property_id": "prop-1", "from": tomorrow().date().isoformat()})

    def state() -> str:
        slots = world.services.free_times.slots(world.caller("desk"), query)["slots"]
        return next(str(slot["state"]) for slot in slots if slot["start"] == tomorrow(10))

    if cold:
        lose_redis(world)
    assert state() == "booked"
    run_out(world, booking)
    assert state() == "free"
    assert world.services.holds.place(world.caller(), world.hold_request()).created


def test_at_its_deadline_its_marks_expire_by_themselves(world: World) -> None:
    booking = due_in(world, reserve(world), NEAR_SECONDS)
    with pytest.raises(SlotBooked):
        world.services.holds.place(world.caller(), world.hold_request())
    assert wait_until(lambda: world.marks() == {}, seconds=SOON)
    assert booking.reserved_until
    assert datetime.now(UTC) >= booking.reserved_until
    assert now_in_store(world, booking).status == "pending"
    made = hold_and_book(world)
    assert expired(world, booking)
    assert owners(world) == {f"booked {made.booking_id}": 8}


@pytest.mark.parametrize("act", ["cancel", "expire", "confirm"])
def test_where_marks_are_outdated_mongodb_decides(world: World, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    booking = reserve(world)
    if act == "expire":
        run_out(world, booking, marks_stay=True)
    with monkeypatch.context() as dying:
        dying.setattr(Mirror, "settle_or_leave", lambda *_late: None)
        if act == "expire":
            reservations_of(world).current(now_in_store(world, booking))
        elif act == "cancel":
            cancel(world, booking)
        else:
            confirm(world, booking)
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    if act == "confirm":
        with pytest.raises(SlotBooked):
            hold_and_book(world)
    else:
        made = hold_and_book(world)
        assert owners(world) == {f"booked {made.booking_id}": 8}


@pytest.mark.parametrize("stay", [False, True], ids=["marks expired", "marks still there"])
def test_two_overdue_reservations_are_both_out_of_the_way(world: World, stay: bool) -> None:
    both = [reserve(world, technician_id="tech-2"), reserve(world, property_id="prop-2")]
    run_out(world, both[0], marks_stay=stay)
    for take in (hold_and_book, book):
        with pytest.raises(SlotBooked):
            take(world)
    run_out(world, both[1], marks_stay=stay)
    made = hold_and_book(world)
    assert [booking.status for booking in map(partial(now_in_store, world), both)] == ["expired", "expired"]
    assert owners(world) == {f"booked {made.booking_id}": 8}


def test_a_list_shows_it_as_expired(world: World) -> None:
    booking, listed = reserve(world), world.services.booking_life.page
    run_out(world, booking)
    bob = world.caller("desk")
    assert listed(bob, BookingQuery(status="pending")) == ([], None)
    assert [found.status for found in listed(bob, BookingQuery())[0]] == ["expired"]


def test_lists_by_status_know_the_deadline_before_it_is_noted(world: World) -> None:
    lasting, over, noted, bob = reserve(world, 8), reserve(world, 10), reserve(world, 12), world.caller("desk")
    run_out(world, noted)
    reservations_of(world).current(noted)
    run_out(world, over)
    life = world.services.booking_life

    def shown(*statuses: str) -> list[tuple[str, str]]:
        query = BookingQuery.model_validate({"status": list(statuses)})
        by_start, by_change = life.page(bob, query)[0], life.changes_since(bob, query, LONG_AGO).bookings
        assert by_start == sorted(by_change, key=lambda found: found.start)
        return [(found.booking_id, found.status) for found in by_start]

    kept, ended = (lasting.booking_id, "pending"), [(each.booking_id, "expired") for each in (over, noted)]
    assert shown("pending") == [kept]
    assert shown("expired") == shown("expired", "cancelled") == ended
    assert shown("expired", "pending") == [kept, *ended]
    assert shown("confirmed") == []
    assert (now_in_store(world, over).status, now_in_store(world, over).version) == ("pending", 1)
