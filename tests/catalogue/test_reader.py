"""The catalogue as requests read it: from memory, and never staler than the epoch it is kept under."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from models.catalogue import Policy
from models.errors import PropertyNotFound, ServiceNotFound, StoreUnavailable, TechnicianNotFound
from scripts.dev_server.child import wait_until
from services.catalogue.reader import Catalogue
from tests.catalogue.watched_db import WatchedDatabase


@pytest.fixture
def db() -> WatchedDatabase:
    watched = WatchedDatabase()
    watched.store["orgs"].insert_one({"_id": "alice-co", "name": "Alice Co", "policy": {"hold_seconds": 120}})
    for plain_id in ("tech-7", "tech-11", "tech-3"):
        document = {"_id": f"alice-co/{plain_id}", "org": "alice-co", "id": plain_id, "name": plain_id}
        watched.store["technicians"].insert_one(document)
    add_property(watched, "prop-101")
    return watched


def add_property(db: WatchedDatabase, plain_id: str, **fields: Any) -> None:
    document = {"_id": f"alice-co/{plain_id}", "org": "alice-co", "id": plain_id, "name": plain_id, **fields}
    db.store["properties"].replace_one({"_id": document["_id"]}, document, upsert=True)


@pytest.fixture
def catalogue(db: WatchedDatabase) -> Catalogue:
    return Catalogue(db)  # type: ignore[arg-type]  # it stands in for a Database


def test_each_thing_is_read_from_mongodb_once(db: WatchedDatabase, catalogue: Catalogue) -> None:
    for _ in range(3):
        catalogue.policy("alice-co")
        catalogue.property("alice-co", "prop-101")
        catalogue.technicians("alice-co")
        catalogue.technician("alice-co", "tech-7")
    assert sorted(db.reads) == ["orgs", "properties", "technicians"]


def test_technicians_come_in_the_order_of_their_ids(catalogue: Catalogue) -> None:
    assert list(catalogue.technicians("alice-co")) == ["tech-11", "tech-3", "tech-7"]


def test_the_policy_is_what_was_set_over_the_defaults(catalogue: Catalogue) -> None:
    policy = catalogue.policy("alice-co")
    assert (policy.hold_seconds, policy.max_hold_seconds) == (120, 900)


def test_an_org_that_has_set_nothing_has_the_default_policy(catalogue: Catalogue) -> None:
    assert catalogue.policy("nobody") == Policy()


def test_another_orgs_property_and_technician_are_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(PropertyNotFound):
        catalogue.property("charlie-co", "prop-101")
    with pytest.raises(TechnicianNotFound):
        catalogue.technician("charlie-co", "tech-7")


def test_a_property_that_is_made_later_is_found(db: WatchedDatabase, catalogue: Catalogue) -> None:
    with pytest.raises(PropertyNotFound):
        catalogue.property("alice-co", "prop-102")
    add_property(db, "prop-102")
    assert catalogue.property("alice-co", "prop-102").id == "prop-102"


def test_a_new_epoch_makes_everything_be_read_again(db: WatchedDatabase, catalogue: Catalogue) -> None:
    assert catalogue.property("alice-co", "prop-101").status == "available"
    add_property(db, "prop-101", status="unavailable")
    assert catalogue.property("alice-co", "prop-101").status == "available"
    catalogue.forget("alice-co", "e2")
    assert catalogue.epoch("alice-co") == "e2"
    assert catalogue.property("alice-co", "prop-101").status == "unavailable"


def test_forgetting_under_the_epoch_that_is_known_keeps_what_was_read(
    db: WatchedDatabase, catalogue: Catalogue
) -> None:
    catalogue.forget("alice-co", "e2")
    catalogue.technicians("alice-co")
    catalogue.forget("alice-co", "e2")
    catalogue.technicians("alice-co")
    assert db.reads == ["technicians"]


def test_forgetting_under_no_epoch_always_drops_everything(db: WatchedDatabase, catalogue: Catalogue) -> None:
    for _ in range(2):
        catalogue.forget("alice-co", None)
        catalogue.technicians("alice-co")
    assert db.reads == ["technicians", "technicians"]


def test_forgetting_one_org_leaves_the_others(db: WatchedDatabase, catalogue: Catalogue) -> None:
    catalogue.policy("alice-co")
    catalogue.forget("charlie-co", "e2")
    catalogue.policy("alice-co")
    assert db.reads == ["orgs"]


def test_a_read_that_the_change_overtook_is_not_kept_under_the_new_epoch(
    db: WatchedDatabase, catalogue: Catalogue
) -> None:
    def change_meanwhile() -> None:
        db.after_read = lambda: None
        add_property(db, "prop-101", status="unavailable")
        catalogue.forget("alice-co", "e2")

    db.after_read = change_meanwhile
    assert catalogue.property("alice-co", "prop-101").status == "available"
    assert catalogue.property("alice-co", "prop-101").status == "unavailable"


def test_a_store_that_is_down_is_a_refusal_for_what_is_not_known_and_no_matter_for_what_is(
    db: WatchedDatabase, catalogue: Catalogue
) -> None:
    catalogue.property("alice-co", "prop-101")
    db.down = True
    assert catalogue.property("alice-co", "prop-101").id == "prop-101"
    with pytest.raises(StoreUnavailable):
        catalogue.technicians("alice-co")


def test_many_requests_at_once_make_one_read(db: WatchedDatabase, catalogue: Catalogue) -> None:
    def others_wait() -> bool:
        (shared,) = catalogue._reads._under_way.values()
        return len(shared._condition._waiters) == 7  # type: ignore[attr-defined]  # of threading.Condition

    db.after_read = lambda: all_asked.append(wait_until(others_wait, seconds=30))
    all_asked = list[bool]()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: catalogue.technicians("alice-co"), range(8)))
    assert all_asked == [True]
    assert all(each is found[0] for each in found)
    assert db.reads == ["technicians"]


def test_time_off_without_a_zone_is_understood_as_utc(db: WatchedDatabase, catalogue: Catalogue) -> None:
    away = {"start": datetime(2026, 12, 1), "end": datetime(2026, 12, 2)}  # noqa: DTZ001  # as BSON has it
    db.store["technicians"].update_one({"_id": "alice-co/tech-3"}, {"$set": {"time_off": [away]}})
    assert catalogue.technician("alice-co", "tech-3").time_off[0].start == datetime(2026, 12, 1, tzinfo=UTC)


def add_service(db: WatchedDatabase, plain_id: str) -> None:
    document = {"_id": f"alice-co/{plain_id}", "org": "alice-co", "id": plain_id, "name": plain_id}
    db.store["services"].insert_one({**document, "duration_minutes": 45})


def test_a_snapshot_has_the_services_of_its_org_after_one_read(db: WatchedDatabase, catalogue: Catalogue) -> None:
    add_service(db, "leak")
    snapshot = catalogue.snapshot("alice-co")
    assert [snapshot.service("leak").duration_minutes for _ in range(3)] == [45, 45, 45]
    for other in (snapshot, catalogue.snapshot("charlie-co")):
        with pytest.raises(ServiceNotFound):
            other.service("leak" if other is not snapshot else "lock")
    assert db.reads.count("services") == 2


def test_a_service_that_is_made_later_is_found_under_the_next_epoch(db: WatchedDatabase, catalogue: Catalogue) -> None:
    with pytest.raises(ServiceNotFound):
        catalogue.snapshot("alice-co").service("leak")
    add_service(db, "leak")
    catalogue.forget("alice-co", "e2")
    assert catalogue.snapshot("alice-co").service("leak").id == "leak"


def test_services_that_are_known_serve_while_mongodb_is_down(db: WatchedDatabase, catalogue: Catalogue) -> None:
    add_service(db, "leak")
    catalogue.snapshot("alice-co").service("leak")
    db.down = True
    catalogue.forget("alice-co", "e2")
    catalogue._shelf("alice-co").policy = Policy()
    assert catalogue.snapshot("alice-co").service("leak").id == "leak"


@pytest.fixture
def building(db: WatchedDatabase) -> WatchedDatabase:
    """prop-101 with two units, one of which names an area, beside a plain property."""
    add_property(db, "prop-101", timezone="Europe/Paris", area="north")
    add_property(db, "flat-b", parent_id="prop-101", timezone="UTC")
    add_property(db, "flat-a", parent_id="prop-101", area="south")
    add_property(db, "prop-102")
    return db


def test_a_building_comes_with_its_units_in_one_read(building: WatchedDatabase, catalogue: Catalogue) -> None:
    snapshot = catalogue.snapshot("alice-co")
    for _ in range(2):
        site, _ = snapshot.resources("prop-101", ["tech-7"])
        assert (site.property.id, snapshot.units_of("prop-101")) == ("prop-101", ("flat-a", "flat-b"))
    assert building.reads.count("properties") == 1
    assert [snapshot.units_of(each) for each in ("prop-102", "flat-a")] == [(), ()]
    with pytest.raises(PropertyNotFound):
        snapshot.units_of("prop-999")


def test_a_unit_is_as_its_building_makes_it(building: WatchedDatabase, catalogue: Catalogue) -> None:
    a, b = (catalogue.property("alice-co", each) for each in ("flat-a", "flat-b"))
    assert [(each.area, each.timezone, each.status) for each in (a, b)] == [
        ("south", "Europe/Paris", "available"),
        ("north", "Europe/Paris", "available"),
    ]
    add_property(building, "prop-101", status="unavailable")
    catalogue.forget("alice-co", "e2")
    assert catalogue.property("alice-co", "flat-a").status == "unavailable"
    assert catalogue.property("alice-co", "prop-102").status == "available"


def test_a_unit_that_is_unavailable_itself_stays_so(building: WatchedDatabase, catalogue: Catalogue) -> None:
    add_property(building, "flat-c", parent_id="prop-101", status="unavailable")
    assert catalogue.property("alice-co", "flat-c").status == "unavailable"
    assert catalogue.property("alice-co", "prop-101").status == "available"


def test_what_was_warmed_is_the_same_as_what_is_read(building: WatchedDatabase, catalogue: Catalogue) -> None:
    catalogue.warm("alice-co")
    building.reads.clear()
    snapshot, cold = catalogue.snapshot("alice-co"), Catalogue(building).snapshot("alice-co")  # type: ignore[arg-type]
    for name in ("prop-101", "prop-102", "flat-a", "flat-b"):
        assert snapshot.resources(name, []) == cold.resources(name, [])
        assert snapshot.units_of(name) == cold.units_of(name)
    assert building.reads.count("properties") == 6  # the cold one: four, and the building of two units
