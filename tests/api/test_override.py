"""Rules that staff lift for one visit: at night, on a closed date, too soon, too far ahead, in the past, too long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

WORDS = ["working_hours", "lead_time", "horizon", "past", "duration", "eligibility", "blackout"]
ALICE = {"customer": {"name": "Alice"}}


@pytest.fixture
def strict(town: Town) -> Town:
    """Tech-1 works from 08:00 to 17:00; visits last an hour, and begin at least two days and at most ten days ahead."""
    hours = {day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    closed = (tomorrow() + timedelta(days=5)).date().isoformat()
    policy = {
        "min_lead_minutes": 2880,
        "horizon_days": 10,
        "allowed_duration_minutes": [60],
        "blackout_dates": [closed],
    }
    for path, body in (("/technicians/tech-1", {"working_hours": hours}), ("/policy", policy)):
        assert town.call("PATCH", path, body, key="admin").status_code == 200
    return town


def asked(days: int, hour: int, **fields: Any) -> dict[str, Any]:
    """A slot of tech-1 at an hour so many days after tomorrow."""
    start = rfc3339(tomorrow(hour) + timedelta(days=days))
    return {"property_id": "prop-1", "technician_id": "tech-1", "start": start, **fields}


RULES = [
    ("working_hours", asked(4, 3), "outside_working_hours"),
    ("lead_time", asked(0, 10), "too_soon"),
    ("horizon", asked(30, 10), "too_far_ahead"),
    ("blackout", asked(5, 10), "outside_working_hours"),
]


@pytest.mark.parametrize(("word", "slot", "code"), RULES, ids=[rule[0] for rule in RULES])
@pytest.mark.parametrize("path", ["/hold", "/book", "/reserve"])
def test_a_word_lifts_its_rule_and_no_other(strict: Town, path: str, word: str, slot: Any, code: str) -> None:
    about = {"/hold": {}, "/book": ALICE, "/reserve": {"reserved_by": "Dana"}}[path]
    without = [other for other in WORDS if other != word]
    for override in ([], without):
        problem = refused(strict.call("POST", path, {**slot, **about, "override": override}, key="desk"), 409, code)
        assert f'override: ["{word}"]' in problem["detail"]
    assert strict.call("POST", path, {**slot, **about, "override": [word]}, key="desk").status_code == 201


def test_a_duration_may_be_any_that_fits_the_grid(strict: Town) -> None:
    slot = asked(3, 10, duration_minutes=120)
    refusal = strict.call("POST", "/hold", slot, key="desk")
    assert fault_codes(refusal) == {("duration_minutes", "not_allowed")}
    assert body_of(refusal)["detail"] == "Give duration_minutes as one of 60, or give duration in override."
    reply = strict.call("POST", "/hold", {**slot, "override": ["duration"]}, key="desk")
    assert (reply.status_code, body_of(reply)["duration_minutes"]) == (201, 120)
    off = {**slot, "duration_minutes": 50, "override": ["duration"]}
    assert fault_codes(strict.call("POST", "/hold", off, key="desk")) == {("duration_minutes", "off_grid")}


@pytest.mark.parametrize("key", ["checkout", "bot"])
def test_others_lift_nothing_and_are_not_told_the_words(strict: Town, key: str) -> None:
    slot = asked(4, 3)
    assert fault_codes(strict.call("POST", "/hold", {**slot, "override": ["working_hours"]}, key=key)) == {
        ("override", "not_allowed")
    }
    assert (
        "override" not in refused(strict.call("POST", "/hold", slot, key=key), 409, "outside_working_hours")["detail"]
    )
    assert strict.call("POST", "/hold", {**asked(3, 10), "override": None}, key=key).status_code == 201


def test_no_word_lifts_a_claim(strict: Town) -> None:
    slot = asked(4, 3, override=WORDS)
    assert strict.call("POST", "/hold", slot, key="desk").status_code == 201
    refused(strict.call("POST", "/book", {**slot, **ALICE}, key="admin"), 409, "slot_held")


def test_the_history_names_the_words_and_the_key(strict: Town) -> None:
    hold = body_of(strict.call("POST", "/hold", asked(4, 3, override=["working_hours"]), key="desk"))
    held = body_of(strict.call("POST", "/book", {"hold_id": hold["hold_id"], **ALICE}, key="desk"))
    direct = body_of(strict.call("POST", "/book", {**asked(4, 5, override=["working_hours"]), **ALICE}, key="desk"))
    for booking in (held, direct):
        (entry,) = booking["history"]
        assert entry["action"] == "book"
        assert entry["changes"] == {"override": {"from": None, "to": ["working_hours"]}}
        assert entry["by"] == strict.world.caller("desk").name


def move(town: Town, booking: dict[str, Any], body: dict[str, Any], match: str = "*") -> TestResponse:
    return town.call("PATCH", f"/bookings/{booking['booking_id']}", body, key="desk", If_Match=match)


def test_a_move_takes_words_and_a_repeat_gets_its_answer(strict: Town) -> None:
    made = body_of(strict.call("POST", "/book", {**asked(3, 10), **ALICE}, key="desk"))
    night = {"start": asked(3, 3)["start"]}
    refused(move(strict, made, night), 409, "outside_working_hours")
    moved = move(strict, made, {**night, "override": ["working_hours"]}, '"1"')
    assert moved.status_code == 200
    last = body_of(moved)["history"][-1]
    assert (last["action"], last["changes"]["override"]["to"]) == ("move", ["working_hours"])
    again = move(strict, made, {**night, "override": ["working_hours"]}, '"1"')
    assert body_of(again) == body_of(moved)


def test_a_visit_at_night_may_begin_at_the_next_free_start(strict: Town) -> None:
    slot = asked(4, 3, override=["working_hours"])
    assert strict.call("POST", "/hold", slot, key="desk").status_code == 201
    found = body_of(strict.call("POST", "/hold", {**slot, "fallback": "next_available"}, key="desk"))
    assert found["start"] == asked(4, 4)["start"]


@pytest.mark.parametrize(("year", "code"), [(1971, "bad_time"), (9998, "bad_time")])
def test_the_years_are_bounded(strict: Town, year: int, code: str) -> None:
    slot = {**asked(0, 10), "start": f"{year}-06-01T10:00:00Z", "override": WORDS}
    assert fault_codes(strict.call("POST", "/book", {**slot, **ALICE}, key="desk")) == {("start", code)}


def test_an_unknown_word_is_a_fault(strict: Town) -> None:
    reply = strict.call("POST", "/hold", asked(3, 10, override=["claims"]), key="desk")
    assert fault_codes(reply) == {("override.0", "not_allowed")}


def long_ago(hour: int = 10, **fields: Any) -> dict[str, Any]:
    """A slot of tech-1, twenty days ago."""
    return asked(-21, hour, override=["past"], **fields)


def test_a_visit_that_took_place_is_booked_and_completed(town: Town) -> None:
    slot = {name: value for name, value in long_ago().items() if name != "override"}
    (fault,) = refused(town.call("POST", "/book", {**slot, **ALICE}, key="desk"), 400, "invalid_request")["errors"]
    assert (fault["code"], "past" in fault["message"]) == ("past_start", True)
    made = body_of(town.call("POST", "/book", {**long_ago(), **ALICE}, key="desk"))
    assert (made["status"], made["start"]) == ("confirmed", slot["start"])
    done = town.call("POST", f"/bookings/{made['booking_id']}/complete", key="desk")
    assert body_of(done)["status"] == "completed"
    assert town.world.marks() == {}


def test_two_visits_of_the_past_do_not_meet_though_redis_knows_of_none(town: Town) -> None:
    first = body_of(town.call("POST", "/book", {**long_ago(), **ALICE}, key="desk"))
    assert town.world.marks() == {}
    for path, about in (("/hold", {}), ("/book", ALICE)):
        problem = refused(town.call("POST", path, {**long_ago(), **about}, key="desk"), 409, "slot_booked")
        assert {(each["kind"], each["booking_id"]) for each in problem["conflicts"]} == {
            ("property", first["booking_id"]),
            ("technician", first["booking_id"]),
        }
    other = town.call("POST", "/book", {**long_ago(technician_id=None, property_id="prop-2"), **ALICE}, key="desk")
    assert body_of(other)["technician_id"] == "tech-2"


def test_a_hold_of_the_past_protects_its_slot_and_is_booked(town: Town) -> None:
    hold = body_of(town.call("POST", "/hold", long_ago(), key="desk"))
    refused(town.call("POST", "/book", {**long_ago(), **ALICE}, key="admin"), 409, "slot_held")
    booked = town.call("POST", "/book", {"hold_id": hold["hold_id"], **ALICE}, key="desk")
    assert body_of(booked)["history"][0]["changes"]["override"]["to"] == ["past"]


def test_a_repeat_of_a_visit_of_the_past_gets_its_answer(town: Town) -> None:
    for path, about in (("/hold", {"property_id": "prop-2", "technician_id": "tech-2"}), ("/book", ALICE)):
        body = {**long_ago(), **about}
        first = town.call("POST", path, body, key="desk", Idempotency_Key=f"desk-{path[1:]}")
        if path == "/hold":
            town.call("POST", "/book", {"hold_id": body_of(first)["hold_id"], **ALICE}, key="desk")
        again = town.call("POST", path, body, key="desk", Idempotency_Key=f"desk-{path[1:]}")
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")


def test_a_visit_moves_into_the_past(town: Town) -> None:
    made = town.book(key="desk")
    start = long_ago()["start"]
    assert fault_codes(move(town, made, {"start": start})) == {("start", "past_start")}
    moved = body_of(move(town, made, {"start": start, "override": ["past"]}))
    assert (moved["start"], town.world.marks()) == (start, {})
    refused(
        town.call("POST", "/book", {**long_ago(10, technician_id="tech-2"), **ALICE}, key="desk"), 409, "slot_booked"
    )
    assert body_of(move(town, town.book(12, key="desk"), {"description": "later"}))["version"] == 2


def test_past_lifts_no_other_rule(strict: Town) -> None:
    slot = {**asked(0, 10), "override": ["past"]}
    refused(strict.call("POST", "/hold", slot, key="desk"), 409, "too_soon")
    refused(strict.call("POST", "/hold", asked(-3, 3, override=["past"]), key="desk"), 409, "outside_working_hours")
