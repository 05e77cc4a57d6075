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


def states_at(town: Town, query: str, key: str, *times: tuple[int, int]) -> list[str]:
    shown = slots(town, query, key)
    return [shown[rfc3339(tomorrow(*time))]["state"] for time in times]


def test_staff_may_leave_a_booking_out(town: Town) -> None:
    made = town.book(11, technician_id="tech-1")
    town.book(14, technician_id="tech-1")
    around = ((10, 15), (11, 0), (11, 45), (14, 0))
    assert states_at(town, "&technician_id=tech-1", "desk", *around) == ["booked"] * 4
    left_out = f"&technician_id=tech-1&except_booking_id={made['booking_id']}"
    for key in ("desk", "admin"):
        assert states_at(town, left_out, key, *around) == ["free", "free", "free", "booked"]
    for key in ("bot", "checkout"):
        reply = town.call("GET", f"/availability?property_id=prop-1&from={DAY}{left_out}", key=key)
        refused(reply, 403, "forbidden")
    for key, booking_id in (("desk", "bk_nothing"), ("rival", made["booking_id"])):
        reply = town.call("GET", f"/availability?property_id=prop-1&from={DAY}&except_booking_id={booking_id}", key=key)
        refused(reply, 404, "booking_not_found")


def test_the_booking_gives_the_lengths_that_are_left_out(town: Town) -> None:
    made = town.book(11, duration_minutes=120)
    town.call("PATCH", "/policy", {"allowed_duration_minutes": [60]}, key="admin")
    shown = slots(town, f"&except_booking_id={made['booking_id']}", "desk")
    assert shown[rfc3339(tomorrow(11))]["end"] == rfc3339(tomorrow(13))
    query = f"/availability?property_id=prop-1&from={DAY}&duration_minutes=120"
    assert fault_codes(town.call("GET", query, key="desk")) == {("duration_minutes", "not_allowed")}


def test_with_a_manage_token_the_own_visit_is_left_out(town: Town) -> None:
    made = town.book(11)
    town.book(14)
    token = made["manage_token"]
    around = ((10, 15), (11, 0), (11, 45), (14, 0))
    for query in ("", f"&except_booking_id={made['booking_id']}"):
        assert states_at(town, f"&technician_id=tech-1{query}", token, *around) == ["free", "free", "free", "booked"]
    moved = {"start": rfc3339(tomorrow(11, 45))}
    assert town.call("PATCH", f"/bookings/{made['booking_id']}", moved, key=token, If_Match='"1"').status_code == 200
    days = town.call("GET", f"/availability/days?property_id=prop-1&from={DAY}&days=1&step_minutes=60", key=token)
    assert body_of(days)["days"][0]["free"] == 23


def test_a_manage_token_asks_for_its_own_property_alone(town: Town) -> None:
    token, other = town.book(11)["manage_token"], town.book(14)["booking_id"]
    for path in ("/availability", "/availability/days"):
        refused(town.call("GET", f"{path}?property_id=prop-2&from={DAY}", key=token), 403, "forbidden")
        query = f"{path}?property_id=prop-1&from={DAY}&except_booking_id={other}"
        refused(town.call("GET", query, key=token), 403, "forbidden")


def test_a_manage_token_that_has_ended_asks_for_nothing(town: Town) -> None:
    made = town.book(11)
    town.call("POST", f"/bookings/{made['booking_id']}/manage-token", key="desk")
    reply = town.call("GET", f"/availability?property_id=prop-1&from={DAY}", key=made["manage_token"])
    refused(reply, 401, "unauthenticated")


def test_a_step_leaves_the_starts_at_its_multiples(town: Town) -> None:
    shown = slots(town, "&step_minutes=90")
    assert list(shown)[:3] == [rfc3339(tomorrow(hour, minute)) for hour, minute in ((0, 0), (1, 30), (3, 0))]
    assert len(shown) == 16
    query = f"/availability?property_id=prop-1&from={DAY}&step_minutes=50"
    assert fault_codes(town.call("GET", query)) == {("step_minutes", "off_grid")}


def test_it_counts_what_is_free_by_day(town: Town) -> None:
    town.book(10)
    reply = town.call("GET", f"/availability/days?property_id=prop-1&from={DAY}&days=2&step_minutes=60")
    assert (reply.status_code, body_of(reply)["timezone"]) == (200, "UTC")
    first, second = body_of(reply)["days"]
    assert first == {"date": DAY, "free": 23, "first": rfc3339(tomorrow(0))}
    assert (second["free"], len(body_of(town.call("GET", DAYS))["days"])) == (24, 31)


DAYS = f"/availability/days?property_id=prop-1&from={DAY}"


@pytest.mark.parametrize("days", [0, 63])
def test_it_counts_at_most_62_days(town: Town, days: int) -> None:
    assert fault_codes(town.call("GET", f"{DAYS}&days={days}")) == {("days", "out_of_range")}


def test_admission_of_counts(town: Town) -> None:
    town.check_admission("GET", DAYS, roles=EVERYBODY)
    refused(town.call("GET", "/availability/days?property_id=prop-2&from=2027-01-01", key="rival"), 404, MISSING)


MISSING = "property_not_found"


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
