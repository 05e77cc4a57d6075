"""Units of a building on real stores: no visit or hold of the building lies ahead without a unit that it has."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.catalogue import PropertyCreate, PropertyPatch
from models.errors import InUse, InvalidRequest, Refusal, StoreUnavailable
from services.catalogue.reader import Snapshot
from tests.world import World, rfc3339, tomorrow

ROUNDS = 30


def tried(act: Callable[[], object]) -> bool:
    """Whether it was not refused."""
    try:
        act()
    except Refusal:
        return False
    return True


class LastSeen:
    """Notes the snapshot by which each thread decided last."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self._taken = threading.local()
        self._snapshot = world.services.catalogue.snapshot
        monkeypatch.setattr(world.services.catalogue, "snapshot", self._note)

    def _note(self, org: str) -> Snapshot:
        self._taken.last = self._snapshot(org)
        last: Snapshot = self._taken.last
        return last

    def units_of(self, property_id: str) -> tuple[str, ...]:
        last: Snapshot = self._taken.last
        return last.units_of(property_id)


def blind_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> int:
    """Adds units and holds their buildings at once. Counts the holds of a building that do not know of its unit."""
    seen = LastSeen(world, monkeypatch)
    start = threading.Barrier(2)

    def hold(building: str, number: int) -> tuple[str, ...] | None:
        """The units that the hold knows of; None where it was refused."""
        start.wait()
        request = world.hold_request(property_id=building, technician_id=None, start=rfc3339(tomorrow(6 + number % 12)))
        return seen.units_of(building) if tried(lambda: world.services.holds.place(caller, request)) else None

    def add(building: str) -> bool:
        start.wait()
        wanted = PropertyCreate(id=f"{building}-flat", name="Flat", parent_id=building)
        return tried(lambda: world.services.units.create(world.org, wanted))

    caller, blind = world.caller("admin"), 0
    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            building = f"house-{number}"
            world.services.catalogue_desk.create_property(world.org, PropertyCreate(id=building, name="House"))
            held, added = pool.submit(hold, building, number), pool.submit(add, building)
            blind += added.result() and held.result() == ()
    return blind


def test_no_hold_of_a_building_misses_a_unit_that_joins_at_the_same_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert blind_holds(world, monkeypatch) == 0


def test_without_the_looks_a_hold_misses_the_unit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the hold comes before the unit is written, and nothing looks for it."""
    seen, caller = LastSeen(world, monkeypatch), world.caller("admin")
    monkeypatch.setattr(world.services.units._ahead, "require_unused", lambda *_resources: None)
    assert tried(lambda: world.services.holds.place(caller, world.hold_request()))
    known = seen.units_of("prop-1")
    wanted = PropertyCreate(id="flat-1", name="Flat", parent_id="prop-1")
    assert tried(lambda: world.services.units.create(world.org, wanted))
    assert known == ()


def between_the_looks(world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], at: int = 1) -> None:
    """Does something after so many looks of the next change."""
    look, looks = world.services.units._ahead.require_unused, [0]

    def looked(*resources: str) -> None:
        look(*resources)
        looks[0] += 1
        if looks[0] == at:
            act()

    monkeypatch.setattr(world.services.units._ahead, "require_unused", looked)


@pytest.mark.parametrize("how", ["hold", "book"])
def test_what_comes_after_the_first_look_takes_the_unit_back(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    services, caller = world.services, world.caller("admin")

    def take() -> None:
        if how == "hold":
            services.holds.place(caller, world.hold_request())
        else:
            services.bookings.book(caller, world.direct_request())

    between_the_looks(world, monkeypatch, take)
    with pytest.raises(InUse):
        services.units.create(world.org, PropertyCreate(id="flat-1", name="Flat", parent_id="prop-1"))
    assert services.db["properties"].count_documents({"org": world.org, "id": "flat-1"}) == 0
    assert services.catalogue.snapshot(world.org).units_of("prop-1") == ()


def test_a_property_that_may_not_join_is_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    services, caller = world.services, world.caller("admin")
    between_the_looks(world, monkeypatch, lambda: services.holds.place(caller, world.hold_request()))
    patch = PropertyPatch(parent_id="prop-1", name="Flat", status="unavailable")
    with pytest.raises(InUse):
        services.units.patch(world.org, "prop-2", patch)
    found = services.catalogue_desk.get_property(world.org, "prop-2")
    assert (found.parent_id, found.name, found.status) == (None, "House 2", "available")


def test_a_unit_that_is_still_joining_cannot_be_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    services, caller = world.services, world.caller("admin")
    request = world.hold_request(property_id="flat-1")
    refusals: list[bool] = []
    between_the_looks(
        world, monkeypatch, lambda: refusals.append(tried(lambda: services.holds.place(caller, request))), at=2
    )
    services.units.create(world.org, PropertyCreate(id="flat-1", name="Flat", parent_id="prop-1"))
    assert refusals == [False]
    assert services.holds.place(caller, request).created


def test_a_repeat_finishes_what_a_server_that_died_has_begun(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    services = world.services
    wanted = PropertyCreate(name="Flat", parent_id="prop-1")

    def die() -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(services.units._units, "join", lambda *_names: die())
        with pytest.raises(SystemExit):
            services.units.create(world.org, wanted, request="digest-1")
    (unit,) = services.catalogue.snapshot(world.org).units_of("prop-1")
    assert services.catalogue.property(world.org, unit).status == "unavailable"
    assert services.units.create(world.org, wanted, request="digest-1").status == "available"
    services.holds.place(world.caller("admin"), world.hold_request())
    assert services.units.create(world.org, wanted, request="digest-1").id == unit


def test_a_unit_is_not_made_while_redis_cannot_be_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_org: str) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(world.services.units._announcing, "announce", away)
    with pytest.raises(StoreUnavailable):
        world.services.units.create(world.org, PropertyCreate(id="flat-1", name="Flat", parent_id="prop-1"))
    assert world.services.db["properties"].count_documents({"org": world.org, "id": "flat-1"}) == 0


def test_a_building_that_goes_while_a_unit_joins_leaves_no_orphan(world: World) -> None:
    services = world.services
    start = threading.Barrier(2)

    def add(number: int) -> bool:
        start.wait()
        wanted = PropertyCreate(id=f"flat-{number}", name="Flat", parent_id=f"house-{number}")
        return tried(lambda: services.units.create(world.org, wanted))

    def remove(number: int) -> bool:
        start.wait()
        return tried(lambda: services.upkeep.remove_property(world.org, f"house-{number}"))

    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            services.catalogue_desk.create_property(world.org, PropertyCreate(id=f"house-{number}", name="House"))
            added, removed = pool.submit(add, number), pool.submit(remove, number)
            assert not (added.result() and removed.result())
    documents = {each["id"]: each for each in services.db["properties"].find({"org": world.org})}
    parents = [each["parent_id"] for each in documents.values() if each.get("parent_id")]
    assert set(parents) <= documents.keys()


def test_two_properties_do_not_become_units_of_each_other(world: World) -> None:
    services = world.services
    start = threading.Barrier(2)

    def join(property_id: str, building: str) -> bool:
        start.wait()
        return tried(lambda: services.units.patch(world.org, property_id, PropertyPatch(parent_id=building)))

    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            joins = [pool.submit(join, "prop-1", "prop-2"), pool.submit(join, "prop-2", "prop-3")]
            assert sum(each.result() for each in joins) <= 1
            for name in ("prop-1", "prop-2"):
                found = services.catalogue_desk.get_property(world.org, name)
                assert (
                    found.parent_id is None
                    or services.catalogue_desk.get_property(world.org, found.parent_id).parent_id is None
                )
                services.units.patch(world.org, name, PropertyPatch.model_validate({"parent_id": None}))


def test_a_unit_of_a_unit_is_refused_also_after_the_first_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    services = world.services
    between_the_looks(
        world,
        monkeypatch,
        lambda: services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(parent_id="prop-3")),
    )
    with pytest.raises(InvalidRequest):
        services.units.create(world.org, PropertyCreate(id="flat-1", name="Flat", parent_id="prop-1"))
    assert services.db["properties"].count_documents({"org": world.org, "id": "flat-1"}) == 0
