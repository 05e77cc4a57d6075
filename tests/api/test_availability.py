"""GET /availability as clients see it; tests/availability proves that its slots can be held."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

DAY = tomorrow().date().isoformat()


def slots(town: Town, query: str = "", key: str = "checkout") -> dict[str, dict[str, Any]]:
    reply = town.call("GET", f"/availability?property_id=prop-1&from={DAY}{query}", key=key)
    assert reply.status_code == 200, reply.text
    return {slot["start"]: slot for slot in body_of(reply)["slots"]}


def test_it_shows_a_day(town: Town) -> None:
    body = body_of(town.call("GET", f"/availability?property_id=prop-1&from={DAY}&duration_minutes=60"))
    assert (body["timezone"], body["grid_minutes"]) == ("UTC", 15)
    assert {slot["state"] for slot in body["slots"]} <= {"free", "closed"}
    (ten,) = [slot for slot in body["slots"] if slot["start"] == rfc3339(tomorrow(10))]
    assert ten == {
        "start": rfc3339(tomorrow(10)),
        "end": rfc3339(tomorrow(11)),
        "state": "free",
        "technician_ids": ["tech-1", "tech-2", "tech-3"],
    }


def test_held_and_booked_slots_are_shown_as_such(town: Town) -> None:
    town.hold(10)
    town.book(12)
    shown = slots(town, "&duration_minutes=60")
    states = {hour: shown[rfc3339(tomorrow(hour))]["state"] for hour in (8, 10, 12, 14)}
    assert states == {8: "free", 10: "held", 12: "booked", 14: "free"}


def test_no_identity_is_shown(town: Town) -> None:
    made = town.book(12)
    text = town.call("GET", f"/availability?property_id=prop-1&from={DAY}").text
    assert made["booking_id"] not in text
    assert "Alice" not in text


def test_admission(town: Town) -> None:
    town.check_admission("GET", f"/availability?property_id=prop-1&from={DAY}", roles=EVERYBODY)


def test_another_orgs_or_a_missing_property_is_not_found(town: Town) -> None:
    for property_id, key in (("prop-2", "rival"), ("nowhere", "checkout")):
        reply = town.call("GET", f"/availability?property_id={property_id}&from={DAY}", key=key)
        refused(reply, 404, "property_not_found")
    reply = town.call("GET", f"/availability?property_id=prop-1&technician_id=nobody&from={DAY}")
    refused(reply, 404, "technician_not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("property_id=prop-1", "from"),
        (f"from={DAY}", "property_id"),
        ("property_id=prop-1&from=tomorrow", "from"),
        ("property_id=prop-1&from=2026-02-30", "from"),
        (f"property_id=prop-1&from={DAY}&days=0", "days"),
        (f"property_id=prop-1&from={DAY}&days=15", "days"),
        (f"property_id=prop-1&from={DAY}&duration_minutes=20", "duration_minutes"),
        (f"property_id=a%20b&from={DAY}", "property_id"),
        (f"property_id=prop-1&from={DAY}&colour=red", "colour"),
    ],
)
def test_a_wrong_query_is_a_fault(town: Town, query: str, field: str) -> None:
    assert {name for name, _ in fault_codes(town.call("GET", f"/availability?{query}"))} == {field}
