"""Versions of properties and technicians, and what joins and leaves a technician's time off."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import PropertyCreate, PropertyPatch, TechnicianCreate, TechnicianPatch
from models.errors import InvalidRequest, StoreUnavailable, VersionConflict
from tests.catalogue.test_editor import ORG, World, faults_of

CHRISTMAS = {"start": "2026-12-24T00:00:00Z", "end": "2026-12-27T00:00:00Z"}
EASTER = {"start": "2027-03-26T00:00:00Z", "end": "2027-03-30T00:00:00Z"}
SICK = {"start": "2026-12-02T07:30:00+01:00", "end": "2026-12-02T17:00:00+01:00"}


@pytest.fixture
def world() -> World:
    world = World()
    world.desk.create_property(ORG, PropertyCreate(id="prop-101", name="Harbour House", address="Quay 1"))
    made = TechnicianCreate.model_validate({"id": "tech-7", "name": "Bob", "time_off": [CHRISTMAS]})
    world.desk.create_technician(ORG, made)
    world.announced.clear()
    return world


def rename(world: World, name: str, version: int | None = None) -> int:
    return world.desk.patch_property(ORG, "prop-101", PropertyPatch(name=name), version).version


def starts(technician: Any) -> list[str]:
    return [f"{off.start:%m-%d %H:%M}" for off in technician.time_off]


def test_each_change_raises_the_version_by_one(world: World) -> None:
    assert world.desk.get_property(ORG, "prop-101").version == 1
    assert [rename(world, name) for name in "abc"] == [2, 3, 4]
    assert world.desk.get_property(ORG, "prop-101").version == 4


def test_a_change_to_what_is_there_already_is_none(world: World) -> None:
    assert rename(world, "Harbour House") == 1
    assert world.patch_technician(time_off=[CHRISTMAS]).version == 1
    assert world.announced == []


def test_a_document_of_an_earlier_release_counts_as_version_1(world: World) -> None:
    world.db.store["properties"].update_many({}, {"$unset": {"version": 1}})
    assert world.desk.get_property(ORG, "prop-101").version == 1
    assert rename(world, "a", 1) == 2
    assert rename(world, "b", 2) == 3


@pytest.mark.parametrize("stale", [-1, 1, 3])
def test_another_version_than_the_present_one_is_a_conflict(world: World, stale: int) -> None:
    rename(world, "a")
    with pytest.raises(VersionConflict):
        rename(world, "b", stale)
    assert world.desk.get_property(ORG, "prop-101").name == "a"


def test_a_repeat_of_a_change_whose_reply_was_lost_is_no_conflict(world: World) -> None:
    assert [rename(world, "a", 1), rename(world, "a", 1)] == [2, 2]
    with pytest.raises(VersionConflict):
        rename(world, "c", 1)
    rename(world, "b", 2)
    with pytest.raises(VersionConflict):
        rename(world, "a", 1)


def test_a_change_that_another_one_overtakes_is_made_on_top_of_it(world: World) -> None:
    def meanwhile() -> None:
        world.db.after_read = lambda: None
        world.patch_technician(time_off_add=[EASTER])

    world.db.after_read = meanwhile
    changed = world.patch_technician(time_off_add=[SICK])
    assert (starts(changed), changed.version) == (["12-24 00:00", "03-26 00:00", "12-02 06:30"], 3)


def test_an_expected_version_that_is_overtaken_is_a_conflict(world: World) -> None:
    def meanwhile() -> None:
        world.db.after_read = lambda: None
        rename(world, "first")

    world.db.after_read = meanwhile
    with pytest.raises(VersionConflict):
        rename(world, "second", 1)


def test_a_change_gives_up_while_others_keep_changing_the_same(world: World) -> None:
    def always() -> None:
        world.db.store["properties"].update_one({"id": "prop-101"}, {"$inc": {"version": 1}})

    world.db.after_read = always
    with pytest.raises(StoreUnavailable):
        rename(world, "a")


def test_time_off_joins_and_leaves_whatever_else_is_there(world: World) -> None:
    assert starts(world.patch_technician(time_off_add=[SICK, SICK, CHRISTMAS])) == ["12-24 00:00", "12-02 06:30"]
    changed = world.patch_technician(time_off_remove=[CHRISTMAS, EASTER], time_off_add=[EASTER])
    assert starts(changed) == ["12-02 06:30", "03-26 00:00"]
    same_instant = {"start": "2026-12-02T06:30:00.000Z", "end": "2026-12-02T16:00:00Z"}
    assert starts(world.patch_technician(time_off_remove=[same_instant])) == ["03-26 00:00"]
    assert world.desk.get_technician(ORG, "tech-7").version == 4


def test_to_remove_and_to_add_the_same_keeps_it(world: World) -> None:
    assert starts(world.patch_technician(time_off_remove=[CHRISTMAS], time_off_add=[CHRISTMAS])) == ["12-24 00:00"]


def test_time_off_is_given_whole_or_in_steps(world: World) -> None:
    backwards = {"start": EASTER["end"], "end": EASTER["start"]}
    with pytest.raises(InvalidRequest) as refused:
        world.patch_technician(time_off=[], time_off_add=[EASTER, backwards])
    assert faults_of(refused) == [("time_off_add.1.end", "bad_span"), ("time_off", "inconsistent")]
    assert world.patch_technician(time_off=[EASTER], time_off_add=None).version == 2


def test_two_hundred_times_off_are_the_most(world: World) -> None:
    days = [
        {"start": f"2027-{n // 28 + 1:02}-{n % 28 + 1:02}T08:00Z", "end": f"2028-01-01T{n % 24:02}:00Z"}
        for n in range(199)
    ]
    assert len(world.patch_technician(time_off_add=days).time_off) == 200
    with pytest.raises(InvalidRequest) as refused:
        world.patch_technician(time_off_add=[SICK])
    assert faults_of(refused) == [("time_off_add", "too_long")]
    assert len(world.patch_technician(time_off_add=[SICK], time_off_remove=[CHRISTMAS]).time_off) == 200


def test_a_technician_without_time_off_gets_the_first(world: World) -> None:
    world.db.store["technicians"].update_many({}, {"$unset": {"time_off": 1}})
    patch = TechnicianPatch.model_validate({"time_off_add": [SICK]})
    assert starts(world.desk.patch_technician(ORG, "tech-7", patch, 1)) == ["12-02 06:30"]
