"""Writes of the catalogue, and how they reach every process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import NetworkTimeout

from models.catalogue import Policy, PolicyPatch, PropertyCreate, PropertyPatch, TechnicianCreate, TechnicianPatch
from models.errors import AlreadyExists, InvalidRequest, PropertyNotFound, StoreUnavailable, TechnicianNotFound
from services.catalogue.reader import Catalogue
from tests.catalogue.desks import desk_over
from tests.catalogue.watched_db import WatchedDatabase

NOW = datetime(2026, 12, 1, 9, 0, 0, 123456, tzinfo=UTC)
ORG = "alice-co"


class World:
    """One org's catalogue, the orgs that were announced, and a clock that stands still."""

    def __init__(self) -> None:
        self.db = WatchedDatabase()
        self.announced: list[str] = []
        self.now = NOW
        self.catalogue = Catalogue(self.db)  # type: ignore[arg-type]  # a fake Database
        self.desk = desk_over(self.db, lambda: self.now, self.catalogue, self._note)
        self.hears = True

    def _note(self, org: str) -> None:
        if not self.hears:
            raise StoreUnavailable
        self.announced.append(org)

    def patch_technician(self, **body: Any) -> Any:
        return self.desk.patch_technician(ORG, "tech-7", TechnicianPatch.model_validate(body))

    def patch_policy(self, **body: Any) -> Policy:
        return self.desk.patch_policy(ORG, PolicyPatch.model_validate(body))


@pytest.fixture
def world() -> World:
    world = World()
    world.desk.create_property(ORG, PropertyCreate(id="prop-101", name="Harbour House", address="Quay 1"))
    world.desk.create_technician(ORG, TechnicianCreate(id="tech-7", name="Bob"))
    world.announced.clear()
    return world


def faults_of(refused: pytest.ExceptionInfo[InvalidRequest]) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in refused.value.faults]


def test_a_created_technician_is_read_back_unchanged(world: World) -> None:
    away = {"start": "2026-12-24T00:00:00.123456Z", "end": "2026-12-27T00:00:00+01:00"}
    hours = {"mon": [["13:00", "24:00"], ["08:00", "13:00"]]}
    wanted = TechnicianCreate.model_validate({"name": "Bob", "working_hours": hours, "time_off": [away]})
    made = world.desk.create_technician(ORG, wanted)
    assert made == world.desk.get_technician(ORG, made.id) == world.catalogue.technician(ORG, made.id)
    assert made.working_hours == hours


def test_a_property_without_an_id_gets_one(world: World) -> None:
    made = world.desk.create_property(ORG, PropertyCreate(name="Mill"))
    assert made.id.startswith("prop-")
    assert len(made.id) == len("prop-") + 8


def test_an_id_is_unique_in_one_org_and_free_in_another(world: World) -> None:
    with pytest.raises(AlreadyExists):
        world.desk.create_property(ORG, PropertyCreate(id="prop-101", name="Again"))
    assert world.announced == []
    assert world.desk.get_property(ORG, "prop-101").name == "Harbour House"
    assert world.desk.create_property("charlie-co", PropertyCreate(id="prop-101", name="Charlie's")).id == "prop-101"


@pytest.mark.parametrize("plain_id", [None, "prop-7"])
def test_a_repeat_of_a_request_gets_what_the_first_attempt_made(world: World, plain_id: str | None) -> None:
    wanted = PropertyCreate(id=plain_id, name="Mill")
    first = world.desk.create_property(ORG, wanted, request="digest-1")
    assert world.desk.create_property(ORG, wanted, request="digest-1") == first
    assert len(world.desk.list_properties(ORG)[0]) == 2


def test_another_request_for_a_taken_id_is_refused(world: World) -> None:
    wanted = PropertyCreate(id="prop-7", name="Mill")
    world.desk.create_property(ORG, wanted, request="digest-1")
    with pytest.raises(AlreadyExists):
        world.desk.create_property(ORG, wanted, request="digest-2")


def test_every_change_is_announced_and_counts_here_at_once(world: World) -> None:
    assert world.catalogue.property(ORG, "prop-101").status == "available"
    world.desk.patch_property(ORG, "prop-101", PropertyPatch(status="unavailable"))
    assert world.catalogue.property(ORG, "prop-101").status == "unavailable"
    world.patch_technician(name="Bobby")
    world.patch_policy(hold_seconds=60)
    assert world.announced == [ORG] * 3


def test_a_patch_changes_only_its_own_fields(world: World) -> None:
    patched = world.desk.patch_property(ORG, "prop-101", PropertyPatch(timezone="Europe/Paris"))
    assert (patched.name, patched.address, patched.timezone) == ("Harbour House", "Quay 1", "Europe/Paris")


def test_null_clears_a_nullable_field(world: World) -> None:
    cleared = world.desk.patch_property(ORG, "prop-101", PropertyPatch.model_validate({"address": None}))
    assert cleared.address is None
    world.patch_technician(working_hours={"mon": [["08:00", "12:00"]]})
    assert world.patch_technician(working_hours=None).working_hours is None


def test_null_leaves_any_other_field_as_it_is(world: World) -> None:
    before = world.patch_technician(working_hours={"mon": [["08:00", "12:00"]]})
    world.announced.clear()
    assert world.patch_technician(name=None, status=None, time_off=None) == before
    assert world.announced == []


def test_all_faults_of_a_technician_are_named_at_once(world: World) -> None:
    hours = {"mon": [["08:00", "12:00"], ["11:00", "13:00"]]}
    off = [
        {"start": "2026-12-02T00:00:00Z", "end": "2026-12-03T00:00:00Z"},
        {"start": "2026-12-05T10:00:00Z", "end": "2026-12-05T10:00:00Z"},
    ]
    with pytest.raises(InvalidRequest) as refused:
        world.patch_technician(working_hours=hours, time_off=off)
    expected = [
        ("working_hours.mon.1", "overlapping_shifts"),
        ("time_off.1.end", "bad_span"),
    ]
    assert faults_of(refused) == expected


def test_a_technician_with_faults_is_not_created(world: World) -> None:
    off = [{"start": "2026-12-05T10:00:00Z", "end": "2026-12-04T10:00:00Z"}]
    with pytest.raises(InvalidRequest):
        world.desk.create_technician(ORG, TechnicianCreate.model_validate({"name": "Eve", "time_off": off}))
    assert [each.id for each in world.desk.list_technicians(ORG)[0]] == ["tech-7"]


def test_an_empty_patch_changes_nothing(world: World) -> None:
    assert world.desk.patch_property(ORG, "prop-101", PropertyPatch()).name == "Harbour House"
    assert world.patch_policy() == Policy()
    assert world.announced == []


def test_another_orgs_property_is_not_found(world: World) -> None:
    with pytest.raises(PropertyNotFound):
        world.desk.get_property("charlie-co", "prop-101")
    with pytest.raises(PropertyNotFound):
        world.desk.patch_property("charlie-co", "prop-101", PropertyPatch(name="Mine"))


def test_another_orgs_technician_is_not_found(world: World) -> None:
    with pytest.raises(TechnicianNotFound):
        world.desk.get_technician("charlie-co", "tech-7")
    with pytest.raises(TechnicianNotFound):
        world.desk.patch_technician("charlie-co", "tech-7", TechnicianPatch(name="Mine"))


def test_a_list_is_paged_by_id_and_each_property_is_on_one_page(world: World) -> None:
    for number in range(102, 107):
        world.desk.create_property(ORG, PropertyCreate(id=f"prop-{number}", name="House"))
    world.desk.create_property("charlie-co", PropertyCreate(id="prop-103", name="Charlie's"))
    pages, cursor = [], None
    while True:
        page, cursor = world.desk.list_properties(ORG, limit=2, cursor=cursor)
        pages.append([each.id for each in page])
        if cursor is None:
            break
    assert pages == [["prop-101", "prop-102"], ["prop-103", "prop-104"], ["prop-105", "prop-106"]]


@pytest.mark.parametrize("cursor", ["", "!!!", "é", "cHJvcC0xMDE=", "cHJv cC0xMDE", "AAAA", "a" * 500])
def test_an_invalid_cursor_is_a_fault(world: World, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.desk.list_technicians(ORG, cursor=cursor)
    assert faults_of(refused) == [("cursor", "bad_cursor")]


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_limit_out_of_range_is_a_fault(world: World, limit: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.desk.list_properties(ORG, limit=limit)
    assert faults_of(refused) == [("limit", "out_of_range")]


def test_a_policy_patch_keeps_all_other_rules(world: World) -> None:
    world.patch_policy(hold_seconds=120, blackout_dates=["2026-12-25"])
    world.patch_policy(default_duration_minutes=30)
    policy = world.desk.get_policy(ORG)
    assert (policy.hold_seconds, policy.default_duration_minutes) == (120, 30)
    assert policy.model_dump(mode="json")["blackout_dates"] == ["2026-12-25"]
    assert world.catalogue.policy(ORG) == policy


def test_null_allows_any_duration_again(world: World) -> None:
    world.patch_policy(allowed_duration_minutes=[30, 60])
    assert world.patch_policy(allowed_duration_minutes=None).allowed_duration_minutes is None


def test_a_policy_that_contradicts_itself_is_refused_as_a_whole(world: World) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.patch_policy(buffer_after_minutes=10, hold_seconds=901)
    assert faults_of(refused) == [("buffer_after_minutes", "off_grid"), ("hold_seconds", "inconsistent")]
    assert world.desk.get_policy(ORG) == Policy()


def test_of_two_policy_changes_at_once_the_second_is_checked_against_the_first(world: World) -> None:
    world.patch_policy(min_lead_minutes=5)

    def meanwhile() -> None:
        world.db.after_read = lambda: None
        world.patch_policy(max_hold_seconds=200, hold_seconds=100)

    world.db.after_read = meanwhile
    with pytest.raises(InvalidRequest):
        world.patch_policy(hold_seconds=300)
    assert world.desk.get_policy(ORG).hold_seconds == 100


def test_a_policy_patch_gives_up_while_others_keep_changing_the_policy(world: World) -> None:
    def always() -> None:
        world.db.store["orgs"].update_one({"_id": ORG}, {"$inc": {"policy_revision": 1}}, upsert=True)

    world.db.after_read = always
    with pytest.raises(StoreUnavailable):
        world.patch_policy(hold_seconds=100)


def test_a_write_with_an_unknown_outcome_is_announced_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.catalogue.technicians(ORG)
    collection = world.desk._technicians._collection
    written = collection.find_one_and_update

    def lose_the_reply(*arguments: Any, **options: Any) -> None:
        written(*arguments, **options)
        raise NetworkTimeout("no reply")

    monkeypatch.setattr(collection, "find_one_and_update", lose_the_reply, raising=False)
    with pytest.raises(StoreUnavailable):
        world.patch_technician(status="unavailable")
    assert world.announced == [ORG]
    assert world.catalogue.technician(ORG, "tech-7").status == "unavailable"


def test_a_change_is_kept_while_redis_is_down(world: World) -> None:
    world.hears = False
    assert world.patch_technician(status="unavailable").status == "unavailable"
    assert world.catalogue.technician(ORG, "tech-7").status == "unavailable"


def test_a_patch_changes_updated_at_but_not_created_at(world: World) -> None:
    world.now = NOW + timedelta(hours=1)
    world.desk.patch_property(ORG, "prop-101", PropertyPatch(name="Renamed"))
    document = world.db.store["properties"].find_one({"_id": f"{ORG}/prop-101"})
    assert document["updated_at"] - document["created_at"] == timedelta(hours=1)
