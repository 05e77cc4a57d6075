"""Removal of properties and technicians: on real stores, and against holds at the same time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from models.access import Caller
from models.catalogue import PropertyCreate, PropertyPatch
from models.errors import (
    InUse,
    PropertyNotFound,
    PropertyUnavailable,
    Refusal,
    StoreUnavailable,
    TechnicianNotFound,
    VersionConflict,
)
from services import Services
from services.bookings.upkeep import Upkeep
from tests.bookings.evidence import another_server, everything, insert_only
from tests.bookings.test_time_off import reserve
from tests.system.race.together import at_once
from tests.world import World, rfc3339, tomorrow

ROUNDS = 15


@pytest.fixture
def upkeep(world: World) -> Upkeep:
    return world.services.upkeep


def held(world: World, caller: Caller, **changed: Any) -> str:
    return world.services.holds.place(caller, world.hold_request(**changed)).hold.hold_id


def test_what_nothing_needs_is_removed_and_then_unknown(world: World, upkeep: Upkeep, bob: Caller) -> None:
    elsewhere = another_server(world)
    elsewhere.holds.release(bob, held(world, bob))  # both servers know the property now
    upkeep.remove_property(world.org, "prop-1")
    upkeep.remove_technician(world.org, "tech-2", 1)
    for services in (world.services, elsewhere):
        with pytest.raises(PropertyNotFound):
            services.holds.place(bob, world.hold_request())
        with pytest.raises(TechnicianNotFound):
            services.holds.place(bob, world.hold_request(property_id="prop-2", technician_id="tech-2"))
    with pytest.raises(PropertyNotFound):
        upkeep.remove_property(world.org, "prop-1")
    assert world.services.catalogue_desk.get_property(world.other_org, "prop-1").name == "House of a rival"
    made = world.services.catalogue_desk.create_property(world.org, PropertyCreate(id="prop-1", name="Another house"))
    assert (made.version, made.name) == (1, "Another house")
    assert elsewhere.holds.place(bob, world.hold_request()).created


def test_what_is_over_is_no_reason_to_keep_it(world: World, upkeep: Upkeep, bob: Caller) -> None:
    services = world.services
    services.holds.release(bob, held(world, bob))
    cancelled = services.bookings.book(bob, world.direct_request()).booking
    services.booking_life.act(bob, cancelled.booking_id, "cancel")
    insert_only(world, bob, world.direct_request(start=rfc3339(tomorrow(8))))
    long_ago = tomorrow(8) - timedelta(days=30)
    tick = services.grid.tick(long_ago)
    claims = [{"resource": name, "tick": tick} for name in ("property:prop-1", "technician:tech-1")]
    services.db["bookings"].update_one(
        {"org": world.org, "active": True},
        {"$set": {"start": long_ago, "end": long_ago + timedelta(minutes=15), "claims": claims}},
    )
    upkeep.remove_property(world.org, "prop-1")
    upkeep.remove_technician(world.org, "tech-1")
    assert services.booking_life.get(bob, cancelled.booking_id).property_id == "prop-1"


def by_a_hold(world: World, bob: Caller) -> None:
    held(world, bob)


def by_a_visit(world: World, bob: Caller) -> None:
    world.services.bookings.book(bob, world.direct_request())


def by_a_reservation(world: World, bob: Caller) -> None:
    reserve(world, bob)


def by_a_visit_that_redis_does_not_show(world: World, bob: Caller) -> None:
    insert_only(world, bob, world.direct_request())


NEEDED = [by_a_hold, by_a_visit, by_a_reservation, by_a_visit_that_redis_does_not_show]


@pytest.mark.parametrize("needed", NEEDED)
def test_what_is_needed_ahead_stays_as_it_is(
    world: World, upkeep: Upkeep, bob: Caller, needed: Callable[[World, Caller], None]
) -> None:
    needed(world, bob)
    before = everything(world)
    with pytest.raises(InUse):
        upkeep.remove_property(world.org, "prop-1")
    with pytest.raises(InUse):
        upkeep.remove_technician(world.org, "tech-1", 1)
    assert everything(world) == before
    upkeep.remove_property(world.org, "prop-2")
    upkeep.remove_technician(world.org, "tech-2")


def test_only_the_version_that_was_read_is_removed(world: World, upkeep: Upkeep) -> None:
    desk = world.services.catalogue_desk
    assert desk.patch_property(world.org, "prop-1", PropertyPatch(name="Renamed")).version == 2
    for stale in (1, 3, -1):
        with pytest.raises(VersionConflict):
            upkeep.remove_property(world.org, "prop-1", stale)
    upkeep.remove_property(world.org, "prop-1", 2)


class Meanwhile:
    """Lets something happen right after the first or second look of a removal, or right before it removes.

    looks: how often a removal looks at all, the looks after that find nothing.
    """

    def __init__(self, services: Services, monkeypatch: pytest.MonkeyPatch, happens: dict[int, Callable[[], object]]):
        self.looked, self.looks = 0, 2
        ahead: Any = services.upkeep._ahead
        look = ahead.require_unused

        def looking(org: str, *resources: str) -> None:
            self.looked += 1
            if self.looked <= self.looks:
                look(org, *resources)
            happens.get(self.looked, lambda: None)()

        monkeypatch.setattr(ahead, "require_unused", looking)


def gone(world: World) -> bool:
    return world.services.db["properties"].find_one({"org": world.org, "id": "prop-1"}) is None


@pytest.mark.parametrize("guarded", [True, False])
def test_a_hold_that_comes_after_the_first_look_keeps_its_property(
    world: World, bob: Caller, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without the second look the property of a live hold is removed."""
    elsewhere = another_server(world)
    meanwhile = Meanwhile(world.services, monkeypatch, {1: lambda: elsewhere.holds.place(bob, world.hold_request())})
    meanwhile.looks = 2 if guarded else 1
    if not guarded:
        world.services.upkeep.remove_property(world.org, "prop-1")
        assert gone(world)
        return
    with pytest.raises(InUse):
        world.services.upkeep.remove_property(world.org, "prop-1")
    kept = world.services.catalogue_desk.get_property(world.org, "prop-1")
    assert (kept.status, kept.name) == ("available", "House 1")
    assert elsewhere.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(14)))).created


@pytest.mark.parametrize("guarded", [True, False])
def test_no_hold_comes_after_the_second_look(
    world: World, bob: Caller, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without an announcement, a server that remembers the property would hold it while it is removed."""
    elsewhere = another_server(world)
    elsewhere.holds.release(bob, elsewhere.holds.place(bob, world.hold_request()).hold.hold_id)
    outcome: list[Exception | None] = []

    def hold() -> None:
        try:
            elsewhere.holds.place(bob, world.hold_request())
            outcome.append(None)
        except Refusal as refusal:
            outcome.append(refusal)

    Meanwhile(world.services, monkeypatch, {2: hold})
    if not guarded:
        monkeypatch.setattr(world.services.upkeep._announcing, "_announce", lambda _org: None)
    world.services.upkeep.remove_property(world.org, "prop-1")
    assert gone(world)
    assert isinstance(outcome[0], PropertyUnavailable) if guarded else outcome == [None]


def test_of_a_removal_and_holds_at_once_one_side_wins(world: World, bob: Caller) -> None:
    servers = [another_server(world) for _ in range(3)]
    for _ in range(ROUNDS):
        with suppress(Refusal):
            world.services.catalogue_desk.create_property(world.org, PropertyCreate(id="prop-1", name="House 1"))
        places = [
            partial(server.holds.place, bob, world.hold_request(technician_id=f"tech-{number}"))
            for number, server in enumerate(servers, 1)
        ]
        removes = [partial(world.services.upkeep.remove_property, world.org, "prop-1")]
        outcome = at_once([*places, *removes])
        placed = [value for value in outcome.values if value is not None]
        assert gone(world) == (not placed), outcome.errors
        for each in placed:
            world.services.holds.release(bob, each.hold.hold_id)


def test_a_removal_that_redis_cannot_answer_changes_nothing(
    world: World, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_org: str) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(world.services.upkeep._announcing, "_announce", away)
    with pytest.raises(StoreUnavailable):
        upkeep.remove_property(world.org, "prop-1")
    assert world.services.catalogue_desk.get_property(world.org, "prop-1").status == "available"


def test_somebody_who_changes_it_meanwhile_keeps_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = another_server(world).catalogue_desk
    rename = partial(desk.patch_property, world.org, "prop-1", PropertyPatch(name="Renamed"))
    Meanwhile(world.services, monkeypatch, {2: rename})
    with pytest.raises(VersionConflict):
        world.services.upkeep.remove_property(world.org, "prop-1")
    kept = desk.get_property(world.org, "prop-1")
    assert (kept.status, kept.name) == ("available", "Renamed")
