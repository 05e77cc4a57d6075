"""Areas and skills, and the units of a building, as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes, refused

FLAT = {"id": "flat-1", "name": "Flat 1", "parent_id": "prop-1"}
IN_USE = "in_use"


def property_of(town: Town, plain_id: str, key: str = "desk") -> dict[str, Any]:
    return body_of(town.call("GET", f"/properties/{plain_id}", key=key))


def change(town: Town, plain_id: str, **fields: Any) -> Any:
    return town.call("PATCH", f"/properties/{plain_id}", fields, key="admin")


@pytest.fixture
def building(town: Town) -> Town:
    """prop-1 with one unit."""
    assert town.call("POST", "/properties", FLAT, key="admin").status_code == 201
    return town


def test_areas_and_skills_are_kept_without_repeats(town: Town) -> None:
    made = {"id": "tech-9", "name": "Nina", "areas": ["north", "south", "north"], "skills": ["heating"]}
    body = body_of(town.call("POST", "/technicians", made, key="admin"))
    assert (body["areas"], body["skills"]) == (["north", "south"], ["heating"])
    changed = body_of(town.call("PATCH", "/technicians/tech-9", {"areas": [], "skills": None}, key="admin"))
    assert (changed["areas"], changed["skills"], changed["version"]) == ([], ["heating"], 2)
    assert property_of(town, "prop-1")["area"] is None
    assert body_of(change(town, "prop-1", area="north"))["area"] == "north"
    assert body_of(change(town, "prop-1", area=None))["area"] is None


@pytest.mark.parametrize("name", ["areas", "skills"])
def test_wrong_areas_and_skills_are_faults(town: Town, name: str) -> None:
    reply = town.call("PATCH", "/technicians/tech-1", {name: ["ok", "a b"]}, key="admin")
    assert fault_codes(reply) == {(f"{name}.1", "bad_id")}
    reply = town.call("PATCH", "/technicians/tech-1", {name: [f"a{n}" for n in range(51)]}, key="admin")
    assert fault_codes(reply) == {(name, "too_long")}


def test_the_publishable_key_sees_the_parent_but_neither_areas_nor_skills(building: Town) -> None:
    change(building, "flat-1", area="north")
    building.call("PATCH", "/technicians/tech-1", {"areas": ["north"], "skills": ["heating"]}, key="admin")
    shown = property_of(building, "flat-1", "checkout")
    assert (shown["parent_id"], "area" in shown) == ("prop-1", False)
    assert body_of(building.call("GET", "/technicians/tech-1")).keys() == {"id", "name"}


def test_the_desk_changes_neither_areas_nor_the_building(town: Town) -> None:
    for path, body in (("technicians/tech-1", {"areas": ["north"]}), ("properties/prop-2", {"parent_id": "prop-1"})):
        refused(town.call("PATCH", f"/{path}", body, key="desk"), 403, "forbidden")


def test_a_unit_is_made_and_its_building_gets_a_new_version(town: Town) -> None:
    change(town, "prop-1", timezone="Europe/Paris")
    made = town.call("POST", "/properties", FLAT, key="admin")
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert (body_of(made)["timezone"], body_of(made)["status"]) == ("Europe/Paris", "available")
    assert property_of(town, "flat-1") == body_of(made)
    assert property_of(town, "prop-1")["version"] == 3


def test_a_unit_that_is_to_be_unavailable_is(town: Town) -> None:
    assert body_of(town.call("POST", "/properties", {**FLAT, "status": "unavailable"}, key="admin"))["status"] == (
        "unavailable"
    )


@pytest.mark.parametrize("wrong", ["nowhere", "flat-1", "flat-2"])
def test_a_parent_is_another_property_that_is_no_unit(building: Town, wrong: str) -> None:
    new = {"id": "flat-2", "name": "Flat 2", "parent_id": wrong}
    assert fault_codes(building.call("POST", "/properties", new, key="admin")) == {("parent_id", "bad_parent")}
    assert building.call("GET", "/properties/flat-2").status_code == 404
    assert fault_codes(change(building, "prop-2", parent_id="flat-1")) == {("parent_id", "bad_parent")}
    assert fault_codes(change(building, "prop-2", parent_id="prop-2")) == {("parent_id", "bad_parent")}
    assert (property_of(building, "prop-2")["parent_id"], property_of(building, "prop-1")["version"]) == (None, 2)


def test_another_orgs_property_is_no_building(town: Town) -> None:
    refused(town.call("POST", "/properties", {**FLAT, "parent_id": "prop-2"}, key="rival"), 400, "invalid_request")


def test_a_property_with_units_becomes_no_unit(building: Town) -> None:
    assert fault_codes(change(building, "prop-1", parent_id="prop-2")) == {("parent_id", "has_units")}
    assert property_of(building, "prop-1")["parent_id"] is None


def test_a_unit_has_the_timezone_of_its_building(building: Town) -> None:
    wrong = {"timezone": "Europe/Paris"}
    other = {**FLAT, "id": "flat-2", **wrong}
    for reply in (building.call("POST", "/properties", other, key="admin"), change(building, "flat-1", **wrong)):
        assert fault_codes(reply) == {("timezone", "inconsistent")}
    assert change(building, "flat-1", timezone="UTC").status_code == 200
    assert body_of(change(building, "prop-1", **wrong))["timezone"] == "Europe/Paris"
    assert property_of(building, "flat-1")["timezone"] == "Europe/Paris"
    assert body_of(change(building, "prop-2", parent_id="prop-1"))["timezone"] == "Europe/Paris"


def test_a_unit_joins_leaves_and_changes_its_building(building: Town) -> None:
    assert body_of(change(building, "prop-2", parent_id="prop-1"))["parent_id"] == "prop-1"
    assert body_of(change(building, "prop-2", parent_id="prop-3"))["parent_id"] == "prop-3"
    left = change(building, "prop-2", parent_id=None, name="House")
    assert (body_of(left)["parent_id"], body_of(left)["name"]) == (None, "House")


def test_a_unit_is_unavailable_when_the_building_is(building: Town) -> None:
    slot = building.slot(property_id="flat-1")
    change(building, "prop-1", status="unavailable")
    refused(building.call("POST", "/hold", slot, key="desk"), 409, "property_unavailable")
    change(building, "prop-1", status="available")
    building.hold(property_id="flat-1")


@pytest.mark.parametrize("taken", ["hold", "visit"])
def test_the_units_stay_while_something_lies_ahead_of_the_building(building: Town, taken: str) -> None:
    (building.hold if taken == "hold" else building.book)(key="desk")
    refused(building.call("POST", "/properties", {**FLAT, "id": "flat-2"}, key="admin"), 409, IN_USE)
    for plain_id, parent in (("prop-2", "prop-1"), ("flat-1", None), ("flat-1", "prop-2")):
        refused(change(building, plain_id, parent_id=parent), 409, IN_USE)
    refused(building.call("DELETE", "/properties/flat-1", key="admin"), 409, IN_USE)
    assert building.call("GET", "/properties/flat-2").status_code == 404
    assert (property_of(building, "flat-1")["parent_id"], property_of(building, "prop-2")["version"]) == ("prop-1", 1)
    assert property_of(building, "prop-1")["version"] == 2
    assert change(building, "flat-1", name="Still a flat").status_code == 200


def test_a_unit_with_a_visit_ahead_keeps_its_building_and_others_may_join(building: Town) -> None:
    building.book(property_id="flat-1")
    refused(change(building, "flat-1", parent_id=None), 409, IN_USE)
    refused(building.call("DELETE", "/properties/flat-1", key="admin"), 409, IN_USE)
    assert change(building, "prop-2", parent_id="prop-1").status_code == 200
    assert building.call("POST", "/properties", {**FLAT, "id": "flat-2"}, key="admin").status_code == 201


def test_a_property_with_a_visit_ahead_may_become_a_unit(town: Town) -> None:
    town.book(property_id="prop-2")
    assert change(town, "prop-2", parent_id="prop-1").status_code == 200


def test_a_building_with_units_is_not_removed(building: Town) -> None:
    assert "units" in refused(building.call("DELETE", "/properties/prop-1", key="admin"), 409, IN_USE)["detail"]
    assert property_of(building, "prop-1")["status"] == "available"
    assert building.call("DELETE", "/properties/flat-1", key="admin").status_code == 204
    assert building.call("DELETE", "/properties/prop-1", key="admin").status_code == 204


def test_a_stale_version_changes_no_building(building: Town) -> None:
    reply = building.call("PATCH", "/properties/prop-2", {"parent_id": "prop-1"}, key="admin", If_Match='"7"')
    refused(reply, 412, "version_conflict")
    assert property_of(building, "prop-2")["parent_id"] is None
