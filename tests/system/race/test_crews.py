"""Crews that share a member, and a building against one of its units: all or none, and one winner.

The controls leave out one guard each: the script, the index, and the units among the claims of a building.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from models.booking import Booking
from models.catalogue import PropertyCreate, TechnicianCreate
from models.errors import SlotBooked, SlotHeld
from models.hold import HoldRequest
from models.slot import Choice
from services.bookings import without_redis
from services.catalogue.reader import Catalogue
from services.catalogue.reads import Site
from services.claims.claims import Claims
from services.holds.operations import PlacedHold
from services.ledger.schema import GUARD
from tests.bookings.moving import check_settled
from tests.system.race.together import (
    CROWD,
    PATIENCE,
    ROUNDS,
    Outcome,
    at_once,
    check_then_set,
    fresh_slots,
    mirrored,
)
from tests.world import World, rfc3339

FLATS = ("flat-1", "flat-2", "flat-3")


def add_catalogue(world: World) -> None:
    """A house and a technician for each of a crowd, and a building with three flats."""
    services = world.services
    for number in range(CROWD):
        services.catalogue_desk.create_property(world.org, PropertyCreate(id=f"house-{number}", name="House"))
        services.catalogue_desk.create_technician(world.org, TechnicianCreate(id=f"mate-{number}", name="Mate"))
    services.catalogue_desk.create_property(world.org, PropertyCreate(id="building", name="Building"))
    for flat in FLATS:
        services.units.create(world.org, PropertyCreate(id=flat, name="Flat", parent_id="building"))


@pytest.fixture
def town(world: World) -> World:
    add_catalogue(world)
    return world


def crews(start: Any) -> Iterator[dict[str, Any]]:
    """A crowd of visits at houses of their own. All need the same technician, some as the first of three."""
    for number in range(CROWD):
        mates = [f"mate-{number}", f"mate-{(number + 1) % CROWD}"]
        mates.insert(number % 3, "tech-1")
        yield {"property_id": f"house-{number}", "technician_ids": mates, "start": rfc3339(start)}


def building_and_flat(start: Any) -> Iterator[dict[str, Any]]:
    """Visits of the building and of one of its flats, each with a technician of its own."""
    for number in range(CROWD):
        place = ("building", "flat-2")[number % 2]
        yield {"property_id": place, "technician_ids": [f"mate-{number}"], "start": rfc3339(start)}


def claims_by(visits: list[Any]) -> dict[str, str]:
    """The claims of some holds, and which hold has each."""
    return {
        f"{resource}:{tick}": placed.hold.hold_id for placed in visits for resource, tick in placed.hold.visit.claims()
    }


def race(world: World, wishes: Any, rounds: int = ROUNDS) -> list[Outcome[PlacedHold]]:
    """In each round a crowd asks for holds of which only one can be granted."""
    holds, caller, found = world.services.holds, world.caller("desk"), []
    for start in fresh_slots(rounds):
        requests = [HoldRequest.model_validate(wish) for wish in wishes(start)]
        found.append(at_once([partial(holds.place, caller, request) for request in requests]))
    return found


@pytest.mark.parametrize("wishes", [crews, building_and_flat])
def test_of_holds_that_share_a_member_or_a_unit_exactly_one_is_granted_and_whole(town: World, wishes: Any) -> None:
    winners = []
    for outcome in race(town, wishes):
        (winner,) = outcome.values
        winners.append(winner)
        assert outcome.kinds() == {SlotHeld}
    assert town.marks().keys() == claims_by(winners).keys()


@pytest.mark.parametrize("wishes", [crews, building_and_flat])
def test_with_check_then_set_instead_of_the_script_several_are_granted(
    town: World, wishes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same race without the script."""
    monkeypatch.setattr(Claims, "place", check_then_set())
    assert all(len(outcome.values) > 1 for outcome in race(town, wishes, 3))


def test_without_the_units_among_its_claims_a_building_is_granted_beside_its_unit(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a visit to a building claims the building alone."""
    known = Catalogue.site_on
    monkeypatch.setattr(Catalogue, "site_on", lambda *given: Site(known(*given).property))
    for outcome in race(town, building_and_flat, 5):
        assert sorted(each.hold.visit.property_id for each in outcome.values) == ["building", "flat-2"]


def test_flats_of_one_building_do_not_stand_in_each_others_way(town: World) -> None:
    holds, caller = town.services.holds, town.caller("desk")
    for start in fresh_slots(5):
        wishes = [
            {"property_id": flat, "technician_ids": [f"mate-{number}"], "start": rfc3339(start)}
            for number, flat in enumerate(FLATS)
        ]
        outcome = at_once([partial(holds.place, caller, HoldRequest.model_validate(wish)) for wish in wishes])
        assert len(outcome.values) == len(FLATS)


def book(world: World, wishes: Any, rounds: int) -> Iterator[Outcome[Booking]]:
    """In each round a crowd books at once, of which only one can."""
    bookings, caller = world.services.bookings, world.caller("desk")
    for start in fresh_slots(rounds):
        requests = [world.book_request(**wish) for wish in wishes(start)]
        yield at_once([lambda request=request: bookings.book(caller, request).booking for request in requests])


@pytest.mark.parametrize("wishes", [crews, building_and_flat])
def test_of_bookings_that_share_a_member_or_a_unit_exactly_one_is_made_and_mirrored(town: World, wishes: Any) -> None:
    for outcome in book(town, wishes, 10):
        assert len(outcome.values) == 1
        assert outcome.kinds() <= {SlotHeld, SlotBooked}
    check_settled(town)
    assert mirrored(town)


@pytest.mark.parametrize("wishes", [crews, building_and_flat])
def test_without_redis_the_unique_index_lets_exactly_one_of_them_book(
    world: World, lone_world: World, wishes: Any
) -> None:
    copy_catalogue(world, lone_world)
    for outcome in book(lone_world, wishes, 5):
        assert len(outcome.values) == 1
        assert outcome.kinds() == {SlotBooked}
    assert lone_world.double_booked() == []


@pytest.mark.parametrize("wishes", [crews, building_and_flat])
def test_without_redis_and_without_the_index_several_of_them_book(
    world: World, lone_world: World, wishes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: all look for what is free before one of them inserts, and no index refuses."""
    copy_catalogue(world, lone_world)
    look, all_looked = without_redis.free_in_mongo, threading.Barrier(CROWD)

    def look_and_meet(*asked: Any) -> list[Choice]:
        found = look(*asked)
        all_looked.wait(PATIENCE)
        return found

    monkeypatch.setattr(without_redis, "free_in_mongo", look_and_meet)
    lone_world.services.db["bookings"].drop_index(GUARD)
    assert all(len(outcome.values) > 1 for outcome in book(lone_world, wishes, 2))
    assert lone_world.double_booked() != []


def copy_catalogue(world: World, lone_world: World) -> None:
    """Gives a world without Redis the catalogue, which a world with Redis has to make: a unit is announced there."""
    add_catalogue(world)
    for kind in ("properties", "technicians"):
        made = list(world.services.db[kind].find({"org": world.org}))
        copies = [
            each | {"_id": each["_id"].replace(world.org, lone_world.org), "org": lone_world.org} for each in made
        ]
        lone_world.services.db[kind].delete_many({"org": lone_world.org})
        lone_world.services.db[kind].insert_many(copies)
