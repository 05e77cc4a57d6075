"""POST /series, and what is done with a series afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

ALICE = {"name": "Alice", "phone": "+1 555 0100"}
WEEKLY = "FREQ=WEEKLY;COUNT=4"


def at(week: int, hour: int = 10) -> str:
    return rfc3339(tomorrow(hour) + timedelta(weeks=week))


def wanted(town: Town, **more: Any) -> dict[str, Any]:
    return town.slot(**{"rrule": WEEKLY, "customer": ALICE} | more)


def ask(town: Town, key: str = "desk", **more: Any) -> Any:
    headers = {"Idempotency_Key": more.pop("again")} if "again" in more else {}
    return town.call("POST", "/series", wanted(town, **more), key=key, **headers)


def book(town: Town, **more: Any) -> dict[str, Any]:
    reply = ask(town, **more)
    assert reply.status_code == 201, reply.text
    return body_of(reply)


def starts(visits: list[dict[str, Any]]) -> list[str]:
    return [visit["start"] for visit in visits]


def test_it_books_every_visit_of_the_rule(town: Town) -> None:
    made = book(town, description="The gutters.", metadata={"crm": "4711"})
    assert starts(made["bookings"]) == [at(week) for week in range(4)]
    for visit in made["bookings"]:
        assert (visit["status"], visit["series_id"], visit["hold_id"]) == ("confirmed", made["series_id"], None)
        assert (visit["description"], visit["metadata"], visit["customer"]) == ("The gutters.", {"crm": "4711"}, ALICE)
        read = body_of(town.call("GET", f"/bookings/{visit['booking_id']}", key="desk"))
        assert read == {**visit, "customer_id": None}
    assert len(town.world.bookings(series_id=made["series_id"], active=True)) == 4


def test_only_some_visits_may_be_wanted(town: Town) -> None:
    assert starts(book(town, only=[at(3), at(1)])["bookings"]) == [at(1), at(3)]


def test_of_a_taken_visit_nothing_is_booked_and_every_such_visit_is_named(town: Town) -> None:
    town.book(10, start=at(1))
    town.hold(10, start=at(3))
    problem = refused(ask(town), 409, "slot_booked")
    hour = timedelta(hours=1)
    assert problem["occurrences"] == [
        {
            "start": at(1),
            "end": rfc3339(tomorrow() + timedelta(weeks=1) + hour),
            "state": "taken",
            "code": "slot_booked",
        },
        {"start": at(3), "end": rfc3339(tomorrow() + timedelta(weeks=3) + hour), "state": "taken", "code": "slot_held"},
    ]
    assert problem["conflicts"][0]["start"] == at(1)
    assert len(town.world.bookings()) == 1
    assert town.call("POST", "/hold", town.slot(start=at(2))).status_code == 201


def test_a_dry_run_says_what_is_free_and_books_nothing(town: Town) -> None:
    town.book(10, start=at(1))
    town.call("PATCH", "/technicians/tech-1", {"working_hours": None}, key="admin")
    reply = ask(town, dry_run=True, customer=None)
    assert reply.status_code == 200
    visits = body_of(reply)["occurrences"]
    assert starts(visits) == [at(week) for week in range(4)]
    assert [visit["state"] for visit in visits] == ["free", "taken", "free", "free"]
    assert [visit["code"] for visit in visits if "code" in visit] == ["slot_booked"]
    assert visits[1]["next_available"] == [{"start": at(1, 11), "end": at(1, 12), "technician_id": "tech-1"}]
    assert len(town.world.bookings()) == 1


def test_another_technician_at_the_same_time_is_offered_first(town: Town) -> None:
    town.book(10, start=at(1), property_id="prop-2")
    (visit,) = body_of(ask(town, dry_run=True, only=[at(1)]))["occurrences"]
    assert visit["next_available"] == [{"start": at(1), "end": at(1, 11), "technician_id": "tech-2"}]


def test_a_visit_beyond_the_horizon_is_closed_unless_staff_lift_that(town: Town) -> None:
    rule = "FREQ=MONTHLY;BYMONTHDAY=28;COUNT=6"
    first = next(day for day in (tomorrow() + timedelta(days=each) for each in range(32)) if day.day == 28)
    asked = {"rrule": rule, "start": rfc3339(first), "dry_run": True}
    visits = body_of(ask(town, **asked))["occurrences"]
    assert visits[0]["state"] == "free"
    assert (visits[-1]["state"], visits[-1]["code"]) == ("closed", "too_far_ahead")
    lifted = body_of(ask(town, **asked, override=["horizon"]))["occurrences"]
    assert {visit["state"] for visit in lifted} == {"free"}
    refused(ask(town, rrule=rule, start=rfc3339(first)), 409, "too_far_ahead")
    made = book(town, rrule=rule, start=rfc3339(first), override=["horizon"])
    assert made["bookings"][0]["history"][0]["changes"]["override"]["to"] == ["horizon"]


def test_a_repeat_gets_the_first_answer(town: Town) -> None:
    made = book(town, again="once")
    town.call("POST", f"/bookings/{made['bookings'][1]['booking_id']}/cancel", key="desk")
    reply = ask(town, again="once")
    assert (reply.status_code, reply.headers["Idempotency-Replayed"]) == (201, "true")
    assert body_of(reply) == made
    refused(ask(town, again="once", description="Another one."), 422, "idempotency_key_reused")


def test_a_repeat_gets_the_first_answer_even_if_redis_has_forgotten_it(town: Town) -> None:
    made = book(town, again="once")
    keys = town.world.services.redis
    keys.delete(*[key for key in keys.scan_iter() if "idem" in key])
    reply = ask(town, again="once")
    assert (reply.status_code, reply.headers["Idempotency-Replayed"]) == (201, "true")
    assert body_of(reply) == made


def test_a_repeated_dry_run_gets_the_first_answer(town: Town) -> None:
    first = body_of(ask(town, dry_run=True, again="look"))
    town.book(10, start=at(1))
    reply = ask(town, dry_run=True, again="look")
    assert (reply.status_code, body_of(reply)) == (200, first)


NEVER = "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2;COUNT=1"
OTHER_DAY = f"FREQ=MONTHLY;BYMONTHDAY={(tomorrow() + timedelta(days=1)).day};COUNT=2"
WHOLE_DAYS = {
    "rrule": "FREQ=DAILY;COUNT=2",
    "duration_minutes": 1440,
    "buffer_after_minutes": 15,
    "override": ["duration"],
}
FAULTY: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "no rule": ({"rrule": "every week"}, {("rrule", "bad_rule")}),
    "without an end": ({"rrule": "FREQ=WEEKLY"}, {("rrule", "bad_rule")}),
    "two ends": ({"rrule": "FREQ=DAILY;COUNT=2;UNTIL=20991231"}, {("rrule", "bad_rule")}),
    "every hour": ({"rrule": "FREQ=HOURLY;COUNT=2"}, {("rrule", "bad_rule")}),
    "hours of its own": ({"rrule": "FREQ=DAILY;BYHOUR=9,15;COUNT=2"}, {("rrule", "bad_rule")}),
    "too many by count": ({"rrule": "FREQ=DAILY;COUNT=105"}, {("rrule", "bad_rule")}),
    "too many by until": ({"rrule": "FREQ=DAILY;UNTIL=20991231"}, {("rrule", "too_long")}),
    "an end before the start": ({"rrule": "FREQ=DAILY;UNTIL=20200101"}, {("rrule", "bad_span")}),
    "a start that it does not name": (
        {"rrule": "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2;COUNT=1"},
        {("rrule", "not_an_occurrence")},
    ),
    "no such visit": ({"only": [at(1), at(7)]}, {("only.1", "not_an_occurrence")}),
    "a visit twice": ({"only": [at(1), at(1)]}, {("only", "repeated")}),
    "no customer": ({"customer": None}, {("body", "missing")}),
    "one over the next": (WHOLE_DAYS, {("duration_minutes", "too_long")}),
    "all at once": (
        {"rrule": "FREQ=DAILY;UNTIL=20991231", "start": rfc3339(tomorrow(10, 7)), "duration_minutes": 50},
        {("start", "off_grid"), ("duration_minutes", "off_grid"), ("rrule", "too_long")},
    ),
}


@pytest.mark.parametrize(("fields", "faults"), FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_request_is_refused_with_all_its_faults(
    town: Town, fields: dict[str, Any], faults: set[tuple[str, str]]
) -> None:
    assert fault_codes(ask(town, **fields)) == faults
    assert town.world.bookings() == []


def test_the_property_and_the_technician_exist(town: Town) -> None:
    refused(ask(town, property_id="prop-9"), 404, "property_not_found")
    refused(ask(town, technician_id="tech-9"), 404, "technician_not_found")
    refused(ask(town, technician_id="tech-9", dry_run=True), 404, "technician_not_found")


def test_it_is_read_by_staff_of_its_org(town: Town) -> None:
    made = book(town)
    path = f"/series/{made['series_id']}"
    read = body_of(town.call("GET", path, key="desk"))
    bookings = [{**visit, "customer_id": None} for visit in made["bookings"]]
    assert read.pop("created_at") == bookings[0]["created_at"]
    assert read == {
        "series_id": made["series_id"],
        "property_id": "prop-1",
        "rrule": WEEKLY,
        "start": at(0),
        "bookings": bookings,
    }
    refused(town.call("GET", path, key="rival"), 404, "not_found")
    refused(town.call("GET", "/series/se_unknown", key="desk"), 404, "not_found")
    page = body_of(town.call("GET", f"/bookings?series_id={made['series_id']}&limit=3", key="bot"))
    assert starts(page["bookings"]) == [at(0), at(1), at(2)]
    more = town.call("GET", f"/bookings?series_id={made['series_id']}&cursor={page['next_cursor']}", key="bot")
    assert starts(body_of(more)["bookings"]) == [at(3)]


def test_the_visits_that_follow_are_cancelled(town: Town) -> None:
    made = book(town)
    path = f"/series/{made['series_id']}/cancel"
    body = body_of(town.call("POST", path, {"from": at(2), "reason": "Sold."}, key="desk"))
    assert (starts(body["cancelled"]), body["left"]) == ([at(2), at(3)], [])
    statuses = [
        visit["status"] for visit in body_of(town.call("GET", path.removesuffix("/cancel"), key="desk"))["bookings"]
    ]
    assert statuses == ["confirmed", "confirmed", "cancelled", "cancelled"]
    assert starts(body_of(town.call("POST", path, key="desk"))["cancelled"]) == [at(0), at(1)]
    assert body_of(town.call("POST", path, key="desk")) == {"cancelled": [], "left": []}
    refused(town.call("POST", path, key="rival"), 404, "not_found")


def test_a_bare_date_is_a_local_date_of_the_property(town: Town) -> None:
    town.call("PATCH", "/properties/prop-1", {"timezone": "Pacific/Auckland"}, key="admin")
    made = book(town, start=at(0, 11), rrule="FREQ=DAILY;COUNT=3")
    path = f"/series/{made['series_id']}/cancel"
    day = (tomorrow(11) + timedelta(days=1, hours=12)).date().isoformat()  # at noon UTC it is the next day there
    assert len(body_of(town.call("POST", path, {"from": day}, key="desk"))["cancelled"]) in (2, 3)


def change(town: Town, made: dict[str, Any], **fields: Any) -> Any:
    return town.call("PATCH", f"/series/{made['series_id']}", fields, key="desk")


def test_the_visits_that_follow_are_changed(town: Town) -> None:
    made = book(town)
    fields = {"from": at(2), "time": "14:30", "technician_id": "tech-2", "duration_minutes": 90, "priority": "high"}
    body = body_of(change(town, made, **fields))
    assert body["left"] == []
    assert body["moves"] == [
        {
            "booking_id": made["bookings"][week]["booking_id"],
            "property_id": "prop-1",
            "start": rfc3339(tomorrow(14, 30) + timedelta(weeks=week)),
            "end": at(week, 16),
            "to_technician_id": "tech-2",
        }
        for week in (2, 3)
    ]
    read = body_of(town.call("GET", f"/series/{made['series_id']}", key="desk"))["bookings"]
    assert [visit["version"] for visit in read] == [1, 1, 2, 2]
    assert [visit["priority"] for visit in read] == ["medium", "medium", "high", "high"]
    assert body_of(change(town, made, **fields)) == body
    assert [each["version"] for each in town.world.bookings(start={"$gte": tomorrow() + timedelta(weeks=2)})] == [2, 2]


def test_a_visit_that_cannot_be_changed_stays_as_it_was(town: Town) -> None:
    made = book(town)
    town.book(14, start=at(1, 14))
    body = body_of(change(town, made, **{"from": at(0), "time": "14:00"}))
    assert starts(body["moves"]) == [at(0, 14), at(2, 14), at(3, 14)]
    (left,) = body["left"]
    assert (left["booking_id"], left["code"]) == (made["bookings"][1]["booking_id"], "slot_booked")
    assert left["detail"].endswith(".")
    read = body_of(town.call("GET", f"/series/{made['series_id']}", key="desk"))["bookings"]
    assert starts(read) == [at(0, 14), at(1), at(2, 14), at(3, 14)]


def test_what_is_wrong_with_a_change_is_refused_and_changes_nothing(town: Town) -> None:
    made = book(town)
    assert fault_codes(change(town, made, time="14:00")) == {("from", "missing")}
    wrong = {"from": at(0), "time": "25:00", "start": at(1)}
    assert fault_codes(change(town, made, **wrong)) == {("time", "bad_clock"), ("start", "unknown_field")}
    assert fault_codes(change(town, made, **{"from": at(0), "time": "09:07"})) == {("start", "off_grid")}
    refused(change(town, made, **{"from": at(0), "technician_id": "tech-9"}), 404, "technician_not_found")
    refused(town.call("PATCH", "/series/se_unknown", {"from": at(0)}, key="desk"), 404, "not_found")
    assert {each["version"] for each in town.world.bookings()} == {1}


def test_one_visit_that_is_moved_stays_in_its_series(town: Town) -> None:
    made = book(town)
    booking_id = made["bookings"][1]["booking_id"]
    moved = town.call("PATCH", f"/bookings/{booking_id}", {"start": at(1, 14)}, key="desk", If_Match='"1"')
    assert body_of(moved)["series_id"] == made["series_id"]
    read = body_of(town.call("GET", f"/series/{made['series_id']}", key="desk"))
    assert starts(read["bookings"]) == [at(0), at(1, 14), at(2), at(3)]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/series"), ("GET", "/series/se_1"), ("POST", "/series/se_1/cancel")]
)
def test_only_the_office_may(town: Town, method: str, path: str) -> None:
    town.check_admission(method, path, roles=frozenset({"desk", "admin"}))
