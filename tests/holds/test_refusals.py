"""A refusal names every conflict, suggests free slots, and changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.access import Caller, IdempotencyClaim
from models.errors import (
    NoSlotAvailable,
    OutsideWorkingHours,
    PropertyNotFound,
    PropertyUnavailable,
    Refusal,
    SlotBooked,
    SlotHeld,
    TechnicianNotFound,
    TechnicianUnavailable,
    TooFarAhead,
    TooSoon,
)
from models.slot import Block, Opening
from tests.bookings.evidence import everything
from tests.catalogue.changing import Change, closed, nothing, with_policy, with_technician
from tests.world import World, rfc3339, tomorrow

HOUR = timedelta(hours=1)


def test_conflicts_name_every_blocked_resource_and_until_when(world: World, alice: Caller, bob: Caller) -> None:
    services = world.services
    held = services.holds.place(alice, world.hold_request(technician_id="tech-2", ttl_seconds=100)).hold
    other = world.direct_request(property_id="prop-2", start=rfc3339(tomorrow(10, 30)), buffer_before_minutes=15)
    booked = services.bookings.book(bob, other).booking
    with pytest.raises(SlotBooked) as refused:
        services.holds.place(bob, world.hold_request())
    of_property, of_technician = refused.value.members["conflicts"]
    assert of_property.retry_after_seconds in range(90, 101)
    wait = of_property.retry_after_seconds
    assert of_property == Block("property", "prop-1", "held", tomorrow(), tomorrow() + HOUR, wait, hold_id=held.hold_id)
    assert of_technician == Block(
        "technician", "tech-1", "booked", tomorrow(10, 15), tomorrow(11, 30), booking_id=booked.booking_id
    )
    assert "next_available" not in refused.value.members


def test_two_visits_that_block_one_resource_are_both_named(world: World, alice: Caller) -> None:
    holds = world.services.holds
    for minute, technician in ((0, "tech-2"), (30, "tech-3")):
        start = rfc3339(tomorrow(10, minute))
        holds.place(alice, world.hold_request(technician_id=technician, start=start, duration_minutes=30))
    with pytest.raises(SlotHeld) as refused:
        holds.place(alice, world.hold_request())
    assert [(block.kind, block.start) for block in refused.value.members["conflicts"]] == [
        ("property", tomorrow(10)),
        ("property", tomorrow(10, 30)),
    ]


def test_a_conflict_with_a_booking_names_no_time_to_retry(world: World, alice: Caller, bob: Caller) -> None:
    world.services.bookings.book(bob, world.direct_request())
    with pytest.raises(SlotBooked) as refused:
        world.services.holds.place(alice, world.hold_request(technician_id="tech-2"))
    (block,) = refused.value.members["conflicts"]
    assert (block.kind, block.state, block.retry_after_seconds) == ("property", "booked", None)


def occupy(world: World, technician: str, elsewhere: str, hour: int) -> None:
    """Books a technician at another property for an hour, from half past this hour."""
    start = rfc3339(tomorrow(hour, 30))
    request = world.direct_request(property_id=elsewhere, technician_id=technician, start=start, duration_minutes=60)
    world.services.bookings.book(world.caller("desk"), request)


def test_with_any_technician_a_held_one_makes_the_slot_held(world: World, alice: Caller) -> None:
    occupy(world, "tech-1", "prop-2", 9)
    occupy(world, "tech-2", "prop-3", 9)
    held = world.hold_request(property_id="prop-2", technician_id="tech-3", start=rfc3339(tomorrow(10, 30)))
    world.services.holds.place(alice, held)
    with pytest.raises(SlotHeld) as refused:
        world.services.holds.place(alice, world.hold_request(technician_id=None))
    conflicts = {(block.id, block.state) for block in refused.value.members["conflicts"]}
    assert conflicts == {("tech-1", "booked"), ("tech-2", "booked"), ("tech-3", "held")}


def test_when_every_technician_is_booked_the_slot_is_booked(world: World, alice: Caller) -> None:
    occupy(world, "tech-1", "prop-2", 9)
    occupy(world, "tech-2", "prop-3", 9)
    occupy(world, "tech-3", "prop-2", 10)
    with pytest.raises(SlotBooked):
        world.services.holds.place(alice, world.hold_request(technician_id=None))


def test_suggestions_are_free_and_as_many_as_requested(world: World, alice: Caller) -> None:
    holds = world.services.holds
    holds.place(alice, world.hold_request())
    with pytest.raises(SlotHeld) as refused:
        holds.place(alice, world.hold_request(suggest=3))
    openings = refused.value.members["next_available"]
    assert openings == [Opening(tomorrow(hour), tomorrow(hour) + HOUR, "tech-1") for hour in (11, 12, 13)]
    for opening in openings:
        start, technician = rfc3339(opening.start), opening.technician_id
        request = world.hold_request(start=start, technician_id=technician, duration_minutes=30)
        assert holds.place(alice, request).created


def test_a_search_takes_the_next_free_slot_of_the_day(world: World, alice: Caller) -> None:
    holds = world.services.holds
    holds.place(alice, world.hold_request())
    found = holds.place(alice, world.hold_request(fallback="next_available")).hold
    assert (found.start, found.requested_start, found.fallback_used) == (tomorrow(11), tomorrow(10), True)


def test_a_search_tries_every_technician_before_the_next_start(world: World, alice: Caller) -> None:
    holds = world.services.holds
    holds.place(alice, world.hold_request(property_id="prop-2"))
    found = holds.place(alice, world.hold_request(fallback="next_available", technician_id=None)).hold
    assert (found.start, found.visit.technician_id, found.fallback_used) == (tomorrow(10), "tech-2", False)


def test_a_search_that_finds_nothing_names_the_conflicts(world: World, alice: Caller) -> None:
    holds = world.services.holds
    holds.place(alice, world.hold_request(start=rfc3339(tomorrow(20)), duration_minutes=240))
    with pytest.raises(NoSlotAvailable) as refused:
        holds.place(alice, world.hold_request(start=rfc3339(tomorrow(20)), fallback="next_available"))
    assert [block.kind for block in refused.value.members["conflicts"]] == ["property", "technician"]


def hold_it(world: World) -> None:
    world.services.holds.place(world.caller("desk"), world.hold_request())


def book_it(world: World) -> None:
    world.services.bookings.book(world.caller("desk"), world.direct_request())


AWAY = {"start": rfc3339(tomorrow(10)), "end": rfc3339(tomorrow(11))}
FAR = rfc3339(tomorrow() + timedelta(days=3))
REFUSALS: dict[str, tuple[Change, dict[str, Any], type[Refusal]]] = {
    "held": (hold_it, {}, SlotHeld),
    "booked": (book_it, {}, SlotBooked),
    "no such property": (nothing, {"property_id": "prop-9"}, PropertyNotFound),
    "no such technician": (nothing, {"technician_id": "tech-9"}, TechnicianNotFound),
    "property unavailable": (closed("prop-1"), {}, PropertyUnavailable),
    "technician unavailable": (with_technician("tech-1", status="unavailable"), {}, TechnicianUnavailable),
    "technician away": (with_technician("tech-1", time_off=[AWAY]), {}, TechnicianUnavailable),
    "outside working hours": (with_technician("tech-1", working_hours={}), {}, OutsideWorkingHours),
    "too soon": (with_policy(min_lead_minutes=5 * 24 * 60), {}, TooSoon),
    "too far ahead": (with_policy(horizon_days=1), {"start": FAR}, TooFarAhead),
}


@pytest.mark.parametrize(("prepare", "changed", "why"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_request_changes_nothing(
    world: World,
    bob: Caller,
    bot: Caller,
    prepare: Change,
    changed: dict[str, Any],
    why: type[Refusal],
) -> None:
    prepare(world)
    before = everything(world)
    key = IdempotencyClaim("a key", "a print")
    with pytest.raises(why):
        world.services.holds.place(bob, world.hold_request(holder="alice", **changed), key)
    with pytest.raises(why):
        world.services.bookings.book(bot, world.direct_request(**changed), key)
    assert everything(world) == before
