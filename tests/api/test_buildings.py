"""A visit to a building takes all its units along; a visit to a unit takes the unit alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

FLATS = ("flat-1", "flat-2")
CUSTOMER = {"customer": {"name": "Alice"}}
DAY = tomorrow().date().isoformat()


@pytest.fixture
def building(town: Town) -> Town:
    """prop-1 with two units."""
    for flat in FLATS:
        made = {"id": flat, "name": "Flat", "parent_id": "prop-1"}
        assert town.call("POST", "/properties", made, key="admin").status_code == 201
    return town


def test_a_visit_to_a_building_takes_its_units(building: Town) -> None:
    building.hold(key="desk")
    for flat in FLATS:
        body = refused(
            building.call("POST", "/hold", building.slot(property_id=flat, technician_id="tech-2"), key="desk"),
            409,
            "slot_held",
        )
        assert [(each["kind"], each["id"]) for each in body["conflicts"]] == [("property", flat)]
    building.hold(property_id="prop-2", technician_id="tech-2")


def test_a_visit_to_a_unit_takes_neither_the_building_nor_its_neighbour(building: Town) -> None:
    building.book(property_id="flat-1")
    building.book(property_id="flat-2", technician_id="tech-2")
    body = refused(
        building.call("POST", "/hold", building.slot(technician_id="tech-3"), key="desk"), 409, "slot_booked"
    )
    assert {each["id"] for each in body["conflicts"]} == {*FLATS}


def test_a_booked_building_moves_and_ends_with_its_units(building: Town) -> None:
    booked = building.book(key="desk")
    path = f"/bookings/{booked['booking_id']}"
    moved = building.call("PATCH", path, {"start": rfc3339(tomorrow(14))}, key="desk", If_Match='"1"')
    assert moved.status_code == 200, moved.text
    building.hold(10, property_id="flat-1", technician_id="tech-2")
    flat = building.slot(14, property_id="flat-2", technician_id="tech-2")
    refused(building.call("POST", "/hold", flat, key="desk"), 409, "slot_booked")
    assert building.call("POST", f"{path}/cancel", key="desk").status_code == 200
    assert building.call("POST", "/hold", flat, key="desk").status_code == 201


def test_a_visit_moves_from_a_house_to_the_building_and_back(building: Town) -> None:
    booked = building.book(property_id="prop-2", key="desk")
    path, flat = f"/bookings/{booked['booking_id']}", building.slot(property_id="flat-1", technician_id="tech-2")
    for version, place, status in ((1, "prop-1", 409), (2, "prop-2", 201)):
        moved = building.call("PATCH", path, {"property_id": place}, key="desk", If_Match=f'"{version}"')
        assert moved.status_code == 200, moved.text
        assert building.call("POST", "/hold", flat, key="desk").status_code == status


def test_strangers_cannot_have_a_building(building: Town) -> None:
    held = building.call("POST", "/hold", building.slot())
    refused(held, 403, "forbidden")
    refused(building.call("POST", "/book", building.slot() | CUSTOMER), 403, "forbidden")
    window = {"from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(11))}
    refused(building.call("POST", "/waitlist", {"property_id": "prop-1", **window, **CUSTOMER}), 403, "forbidden")
    building.hold(property_id="flat-1")


def test_a_manage_token_moves_no_visit_of_a_building(building: Town) -> None:
    booked = building.book(key="bot")
    path, token = f"/bookings/{booked['booking_id']}", booked["manage_token"]
    change: dict[str, Any] = {"start": rfc3339(tomorrow(14))}
    refused(building.call("PATCH", path, change, key=token, If_Match='"1"'), 403, "forbidden")
    assert building.call("POST", f"{path}/cancel", key=token).status_code == 200


def test_a_building_is_free_where_all_its_units_are(building: Town) -> None:
    building.hold(property_id="flat-2", technician_id="tech-3", key="desk")
    query = f"/availability?property_id=prop-1&from={DAY}&days=1&step_minutes=60"
    states = {
        key: {each["start"]: each["state"] for each in body_of(building.call("GET", query, key=key))["slots"]}
        for key in ("desk", "checkout")
    }
    assert (states["desk"][rfc3339(tomorrow(10))], states["desk"][rfc3339(tomorrow(12))]) == ("held", "free")
    assert {*states["checkout"].values()} == {"closed"}
    days = f"/availability/days?property_id=prop-1&from={DAY}&days=1"
    counts = {key: body_of(building.call("GET", days, key=key))["days"][0]["free"] for key in ("desk", "checkout")}
    assert counts == {"desk": 96 - 7, "checkout": 0}


def test_a_building_of_too_many_claims_is_a_fault(town: Town) -> None:
    for number in range(60):
        made = {"id": f"flat-{number}", "name": "Flat", "parent_id": "prop-1"}
        assert town.call("POST", "/properties", made, key="admin").status_code == 201
    town.hold(key="desk")
    eight_hours = town.slot(12, duration_minutes=480)
    reply = town.call("POST", "/hold", eight_hours, key="desk")
    # 61 properties and a technician, 32 ticks each, are 1,984 claims.
    assert reply.status_code == 201, reply.text
    assert town.call("POST", "/properties", {"id": "flat-x", "name": "Flat", "parent_id": "prop-2"}, key="admin")
    for number in range(62):
        made = {"id": f"room-{number}", "name": "Room", "parent_id": "prop-3"}
        assert town.call("POST", "/properties", made, key="admin").status_code == 201
    longer = town.slot(1, property_id="prop-3", technician_id="tech-2", duration_minutes=480)
    assert fault_codes(town.call("POST", "/hold", longer, key="desk")) == {("property_id", "too_large")}
