"""A catalogue change by another process counts from the next request on, without polling."""

from __future__ import annotations

import pytest

from models.access import Caller
from models.catalogue import PolicyPatch, PropertyCreate, PropertyPatch, TechnicianPatch
from models.errors import InvalidRequest, PropertyNotFound, PropertyUnavailable, SlotBooked
from tests.bookings.evidence import another_server, everything
from tests.world import World, rfc3339, tomorrow


def test_a_property_made_unavailable_elsewhere_is_refused_at_once_until_it_is_available_again(
    world: World, alice: Caller, bob: Caller
) -> None:
    services, desk = world.services, another_server(world).catalogue_desk
    hold = services.holds.place(alice, world.hold_request()).hold
    services.holds.release(alice, hold.hold_id)
    desk.patch_property(world.org, "prop-1", PropertyPatch(status="unavailable"))
    before = everything(world)
    with pytest.raises(PropertyUnavailable):
        services.holds.place(alice, world.hold_request())
    with pytest.raises(PropertyUnavailable):
        services.bookings.book(bob, world.direct_request())
    assert everything(world) == before
    desk.patch_property(world.org, "prop-1", PropertyPatch(status="available"))
    assert services.holds.place(alice, world.hold_request()).created


def test_a_technician_made_unavailable_elsewhere_is_skipped_at_once(world: World, alice: Caller) -> None:
    services, desk = world.services, another_server(world).catalogue_desk
    services.holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14))))
    desk.patch_technician(world.org, "tech-1", TechnicianPatch(status="unavailable"))
    with pytest.raises(SlotBooked):  # a stranger cannot tell time off from somebody else's booking
        services.holds.place(alice, world.hold_request())
    found = services.holds.place(alice, world.hold_request(technician_id=None)).hold
    assert found.visit.technician_id == "tech-2"


def test_a_property_created_elsewhere_can_be_held_even_after_a_refused_hold(world: World, alice: Caller) -> None:
    services, desk = world.services, another_server(world).catalogue_desk
    with pytest.raises(PropertyNotFound):
        services.holds.place(alice, world.hold_request(property_id="prop-4"))
    desk.create_property(world.org, PropertyCreate(id="prop-4", name="House 4"))
    assert services.holds.place(alice, world.hold_request(property_id="prop-4")).created


def test_a_stricter_policy_counts_at_once_and_changes_no_existing_hold(world: World, alice: Caller) -> None:
    services, desk = world.services, another_server(world).catalogue_desk
    hold_id = services.holds.place(alice, world.hold_request()).hold.hold_id
    desk.patch_policy(world.org, PolicyPatch(allowed_duration_minutes=[30], default_duration_minutes=30))
    with pytest.raises(InvalidRequest):
        services.holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14)), duration_minutes=60))
    assert services.holds.get(alice, hold_id).duration_minutes == 60
    assert services.bookings.book(alice, world.book_request(hold_id=hold_id)).booking.duration_minutes == 60


def test_a_hold_can_be_booked_although_its_property_became_unavailable(world: World, alice: Caller) -> None:
    services, desk = world.services, another_server(world).catalogue_desk
    hold_id = services.holds.place(alice, world.hold_request()).hold.hold_id
    desk.patch_property(world.org, "prop-1", PropertyPatch(status="unavailable"))
    assert services.bookings.book(alice, world.book_request(hold_id=hold_id)).created


def test_a_change_in_another_org_has_no_effect_here(world: World, alice: Caller) -> None:
    services, desk = world.services, another_server(world).catalogue_desk
    desk.patch_property(world.other_org, "prop-1", PropertyPatch(status="unavailable"))
    assert services.holds.place(alice, world.hold_request()).created
