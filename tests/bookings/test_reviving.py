"""Ended bookings that become active again: an undone cancellation, a visit that was no miss, a late confirmation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models.access import Caller
from models.booking import Booking
from models.booking_changes import Action
from models.catalogue import PolicyPatch, TechnicianPatch
from models.errors import (
    InvalidTransition,
    PropertyNotFound,
    Refusal,
    RequestInProgress,
    SlotBooked,
    SlotHeld,
    TechnicianNotFound,
    TooEarly,
    VersionConflict,
)
from services.bookings.changes import MOST_CHANGES
from tests.bookings.evidence import another_server, everything, owners
from tests.bookings.moving import STEPS, Died, at_step, check_settled, die, pins, stored, tend
from tests.bookings.reserving import hold_and_book, reserve, run_out
from tests.system.race.together import at_once, fresh_slots
from tests.world import World, rfc3339, tomorrow


@pytest.fixture
def booking(world: World) -> Booking:
    return world.services.bookings.book(world.caller("desk"), world.direct_request()).booking


def act(world: World, booking: Booking, action: Action, **fields: Any) -> Booking:
    return world.services.booking_life.act(world.caller("desk"), booking.booking_id, action, **fields)


def expired(world: World) -> Booking:
    """A reservation of the same slot that ran out."""
    booking = reserve(world)
    run_out(world, booking)
    return booking


def restored(world: World, booking: Booking, by: Action = "cancel") -> Booking:
    act(world, booking, by)
    return act(world, booking, "restore")


@pytest.mark.parametrize("by", ["cancel", "complete", "no_show"])
def test_a_booking_is_restored_where_its_slot_is_free(world: World, booking: Booking, by: Action) -> None:
    world.begin_visits()
    found = restored(world, booking, by)
    assert (found.status, found.version, found.start) == ("confirmed", 3, booking.start)
    assert found.history[-1]["changes"]["status"]["to"] == "confirmed"
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    check_settled(world)
    assert act(world, booking, "restore") == found
    assert act(world, booking, "cancel").version == 4


@pytest.mark.parametrize("expected", [1, 3])
def test_a_stale_version_is_not_restored(world: World, booking: Booking, expected: int) -> None:
    act(world, booking, "cancel")
    before = everything(world)
    with pytest.raises(VersionConflict):
        act(world, booking, "restore", expected_version=expected)
    assert everything(world) == before
    assert act(world, booking, "restore", expected_version=2).version == 3


def test_a_taken_slot_is_named_and_the_booking_stays_as_it_was(world: World, booking: Booking) -> None:
    act(world, booking, "cancel")
    world.services.holds.place(world.caller("bot"), world.hold_request(technician_id="tech-2"))
    before = everything(world)
    with pytest.raises(SlotHeld) as refused:
        act(world, booking, "restore")
    assert [(each.kind, each.state) for each in refused.value.members["conflicts"]] == [("property", "held")]
    assert everything(world) == before


def test_a_reservation_that_ran_out_is_confirmed_if_its_slot_is_free(world: World) -> None:
    booking = expired(world)
    for _ in range(2):
        with pytest.raises(InvalidTransition):
            act(world, booking, "confirm")
    confirmed = act(world, booking, "confirm", if_free=True)
    assert (confirmed.status, confirmed.version, confirmed.reserved_by) == ("confirmed", 3, booking.reserved_by)
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    check_settled(world)
    assert act(world, booking, "confirm", if_free=True) == confirmed == act(world, booking, "confirm")


def test_a_reservation_that_ran_out_is_refused_if_its_slot_is_taken(world: World) -> None:
    booking = expired(world)
    other = hold_and_book(world)
    with pytest.raises(SlotBooked) as refused:
        act(world, booking, "confirm", if_free=True)
    assert {each.booking_id for each in refused.value.members["conflicts"]} == {other.booking_id}
    assert stored(world, booking.booking_id).status == "expired"
    check_settled(world)


@pytest.mark.parametrize("action", ["confirm", "restore", "cancel"])
def test_staff_read_how_a_reservation_that_ran_out_is_confirmed(world: World, action: Action) -> None:
    with pytest.raises(InvalidTransition, match='confirm it with if_expired: "book_if_free"'):
        act(world, expired(world), action)


def test_a_live_reservation_is_confirmed_as_before(world: World) -> None:
    assert act(world, reserve(world), "confirm", if_free=True).version == 2


def test_what_only_mongodb_knows_stands_in_the_way(world: World, booking: Booking) -> None:
    act(world, booking, "cancel")
    other = hold_and_book(world)
    client: Any = world.services.redis
    client.delete(*world.claim_keys())
    with pytest.raises(SlotBooked) as refused:
        act(world, booking, "restore")
    assert {each.booking_id for each in refused.value.members["conflicts"]} == {other.booking_id}
    check_settled(world)


def test_no_rule_of_today_is_asked(world: World, booking: Booking) -> None:
    act(world, booking, "cancel")
    desk = world.services.catalogue_desk
    desk.patch_technician(world.org, "tech-1", TechnicianPatch(working_hours={}, status="unavailable"))
    desk.patch_policy(
        world.org, PolicyPatch(min_lead_minutes=7 * 24 * 60, max_duration_minutes=30, default_duration_minutes=30)
    )
    assert act(world, booking, "restore").status == "confirmed"


@pytest.mark.parametrize("kind", ["property", "technician"])
def test_what_was_removed_gets_no_visit_back(world: World, booking: Booking, kind: str) -> None:
    act(world, booking, "cancel")
    upkeep = world.services.upkeep
    gone: type[Refusal] = PropertyNotFound
    if kind == "property":
        upkeep.remove_property(world.org, booking.property_id)
    else:
        gone = TechnicianNotFound
        upkeep.remove_technician(world.org, booking.technician_id)
    with pytest.raises(gone):
        act(world, booking, "restore")
    assert stored(world, booking.booking_id).status == "cancelled"
    check_settled(world)


def test_a_visit_of_the_past_is_restored(world: World, bob: Caller) -> None:
    start = rfc3339(tomorrow() - timedelta(days=20))
    past = world.direct_request(start=start, override=["past"])
    booking = world.services.bookings.book(bob, past).booking
    assert restored(world, booking, "complete").status == "confirmed"
    act(world, booking, "no_show")
    other = world.services.bookings.book(bob, past).booking
    with pytest.raises(SlotBooked) as refused:
        act(world, booking, "restore")
    assert {each.booking_id for each in refused.value.members["conflicts"]} == {other.booking_id}
    assert (world.marks(), pins(world)) == ({}, [])


def test_a_booking_that_was_changed_too_often_is_not_restored(world: World, booking: Booking) -> None:
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, {"$set": {"version": MOST_CHANGES}})
    act(world, booking, "cancel")
    with pytest.raises(InvalidTransition):
        act(world, booking, "restore")


@pytest.mark.parametrize("step", STEPS)
def test_what_a_dead_worker_left_is_finished_by_the_relay_or_a_repeat(lonely_world: World, step: str) -> None:
    world, bob = lonely_world, lonely_world.caller("desk")
    world.services.relay.carry_over_changes()
    world.services.redis.set(world.names.epoch, "an epoch")
    booking = world.services.bookings.book(bob, world.direct_request()).booking
    act(world, booking, "cancel")
    doomed = another_server(world)
    at_step(doomed, step, die)
    with pytest.raises(Died):
        doomed.booking_life.act(bob, booking.booking_id, "restore")
    if step == "after_move_claim":
        with pytest.raises(SlotHeld):
            world.services.holds.place(world.caller("bot"), world.hold_request())
    tend(world)
    check_settled(world)
    assert stored(world, booking.booking_id).active == (step != "after_move_claim")
    assert act(world, booking, "restore").version == 3
    check_settled(world)


@pytest.mark.parametrize("action", ["complete", "no_show"])
def test_a_visit_that_has_not_begun_is_neither_done_nor_missed(world: World, booking: Booking, action: Action) -> None:
    before = everything(world)
    with pytest.raises(TooEarly):
        act(world, booking, action)
    assert everything(world) == before
    world.services.booking_life._store_clock = lambda: booking.start
    assert act(world, booking, action).version == 2


def test_a_server_whose_clock_is_wrong_decides_nothing(world: World, booking: Booking) -> None:
    world.services.booking_life._clock = lambda: booking.end
    with pytest.raises(TooEarly):
        act(world, booking, "complete")


def winners(world: World, acts: list[Callable[[], object]]) -> int:
    outcome = at_once(acts)
    assert outcome.kinds() <= {SlotBooked, SlotHeld, RequestInProgress, VersionConflict}
    return len(outcome.values)


def test_of_many_who_want_a_freed_slot_one_gets_it(world: World) -> None:
    """Restorations, late confirmations, holds and direct bookings of one slot at one moment."""
    for start in fresh_slots():
        slot = {"start": rfc3339(start), "technician_id": "tech-1"}
        cancelled = world.services.bookings.book(world.caller("desk"), world.direct_request(**slot)).booking
        act(world, cancelled, "cancel")
        other = world.services.bookings.book(world.caller("desk"), world.direct_request(**slot)).booking
        act(world, other, "cancel")
        acts: list[Callable[[], object]] = [
            lambda each=each: act(world, each, "restore")
            for each in (cancelled, other)  # type: ignore[misc]
        ]
        acts += [
            lambda slot=slot: world.services.holds.place(world.caller("bot"), world.hold_request(**slot)),  # type: ignore[misc]
            lambda slot=slot: world.services.bookings.book(world.caller("bot"), world.direct_request(**slot)),  # type: ignore[misc]
        ]
        assert winners(world, acts) == 1
    assert world.double_booked() == []
    check_settled(world)


def test_without_the_pin_a_hold_loses_its_slot_to_a_restoration(
    world: World, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: MongoDB alone does not know of a live hold."""
    act(world, booking, "cancel")
    world.services.holds.place(world.caller("bot"), world.hold_request())
    rescheduling = world.services.booking_life._rescheduling

    def decide_alone(_caller: Caller, booking: Booking, fields: Any, entry: Any) -> Booking | None:
        return rescheduling._store.update(booking, fields, entry)

    monkeypatch.setattr(rescheduling, "revive", decide_alone)
    assert act(world, booking, "restore").status == "confirmed"
