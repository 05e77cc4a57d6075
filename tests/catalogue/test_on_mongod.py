"""Tests that need a real mongod: uniqueness, races between writers, and the documents that a query reads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.catalogue import PolicyPatch, PropertyCreate, PropertyPatch
from models.errors import AlreadyExists, InvalidRequest, PropertyNotFound, StoreUnavailable
from scripts.dev_server.seed import seed
from services.access.api_keys import ensure_key_indexes
from services.catalogue.documents import ensure_catalogue_indexes
from services.catalogue.reader import Catalogue
from services.clock import utc_now
from tests.catalogue.desks import desk_over
from tests.servers import MongoServer

SEEDED = {"properties": 18, "technicians": 6, "services": 9}
KEYS = {"checkout": "hf_checkout_a", "desk": "hf_desk_b", "bot": "hf_bot_c", "admin": "hf_admin_d"}


class Installation:
    """A new database, and the desk that writes to it."""

    def __init__(self, db: Database[dict[str, Any]]) -> None:
        self.db = db
        self.catalogue = Catalogue(db)
        self.clock = utc_now
        self.desk = desk_over(db, utc_now, self.catalogue)


@pytest.fixture(scope="module")
def mongod() -> Iterator[MongoServer]:
    with MongoServer() as server:
        yield server


@pytest.fixture
def client(mongod: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongod.url, tz_aware=True) as client:
        yield client


@pytest.fixture
def installation(client: MongoClient[dict[str, Any]]) -> Installation:
    db = client.get_database(f"test_{uuid4().hex[:8]}", write_concern=WriteConcern(w="majority", j=True))
    for _ in range(2):
        ensure_catalogue_indexes(db)
        ensure_key_indexes(db)
    return Installation(db)


@pytest.mark.parametrize(
    ("collection", "document"),
    [
        ("properties", {"org": "alice-co", "id": "prop-101"}),
        ("technicians", {"org": "alice-co", "id": "tech-7"}),
        ("api_keys", {"org": "alice-co", "key_id": "key_1"}),
    ],
)
def test_an_id_is_unique_in_its_org(installation: Installation, collection: str, document: dict[str, Any]) -> None:
    installation.db[collection].insert_one({"_id": 1, **document})
    installation.db[collection].insert_one({"_id": 2, **document, "org": "charlie-co"})
    with pytest.raises(DuplicateKeyError):
        installation.db[collection].insert_one({"_id": 3, **document})


def test_of_many_requests_for_one_id_one_succeeds(installation: Installation) -> None:
    def create(number: int) -> bool:
        try:
            installation.desk.create_property("alice-co", PropertyCreate(id="prop-101", name=f"House {number}"))
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1


def test_a_list_reads_only_its_page_and_one_more_document(installation: Installation) -> None:
    for number in range(10):
        installation.desk.create_property("alice-co", PropertyCreate(id=f"prop-{number}", name="House"))
    _, cursor = installation.desk.list_properties("alice-co", limit=3)
    assert cursor is not None
    query = {"org": "alice-co", "id": {"$gt": "prop-2"}}
    plan = installation.db["properties"].find(query).sort("id", 1).limit(4).explain()
    assert plan["executionStats"]["totalDocsExamined"] == 4


def test_a_building_is_read_with_its_units_by_two_indexes(installation: Installation) -> None:
    for number in range(10):
        parent = "prop-0" if number in (3, 4) else None
        wanted = PropertyCreate(id=f"prop-{number}", name="House", parent_id=parent)
        installation.desk.create_property("alice-co", wanted)
    own = {"_id": "alice-co/prop-0", "org": "alice-co"}
    plan = installation.db["properties"].find({"$or": [own, {"org": "alice-co", "parent_id": "prop-0"}]}).explain()
    assert plan["executionStats"]["totalDocsExamined"] == 4  # both units, and the building in each of two stages
    assert installation.catalogue.snapshot("alice-co").units_of("prop-0") == ("prop-3", "prop-4")


def test_policy_changes_at_once_never_lead_to_contradictory_rules(installation: Installation) -> None:
    def change(number: int) -> None:
        half = {"hold_seconds": 600} if number % 2 else {"max_hold_seconds": 400}
        other = {"hold_seconds": 300} if number % 2 else {"max_hold_seconds": 900}
        for body in (half, other):
            try:
                installation.desk.patch_policy("alice-co", PolicyPatch.model_validate(body))
            except (InvalidRequest, StoreUnavailable):
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(12)))
    policy = installation.desk.get_policy("alice-co")
    assert policy.hold_seconds <= policy.max_hold_seconds
    assert installation.db["orgs"].count_documents({}) == 1


def test_a_patch_is_one_write_and_returns_the_whole_document(installation: Installation) -> None:
    installation.desk.create_property("alice-co", PropertyCreate(id="prop-101", name="House", address="Quay 1"))
    patched = installation.desk.patch_property("alice-co", "prop-101", PropertyPatch.model_validate({"address": None}))
    assert patched == installation.desk.get_property("alice-co", "prop-101")
    assert (patched.name, patched.address) == ("House", None)
    with pytest.raises(PropertyNotFound):
        installation.desk.patch_property("alice-co", "prop-999", PropertyPatch(name="Nowhere"))


def test_servers_that_seed_at_once_do_not_disturb_each_other(installation: Installation) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: seed(installation, KEYS), range(4))) == {"demo"}
    counts = {name: installation.db[name].count_documents({"org": "demo"}) for name in SEEDED}
    assert counts == SEEDED
    assert installation.db["api_keys"].count_documents({}) == 4


def test_a_second_seed_only_reads(installation: Installation) -> None:
    seed(installation, KEYS)
    before = writes_of(installation.db)
    seed(installation, KEYS)
    assert writes_of(installation.db) == before


def writes_of(db: Database[dict[str, Any]]) -> tuple[int, int]:
    """The number of inserts and updates that this server has received."""
    counters = db.command("serverStatus")["opcounters"]
    return counters["insert"], counters["update"]
