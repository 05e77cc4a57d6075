"""Entries that wait for a service: its lengths, who may be sent for it, and what a change of it touches."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import PolicyPatch, PropertyPatch, TechnicianPatch
from models.errors import AlreadyExists, ServiceNotFound, SlotAvailable, TechnicianNotEligible
from models.service import ServiceCreate, ServicePatch
from models.slot import Visit
from models.waitlist import WaitEntry
from services.claims.hold_records import HoldRecord
from services.waitlist.store import WaitlistStore
from tests.waitlist.waiting import give_back, join, noted, request, seen, take, tend
from tests.world import World, tomorrow


@pytest.fixture
def world(world: World) -> World:
    """With a boiler check of an hour and a half with travel, which tech-1 alone may do in the north, and a leak."""
    desk, services = world.services.catalogue_desk, world.services.service_desk
    travel = {"buffer_before_minutes": 15, "buffer_after_minutes": 30}
    fields = {"id": "boiler", "name": "Boiler", "duration_minutes": 90, "skill": "heating", "public": True, **travel}
    services.create(world.org, ServiceCreate.model_validate(fields))
    services.create(world.org, ServiceCreate(id="leak", name="Leak", duration_minutes=60, public=True))
    desk.patch_property(world.org, "prop-1", PropertyPatch(area="north"))
    desk.patch_technician(world.org, "tech-1", TechnicianPatch(areas=["north"], skills=["heating"]))
    desk.patch_technician(world.org, "tech-2", TechnicianPatch(areas=["north"], skills=["locks"]))
    desk.patch_technician(world.org, "tech-3", TechnicianPatch(areas=["south"]))
    return world


def waits(world: World, role: str = "bot", hours: int = 2, **changed: Any) -> WaitEntry:
    """From ten o'clock on, for a boiler check by anybody."""
    asked = {"service_id": "boiler", "technician_id": None, "duration_minutes": None, **changed}
    return join(world, role, end=tomorrow(10 + hours), **asked)


def offered(world: World, entry: WaitEntry) -> HoldRecord:
    """The hold that the entry is offered."""
    record = world.services.holds._claims.find(world.org, noted(world, entry)["hold_id"])
    assert seen(world, entry).status == "offered"
    assert record is not None
    return record


def visit(start: int, length: int, before: int, after: int) -> Visit:
    """A visit of tech-1 to prop-1; the figures in ticks of a quarter of an hour after ten o'clock."""
    first = int(tomorrow(10).timestamp()) // 900 + start
    return Visit("prop-1", "tech-1", first, first + length, before, after)


def test_the_offer_has_the_lengths_of_the_service_and_names_it(world: World) -> None:
    entry = waits(world)
    assert (entry.service_id, entry.duration_minutes) == ("boiler", 90)
    tend(world)
    record = offered(world, entry)
    assert (record.service_id, record.visit) == ("boiler", visit(0, 6, 1, 2))


def test_the_offer_is_with_a_technician_who_may_be_sent(world: World) -> None:
    booking = take(world, property_id="prop-2")
    entry = waits(world)
    tend(world)
    assert seen(world, entry).status == "waiting"  # tech-2 and tech-3 are free
    give_back(world, booking)
    tend(world)
    assert offered(world, entry).visit.technician_id == "tech-1"


def test_a_technician_who_may_be_sent_since_a_change_gets_the_offer(world: World) -> None:
    take(world, property_id="prop-2")
    entry = waits(world)
    tend(world)
    world.services.catalogue_desk.patch_technician(world.org, "tech-2", TechnicianPatch(skills=["heating"]))
    tend(world)
    assert offered(world, entry).visit.technician_id == "tech-2"


def test_a_wish_that_no_technician_may_fulfil_is_refused(world: World) -> None:
    for changed in ({"technician_id": "tech-2"}, {"technician_id": "tech-3", "service_id": "leak"}):
        with pytest.raises(TechnicianNotEligible):
            waits(world, "desk", **changed)


def test_an_unknown_service_is_not_found(world: World) -> None:
    with pytest.raises(ServiceNotFound):
        waits(world, service_id="none")


def test_a_stricter_policy_lets_the_duration_of_the_service_be(world: World) -> None:
    entry = waits(world)
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(allowed_duration_minutes=[60]))
    tend(world)
    assert offered(world, entry).visit == visit(0, 6, 1, 2)


def test_another_duration_of_the_service_does_not_touch_the_entry(world: World) -> None:
    entry = waits(world)
    change = ServicePatch(duration_minutes=30, public=False)
    world.services.service_desk.patch(world.org, "boiler", change, None)
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(allowed_duration_minutes=[60]))
    tend(world)
    assert offered(world, entry).visit == visit(0, 6, 1, 2)


def test_an_entry_outlives_its_service(world: World) -> None:
    entry = waits(world)
    world.services.service_desk.remove(world.org, "boiler", None)
    tend(world)
    record = offered(world, entry)
    assert (record.service_id, record.visit) == ("boiler", visit(0, 6, 0, 0))


def test_entries_for_two_services_do_not_stand_in_for_each_other(world: World) -> None:
    take(world, property_id="prop-2")  # tech-1 is busy, and tech-2 does not heat
    boiler, leak = waits(world, duration_minutes=60), waits(world, service_id="leak", duration_minutes=60)
    assert boiler.wish != leak.wish
    tend(world)
    assert seen(world, boiler).status == "waiting"
    assert offered(world, leak).visit.technician_id == "tech-2"


def test_a_stranger_waits_once_for_one_service(world: World) -> None:
    take(world)
    asked = {"hours": 1, "technician_id": "tech-1", "role": "checkout"}
    with pytest.raises(SlotAvailable):
        waits(world, **asked | {"hours": 3}, service_id="leak")
    waits(world, **asked, service_id="leak")
    with pytest.raises(AlreadyExists):
        waits(world, **asked, service_id="leak")
    waits(world, **asked, service_id=None)
    waits(world, **asked | {"hours": 2})


def test_an_entry_of_an_earlier_release_waits_for_anything(world: World) -> None:
    store = WaitlistStore(world.services.db)
    entry = world.services.waitlist.join(world.caller("bot"), request()).entry
    world.services.db["waitlist"].update_one({"_id": entry.waitlist_id}, {"$unset": {"service_id": 1}})
    found = store.find(world.org, entry.waitlist_id)
    assert found is not None
    assert found.service_id is None
