"""Moves that the catalogue, the policy and the role of a caller allow; and reservations, which keep their deadline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.access import Caller
from models.booking import Booking, ReserveRequest
from models.catalogue import TechnicianPatch
from models.errors import (
    Forbidden,
    InvalidRequest,
    InvalidTransition,
    OutsideWorkingHours,
    PropertyNotFound,
    PropertyUnavailable,
    Refusal,
    TechnicianNotFound,
    TechnicianUnavailable,
    TooFarAhead,
    TooLate,
    TooSoon,
    VersionConflict,
)
from services import Services, build_services
from tests.bookings.evidence import another_server, everything, lose_redis, owners
from tests.bookings.moving import at, check_stands, move, stored
from tests.bookings.reserving import run_out
from tests.catalogue.changing import Change, closed, nothing, with_policy, with_technician
from tests.world import World, rfc3339, settings, tomorrow


@pytest.fixture
def booking(world: World, bob: Caller) -> Booking:
    """A visit tomorrow at ten, booked by the desk."""
    return world.services.bookings.book(bob, world.direct_request()).booking


@pytest.fixture
def alice_herself(world: World, booking: Booking) -> Caller:
    """The bearer of the booking's manage token."""
    access = world.services.access
    return access.authenticate(access.manage_tokens.make(world.org, booking.booking_id))


def at_time(world: World, moment: datetime) -> Services:
    """Another process over the same stores, with its clock, and that of MongoDB, stopped at this moment."""
    services = build_services(settings(), redis=world.services.redis, mongo=world.services.db, clock=lambda: moment)
    services.booking_life._store_clock = lambda: moment
    return services


EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MORNINGS = {day: [["08:00", "12:00"]] for day in EVERY_DAY}
REFUSED: dict[str, tuple[Change, dict[str, Any], type[Refusal]]] = {
    "an unknown property": (nothing, {"property_id": "prop-9"}, PropertyNotFound),
    "an unknown technician": (nothing, {"technician_id": "tech-9"}, TechnicianNotFound),
    "an unavailable property": (closed("prop-2"), {"property_id": "prop-2"}, PropertyUnavailable),
    "an unavailable technician": (
        with_technician("tech-2", status="unavailable"),
        {"technician_id": "tech-2"},
        TechnicianUnavailable,
    ),
    "another time of a technician who became unavailable": (
        with_technician("tech-1", status="unavailable"),
        {"start": at(14)},
        TechnicianUnavailable,
    ),
    "outside of working hours": (
        with_technician("tech-1", working_hours=MORNINGS),
        {"start": at(14)},
        OutsideWorkingHours,
    ),
    "growing beyond working hours": (
        with_technician("tech-1", working_hours=MORNINGS),
        {"duration_minutes": 180},
        Refusal,
    ),
    "a day off": (
        with_technician("tech-1", time_off=[{"start": at(13), "end": at(16)}]),
        {"start": at(14)},
        TechnicianUnavailable,
    ),
    "a blackout date": (
        with_policy(blackout_dates=[(tomorrow() + timedelta(days=1)).date().isoformat()]),
        {"start": rfc3339(tomorrow() + timedelta(days=1))},
        OutsideWorkingHours,
    ),
    "too soon": (with_policy(min_lead_minutes=4 * 24 * 60), {"start": at(14)}, TooSoon),
    "too far ahead": (with_policy(horizon_days=3), {"start": rfc3339(tomorrow() + timedelta(days=5))}, TooFarAhead),
}


@pytest.mark.parametrize(("change", "fields", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_move_that_the_rules_refuse_leaves_the_old_visit(
    world: World,
    booking: Booking,
    bob: Caller,
    change: Change,
    fields: dict[str, Any],
    why: type[Refusal],
) -> None:
    change(world)
    before = everything(world)
    with pytest.raises(why) as refused:
        move(world.services, bob, booking, **fields)
    assert not isinstance(refused.value, InvalidRequest)
    assert everything(world) == before


def test_every_fault_of_a_change_is_named_at_once(world: World, booking: Booking, bob: Caller) -> None:
    with_policy(max_duration_minutes=120)(world)
    before = everything(world)
    wrong: dict[str, Any] = {"start": "2020-01-01T10:07:00Z", "duration_minutes": 481, "buffer_before_minutes": 7}
    with pytest.raises(InvalidRequest) as refused:
        move(world.services, bob, booking, **wrong)
    assert {(fault.field, fault.code) for fault in refused.value.faults} == {
        ("start", "off_grid"),
        ("start", "past_start"),
        ("duration_minutes", "off_grid"),
        ("duration_minutes", "too_long"),
        ("buffer_before_minutes", "off_grid"),
    }
    assert everything(world) == before


@pytest.mark.parametrize(
    "moment",
    [tomorrow(10) + timedelta(minutes=5), tomorrow(12), tomorrow(10) - timedelta(days=200)],
    ids=["during the visit", "after the visit", "long before the horizon"],
)
@pytest.mark.parametrize("fields", [{"technician_id": "tech-2"}, {"duration_minutes": 90}], ids=["who", "how long"])
def test_a_start_that_stays_is_neither_past_nor_too_soon_nor_too_far(
    world: World, booking: Booking, bob: Caller, moment: datetime, fields: dict[str, Any]
) -> None:
    with_policy(min_lead_minutes=24 * 60)(world)
    moved = move(at_time(world, moment), bob, booking, **fields)
    assert (moved.version, moved.start) == (2, booking.start)
    assert stored(world, booking.booking_id) == moved


def test_a_duration_that_stays_is_not_too_long_for_a_stricter_policy(
    world: World, booking: Booking, bob: Caller
) -> None:
    with_policy(max_duration_minutes=45, allowed_duration_minutes=[15, 30], default_duration_minutes=30)(world)
    moved = move(world.services, bob, booking, start=at(14))
    assert moved.duration_minutes == 60
    with pytest.raises(InvalidRequest):
        move(world.services, bob, moved, 2, duration_minutes=75)


def test_a_start_that_stays_is_not_past_while_the_mirror_is_cold(world: World, booking: Booking, bob: Caller) -> None:
    lose_redis(world)
    during = at_time(world, tomorrow(10) + timedelta(minutes=5))
    check_stands(world, move(during, bob, booking, duration_minutes=90, technician_id="tech-2"))


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_a_change_of_the_catalogue_by_another_process_counts_at_once(
    world: World, booking: Booking, bob: Caller, cold: bool
) -> None:
    elsewhere, patch = another_server(world), TechnicianPatch(status="unavailable")
    elsewhere.catalogue_desk.patch_technician(world.org, "tech-2", patch)
    if cold:
        lose_redis(world)
    with pytest.raises(TechnicianUnavailable):
        move(world.services, bob, booking, technician_id="tech-2")
    assert stored(world, booking.booking_id) == booking
    assert owners(world) == ({} if cold else {f"booked {booking.booking_id}": 8})


def test_a_new_start_must_obey_the_present_rules(world: World, booking: Booking, bob: Caller) -> None:
    during = at_time(world, tomorrow(10) + timedelta(minutes=5))
    with pytest.raises(InvalidRequest) as refused:
        move(during, bob, booking, start=at(9, 45))
    assert [fault.code for fault in refused.value.faults] == ["past_start"]
    check_stands(world, booking)
    assert move(during, bob, booking, start=at(10, 15)).start == tomorrow(10, 15)


def test_details_are_changed_whatever_the_catalogue_says(world: World, booking: Booking, bob: Caller) -> None:
    for change in (with_technician("tech-1", status="unavailable"), with_policy(min_lead_minutes=4 * 24 * 60)):
        change(world)
    assert move(world.services, bob, booking, description="Ring twice.", start=at(10)).version == 2


def test_the_customer_moves_her_own_visit(world: World, booking: Booking, alice_herself: Caller) -> None:
    fields: dict[str, Any] = {"start": at(14), "duration_minutes": 30, "technician_id": "tech-2"}
    details: dict[str, Any] = {"customer": {"name": "Alice B"}, "description": "The cellar."}
    moved = move(world.services, alice_herself, booking, **fields, **details)
    assert moved.history[-1]["by"] == f"customer:manage.{booking.booking_id}"
    assert move(world.services, alice_herself, booking, 1, **fields, **details) == moved
    check_stands(world, moved)


@pytest.mark.parametrize(
    "fields", [{"property_id": "prop-2"}, {"start": at(14), "property_id": "prop-2"}], ids=" ".join
)
def test_the_customer_does_not_change_the_property(
    world: World, booking: Booking, alice_herself: Caller, fields: dict[str, Any]
) -> None:
    before = everything(world)
    with pytest.raises(Forbidden):
        move(world.services, alice_herself, booking, **fields)
    assert everything(world) == before


def test_inside_the_cancellation_window_only_staff_move_a_visit(
    world: World, booking: Booking, alice_herself: Caller, bob: Caller, bot: Caller
) -> None:
    with_policy(cancel_window_minutes=3 * 24 * 60)(world)
    before = everything(world)
    for caller in (alice_herself, bot):
        for fields in ({"start": at(14)}, {"technician_id": "tech-2"}, {"duration_minutes": 30}):
            with pytest.raises(TooLate):
                move(world.services, caller, booking, **fields)
    assert everything(world) == before
    assert move(world.services, alice_herself, booking, description="Ring twice.").version == 2
    assert move(world.services, bob, booking, 2, start=at(14)).version == 3


def test_the_customer_does_not_move_a_visit_that_has_begun_or_ended(
    world: World, booking: Booking, alice_herself: Caller
) -> None:
    for moment in (tomorrow(10), tomorrow(11)):
        with pytest.raises(TooLate):
            move(at_time(world, moment), alice_herself, booking, start=at(14))
    with pytest.raises(TooLate):
        move(at_time(world, tomorrow(11)), alice_herself, booking, description="late")
    check_stands(world, booking)


def test_a_repeat_inside_the_window_still_gets_the_first_answer(
    world: World, booking: Booking, alice_herself: Caller
) -> None:
    first = move(world.services, alice_herself, booking, start=at(14))
    with_policy(cancel_window_minutes=3 * 24 * 60)(world)
    assert move(world.services, alice_herself, booking, 1, start=at(14)) == first


def reserve(world: World, caller: Caller, hours: int = 2) -> Booking:
    fields = {"property_id": "prop-1", "technician_id": "tech-1", "start": at(10), "reserved_by": "Dr. Who"}
    request = ReserveRequest.model_validate(fields | {"hours": hours})
    return world.services.bookings.reserve(caller, request).booking


def test_a_reservation_is_moved_and_keeps_its_deadline(world: World, bob: Caller) -> None:
    booking = reserve(world, bob)
    moved = move(world.services, bob, booking, start=at(14), technician_id="tech-2")
    assert (moved.status, moved.reserved_until, moved.reserved_by) == ("pending", booking.reserved_until, "Dr. Who")
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    assert booking.reserved_until is not None
    client: Any = world.services.redis
    ends = {client.pexpiretime(key) for key in world.claim_keys()}
    assert ends == {round(booking.reserved_until.timestamp() * 1000)}
    assert all(mark.endswith("|pending") for mark in world.marks().values())
    confirmed = world.services.booking_life.act(bob, booking.booking_id, "confirm")
    assert (confirmed.status, confirmed.start, confirmed.version) == ("confirmed", tomorrow(14), 3)
    assert move(world.services, bob, booking, 3, start=at(10)).status == "confirmed"


def test_an_overdue_reservation_is_not_moved(world: World, bob: Caller) -> None:
    booking = reserve(world, bob, hours=1)
    run_out(world, booking)
    with pytest.raises(VersionConflict):
        move(world.services, bob, booking, 1, start=at(14))
    with pytest.raises(InvalidTransition):
        move(world.services, bob, booking, None, start=at(14))
    assert (stored(world, booking.booking_id).status, owners(world)) == ("expired", {})
