"""Moving a booking or changing its details: what is allowed, what the booking says afterwards, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.access import Caller, IdempotencyClaim
from models.booking import Booking
from models.errors import (
    BookingNotFound,
    InvalidTransition,
    SlotBooked,
    SlotHeld,
    VersionConflict,
)
from tests.bookings.evidence import everything, owners
from tests.bookings.moving import at, check_stands, move, stored, whole
from tests.world import World, name_of, tomorrow


@pytest.fixture
def booking(world: World, bob: Caller) -> Booking:
    """A visit tomorrow from ten to eleven, with half an hour of travel before and after."""
    travel = {"buffer_before_minutes": 30, "buffer_after_minutes": 30}
    return world.services.bookings.book(bob, world.direct_request(**travel)).booking


def customer_of(world: World, booking: Booking) -> Caller:
    access = world.services.access
    return access.authenticate(access.manage_tokens.make(world.org, booking.booking_id))


CHANGES: dict[str, dict[str, Any]] = {
    "to another day": {"start": "tomorrow 15:00"},
    "a quarter later": {"start": "tomorrow 10:15"},
    "a quarter earlier": {"start": "tomorrow 09:45"},
    "to where its own travel was": {"start": "tomorrow 11:00"},
    "longer": {"duration_minutes": 120},
    "shorter": {"duration_minutes": 15},
    "around itself": {"start": "tomorrow 09:00", "duration_minutes": 180},
    "into itself": {"start": "tomorrow 10:15", "duration_minutes": 30},
    "more travel": {"buffer_before_minutes": 60, "buffer_after_minutes": 45},
    "no travel": {"buffer_before_minutes": 0, "buffer_after_minutes": 0},
    "another technician": {"technician_id": "tech-2"},
    "another property": {"property_id": "prop-2"},
    "another technician while it overlaps": {"technician_id": "tech-2", "start": "tomorrow 10:30"},
    "everything": {
        "property_id": "prop-3",
        "technician_id": "tech-3",
        "start": "tomorrow 09:30",
        "duration_minutes": 45,
        "buffer_before_minutes": 15,
        "buffer_after_minutes": 0,
        "description": "The cellar.",
        "priority": "high",
        "customer": {"name": "Bea", "phone": "+45 20202020", "phone_e164": "+4520202020"},
    },
}


def named(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with their times written out."""
    if "start" not in fields:
        return fields
    hour, minute = fields["start"].removeprefix("tomorrow ").split(":")
    return fields | {"start": at(int(hour), int(minute))}


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES.keys())
def test_a_visit_is_moved_whole(world: World, booking: Booking, bob: Caller, fields: dict[str, Any]) -> None:
    moved = move(world.services, bob, booking, **named(fields))
    assert (moved.version, moved.status, moved.booking_id) == (2, "confirmed", booking.booking_id)
    wanted = named(fields)
    if "start" in wanted:
        wanted["start"] = datetime.fromisoformat(wanted["start"])
    assert {name: getattr(moved, name) for name in wanted} == wanted
    assert moved.technician_ids == [moved.technician_id]
    untouched = set(Booking.model_fields.keys()) - set(fields) - {"technician_ids"}
    untouched -= {"version", "updated_at", "history", "claims", "end", "requested_start", "fallback_used"}
    untouched -= {"token_generation"} if "customer" in fields else set()
    assert all(getattr(moved, name) == getattr(booking, name) for name in untouched)
    assert whole(world, moved)
    assert world.services.booking_life.get(bob, booking.booking_id) == moved
    check_stands(world, moved)


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES.keys())
def test_a_moved_visit_is_moved_back_whole(world: World, booking: Booking, bob: Caller, fields: dict[str, Any]) -> None:
    moved = move(world.services, bob, booking, **named(fields))
    before = {name: getattr(booking, name) for name in fields} | ({"start": at(10)} if "start" in fields else {})
    back = move(world.services, bob, moved, 2, **before)
    assert (back.version, set(back.claims), back.end) == (3, set(booking.claims), booking.end)
    check_stands(world, back)


def test_history_names_the_caller_the_old_and_the_new_values(world: World, booking: Booking, bob: Caller) -> None:
    moved = move(world.services, bob, booking, start=at(14), technician_id="tech-2")
    entry = moved.history[-1]
    assert (len(moved.history), entry["action"], entry["by"], entry["at"]) == (2, "move", bob.name, moved.updated_at)
    assert entry["changes"] == {
        "start": {"from": tomorrow(10), "to": tomorrow(14)},
        "end": {"from": tomorrow(11), "to": tomorrow(15)},
        "requested_start": {"from": tomorrow(10), "to": tomorrow(14)},
        "technician_id": {"from": "tech-1", "to": "tech-2"},
    }
    assert timedelta(0) <= datetime.now(UTC) - moved.updated_at < timedelta(minutes=1)


def test_details_are_an_edit_and_touch_no_slot(world: World, booking: Booking, bob: Caller) -> None:
    edited = move(world.services, bob, booking, description="Ring twice.", customer={"name": "Bea"})
    assert (edited.version, edited.claims, edited.start) == (2, booking.claims, booking.start)
    entry = edited.history[-1]
    assert (entry["action"], entry["changes"]) == (
        "edit",
        {
            "description": {"from": "", "to": "Ring twice."},
            "customer": {"from": {"name": "Alice"}, "to": {"name": "Bea"}},
        },
    )
    check_stands(world, edited)


@pytest.mark.parametrize("fields", [{}, {"start": at(10)}, {"description": "", "technician_id": "tech-1"}])
@pytest.mark.parametrize("version", [1, None])
def test_a_change_without_new_values_changes_nothing(
    world: World, booking: Booking, bob: Caller, fields: dict[str, Any], version: int | None
) -> None:
    before = everything(world)
    assert move(world.services, bob, booking, version, **fields) == booking
    assert everything(world) == before


def test_the_old_slot_is_free_and_the_new_one_is_not(world: World, booking: Booking, bob: Caller) -> None:
    move(world.services, bob, booking, start=at(14))
    holds = world.services.holds
    assert holds.place(bob, world.hold_request()).created
    for start in (at(14), at(13, 30), at(14, 45)):
        with pytest.raises(SlotBooked):
            holds.place(bob, world.hold_request(start=start))


def test_a_hold_that_begins_where_it_now_ends_is_no_obstacle(world: World, bob: Caller, alice: Caller) -> None:
    services = world.services
    booking = services.bookings.book(bob, world.direct_request()).booking
    hold_id = services.holds.place(alice, world.hold_request(start=at(15))).hold.hold_id
    moved = move(services, bob, booking, start=at(14))
    assert owners(world) == {f"booked {moved.booking_id}": 8, f"held {name_of(hold_id)}": 8}
    assert services.bookings.book(alice, world.book_request(hold_id=hold_id)).created


@pytest.mark.parametrize("how", ["hold", "hold that is being booked", "booking"])
@pytest.mark.parametrize(
    "fields",
    [{"start": at(14)}, {"start": at(14, 45)}, {"start": at(13, 15)}, {"duration_minutes": 300}],
    ids=["the same slot", "into its end", "into its beginning", "by growing"],
)
def test_a_move_does_not_take_a_slot_of_another_client(
    world: World, booking: Booking, bob: Caller, alice: Caller, how: str, fields: dict[str, Any]
) -> None:
    services = world.services
    if how == "booking":
        services.bookings.book(bob, world.direct_request(start=at(14), technician_id="tech-2"))
    else:
        hold_id = services.holds.place(alice, world.hold_request(start=at(14), technician_id="tech-2")).hold.hold_id
        if how != "hold":
            services.booking_life._rescheduling._claims.begin(world.org, hold_id, alice.key_id, "bk_x", None)
    before = everything(world)
    with pytest.raises(SlotBooked if how == "booking" else SlotHeld) as refused:
        move(services, bob, booking, **fields)
    (block,) = refused.value.members["conflicts"]
    assert (block.kind, block.id, block.start, block.end) == ("property", "prop-1", tomorrow(14), tomorrow(15))
    assert everything(world) == before


def test_two_visits_are_not_swapped_in_one_step(world: World, booking: Booking, bob: Caller) -> None:
    services = world.services
    other = services.bookings.book(bob, world.direct_request(start=at(14))).booking
    before = everything(world)
    with pytest.raises(SlotBooked):
        move(services, bob, booking, start=at(14))
    with pytest.raises(SlotBooked):
        move(services, bob, other, start=at(10))
    assert everything(world) == before


def test_a_stale_version_is_refused_and_any_version_is_not(world: World, booking: Booking, bob: Caller) -> None:
    before = everything(world)
    for fields in ({"start": at(14)}, {"description": "new"}, {}):
        with pytest.raises(VersionConflict):
            move(world.services, bob, booking, 2, **fields)
    assert everything(world) == before
    assert move(world.services, bob, booking, None, start=at(14)).version == 2
    assert move(world.services, bob, booking, None, start=at(15)).version == 3


def test_a_repeat_gets_the_first_answer(world: World, booking: Booking, bob: Caller) -> None:
    services = world.services
    for fields in ({"start": at(14)}, {"description": "new"}, {"start": at(15), "priority": "high"}):
        booking = first = move(services, bob, booking, booking.version, **fields)
        before = everything(world)
        assert move(services, bob, booking, booking.version - 1, **fields) == first
        assert everything(world) == before


def test_a_different_change_of_the_earlier_version_is_no_repeat(world: World, booking: Booking, bob: Caller) -> None:
    services, bot = world.services, world.caller("bot")
    move(services, bob, booking, 1, start=at(14))
    before = everything(world)
    others: list[tuple[Caller, dict[str, Any]]] = [
        (bob, {"start": at(15)}),
        (bob, {"start": at(14), "priority": "high"}),
        (bob, {"start": at(14), "description": "", "duration_minutes": 30}),
        (bot, {"start": at(14)}),
    ]
    for caller, fields in others:
        with pytest.raises(VersionConflict):
            move(services, caller, booking, 1, **fields)
    assert everything(world) == before


@pytest.mark.parametrize("fields", [{}, {"description": ""}, {"technician_id": "tech-1", "priority": "medium"}])
def test_a_stale_change_is_no_repeat_even_if_the_booking_already_has_its_values(
    world: World, booking: Booking, bob: Caller, fields: dict[str, Any]
) -> None:
    move(world.services, bob, booking, 1, start=at(14))
    with pytest.raises(VersionConflict):
        move(world.services, bob, booking, 1, **fields)


def test_a_repeat_of_the_booking_request_after_a_move_gets_the_first_answer(world: World, bob: Caller) -> None:
    services, key = world.services, IdempotencyClaim("a key", "a print")
    first = services.bookings.book(bob, world.direct_request(), key).booking
    move(services, bob, first, start=at(14), technician_id="tech-2", customer={"name": "Bea"})
    again = services.bookings.book(bob, world.direct_request(), key)
    assert again.replayed
    assert [getattr(again.booking, name) for name in Booking.model_fields if name != "claims"] == [
        getattr(first, name) for name in Booking.model_fields if name != "claims"
    ]
    assert stored(world, first.booking_id).version == 2


@pytest.mark.parametrize("action", ["cancel", "complete", "no_show"])
def test_an_ended_booking_is_not_changed(world: World, booking: Booking, bob: Caller, action: Any) -> None:
    world.begin_visits()
    world.services.booking_life.act(bob, booking.booking_id, action)
    before = everything(world)
    for fields in ({"start": at(14)}, {"description": "new"}):
        with pytest.raises(InvalidTransition):
            move(world.services, bob, booking, 2, **fields)
        with pytest.raises(InvalidTransition):
            move(world.services, bob, booking, None, **fields)
        with pytest.raises(VersionConflict):
            move(world.services, bob, booking, 1, **fields)
    assert everything(world) == before


def test_another_orgs_and_a_missing_booking_are_not_found(
    world: World, booking: Booking, bob: Caller, charlie: Caller
) -> None:
    with pytest.raises(BookingNotFound):
        move(world.services, charlie, booking, start=at(14))
    missing = {name: getattr(booking, name) for name in Booking.model_fields} | {"booking_id": "bk_nothing"}
    with pytest.raises(BookingNotFound):
        move(world.services, bob, Booking(**missing), start=at(14))
    check_stands(world, booking)
