"""GET /board: all that a day board shows, at one event of the live feed."""

from __future__ import annotations

from typing import Any

import pytest

from services.claims.keys import org_keys
from tests.api.town import Town, body_of, fault_codes
from tests.world import rfc3339, tomorrow

DAY = f"/board?from={rfc3339(tomorrow(0))}&to={rfc3339(tomorrow(24))}"


def board(town: Town, path: str = DAY) -> dict[str, Any]:
    reply = town.call("GET", path, key="desk")
    assert reply.status_code == 200, reply.text
    return body_of(reply)


def test_admission(town: Town) -> None:
    town.check_admission("GET", DAY, roles=frozenset({"desk", "admin"}))


def test_it_has_the_technicians_and_all_that_lies_in_the_asked_time(town: Town) -> None:
    booked = town.book(10)
    held = town.hold(12)
    found = board(town)
    assert found["timezone"] == "UTC"
    assert [each["id"] for each in found["technicians"]] == ["tech-1", "tech-2", "tech-3"]
    assert [each["booking_id"] for each in found["visits"]] == [booked["booking_id"]]
    assert [each["id"] for each in found["properties"]] == [booked["property_id"]]
    assert [(each["hold_id"], each["ref"]) for each in found["holds"]] == [(held["hold_id"], held["ref"])]
    assert found["visits"][0]["hold_id"] is None
    (listed,) = body_of(town.call("GET", "/bookings", key="desk"))["bookings"]
    assert found["visits"] == [listed]


def test_visits_are_there_by_overlap(town: Town) -> None:
    booked = town.book(10, duration_minutes=120)
    path = f"/board?from={rfc3339(tomorrow(11))}&to={rfc3339(tomorrow(11, 15))}"
    assert [each["booking_id"] for each in board(town, path)["visits"]] == [booked["booking_id"]]
    path = f"/board?from={rfc3339(tomorrow(12))}&to={rfc3339(tomorrow(13))}"
    assert board(town, path)["visits"] == []


def test_its_stream_id_is_older_than_what_follows(town: Town) -> None:
    first = board(town)["stream_id"]
    assert board(town)["stream_id"] == first
    town.hold(10)
    assert board(town)["stream_id"] > first
    redis, names = town.world.services.redis, org_keys(town.world.org)
    assert redis.xrange(names.events, min=first, count=1)[0][0] == first


def test_a_technician_is_closed_outside_of_working_hours_in_time_off_and_on_closed_dates(town: Town) -> None:
    hours = {day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    off = {"start": rfc3339(tomorrow(9)), "end": rfc3339(tomorrow(10))}
    town.call("PATCH", "/technicians/tech-1", {"working_hours": hours, "time_off": [off]}, key="admin")
    town.call("PATCH", "/technicians/tech-2", {"status": "unavailable"}, key="admin")
    first, second, third = board(town)["technicians"]
    spans = [(0, 8), (9, 10), (17, 24)]
    assert first["closed"] == [{"start": rfc3339(tomorrow(a)), "end": rfc3339(tomorrow(b))} for a, b in spans]
    whole = [{"start": rfc3339(tomorrow(0)), "end": rfc3339(tomorrow(24))}]
    assert (second["closed"], third["closed"]) == (whole, [])
    town.call("PATCH", "/policy", {"blackout_dates": [tomorrow().date().isoformat()]}, key="admin")
    assert all(each["closed"] == whole for each in board(town)["technicians"])


def test_a_bare_date_is_one_of_the_org(town: Town) -> None:
    town.call("PATCH", "/policy", {"timezone": "Asia/Tokyo"}, key="admin")
    day = tomorrow().date().isoformat()
    following = tomorrow(24).date().isoformat()
    town.book(14)  # 23:00 in Tokyo
    town.book(15)
    found = board(town, f"/board?from={day}&to={following}")
    assert [each["start"] for each in found["visits"]] == [rfc3339(tomorrow(14))]
    assert found["timezone"] == "Asia/Tokyo"


def test_more_than_one_page_of_visits_and_holds_is_in_one_board(town: Town) -> None:
    starts = [(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]
    for number in (1, 2, 3):
        for hour, minute in starts[:70]:
            slot = town.slot(hour, minute, property_id=f"prop-{number}", technician_id=f"tech-{number}")
            reply = town.call("POST", "/book", slot | {"duration_minutes": 15, "customer": {"name": "A"}}, key="bot")
            assert reply.status_code == 201, reply.text
    assert len(board(town)["visits"]) == 210


@pytest.mark.parametrize(
    "query",
    [
        f"from={rfc3339(tomorrow(10))}&to={rfc3339(tomorrow(10))}",
        f"from={rfc3339(tomorrow(10))}&to={rfc3339(tomorrow(9))}",
        "from=2026-12-01&to=2027-01-02",
    ],
)
def test_no_time_and_too_long_a_time_are_refused(town: Town, query: str) -> None:
    assert fault_codes(town.call("GET", f"/board?{query}", key="desk")) == {("to", "bad_span")}


def test_thirty_one_local_days_are_allowed_where_clocks_go_back(town: Town) -> None:
    town.call("PATCH", "/policy", {"timezone": "Europe/Paris"}, key="admin")
    assert board(town, "/board?from=2027-10-10&to=2027-11-10")["visits"] == []


def test_both_times_are_needed(town: Town) -> None:
    assert fault_codes(town.call("GET", "/board", key="desk")) == {("from", "missing"), ("to", "missing")}


def test_it_names_the_properties_of_what_it_shows_and_who_may_be_sent_where(town: Town) -> None:
    town.call("POST", "/properties", {"id": "house", "name": "The house", "address": "Quay 1"}, key="admin")
    town.call("POST", "/properties", {"id": "flat", "name": "The flat", "parent_id": "house"}, key="admin")
    town.call("PATCH", "/technicians/tech-2", {"areas": ["north"], "skills": ["boiler"]}, key="admin")
    town.book(10, property_id="house")
    found = board(town)
    house = {"id": "house", "name": "The house", "address": "Quay 1", "timezone": "UTC", "has_units": True}
    assert found["properties"] == [house]
    assert [(each["areas"], each["skills"]) for each in found["technicians"]][1] == (["north"], ["boiler"])
