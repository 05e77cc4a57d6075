"""What a stranger may not choose: travel, long visits and the highest priority. Staff and bots may choose more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes
from tests.world import name_of, rfc3339, tomorrow

LONG = {"duration_minutes": 255, "buffer_before_minutes": 1440, "buffer_after_minutes": 1425}
REFUSED = {
    ("duration_minutes", "too_long"),
    ("buffer_before_minutes", "not_allowed"),
    ("buffer_after_minutes", "not_allowed"),
}
ALICE = {"name": "Alice"}


@pytest.fixture
def strict(town: Town) -> Town:
    """A town whose policy has travel of half an hour after a visit."""
    assert town.call("PATCH", "/policy", {"buffer_after_minutes": 30}, key="admin").status_code == 200
    return town


def test_a_hold_with_the_public_key_has_the_policys_travel(strict: Town) -> None:
    assert fault_codes(strict.call("POST", "/hold", strict.slot(**LONG))) == REFUSED
    assert strict.world.marks() == {}
    assert strict.hold(8)["buffer_after_minutes"] == 30
    assert strict.hold(12, buffer_before_minutes=0, buffer_after_minutes=30)["buffer_after_minutes"] == 30
    assert fault_codes(strict.call("POST", "/hold", strict.slot(16, buffer_after_minutes=0))) == {
        ("buffer_after_minutes", "not_allowed")
    }


def test_every_fault_of_a_hold_is_named_at_once(strict: Town) -> None:
    wrong = strict.slot(**LONG, holder="short", ttl_seconds=9000, colour="red")
    expected = {("holder", "too_short"), ("ttl_seconds", "too_long"), ("colour", "unknown_field")}
    assert fault_codes(strict.call("POST", "/hold", wrong)) == REFUSED | expected


def test_the_bot_adds_to_the_travel_and_the_desk_takes_away_from_it(strict: Town) -> None:
    assert strict.hold(8, key="bot", buffer_after_minutes=45)["buffer_after_minutes"] == 45
    assert strict.hold(12, key="desk", buffer_after_minutes=0, duration_minutes=480)["buffer_after_minutes"] == 0
    wrong = {"buffer_before_minutes": 135, "buffer_after_minutes": 15}
    assert fault_codes(strict.call("POST", "/book", strict.slot(**wrong) | {"customer": ALICE}, key="bot")) == {
        ("buffer_before_minutes", "too_long"),
        ("buffer_after_minutes", "out_of_range"),
    }
    reserve = strict.slot(16, buffer_before_minutes=135) | {"reserved_by": "Dr. Who"}
    assert fault_codes(strict.call("POST", "/reserve", reserve, key="desk")) == {("buffer_before_minutes", "too_long")}


@pytest.mark.parametrize("place", ["/waitlist", "/availability"])
def test_a_stranger_asks_for_no_longer_visit_than_it_could_hold(strict: Town, place: str) -> None:
    for key, allowed in (("checkout", False), ("bot", True)):
        reply = _asked(strict, place, key, duration_minutes=255)
        assert reply.status_code in ((200, 201) if allowed else (400,)), reply.text
        assert allowed or fault_codes(reply) == {("duration_minutes", "too_long")}


def test_availability_with_the_public_key_shows_the_policys_travel(strict: Town) -> None:
    assert fault_codes(_asked(strict, "/availability", "checkout", **LONG)) == REFUSED
    assert _asked(strict, "/availability", "checkout", buffer_after_minutes=30).status_code == 200
    assert _asked(strict, "/availability", "desk", buffer_after_minutes=0).status_code == 200


def test_a_manage_token_moves_a_visit_by_the_same_rules(strict: Town) -> None:
    made = strict.book(10)
    token, path = made["manage_token"], f"/bookings/{made['booking_id']}"
    assert fault_codes(strict.call("PATCH", path, LONG, key=token, If_Match='"1"')) == REFUSED
    change = {"start": rfc3339(tomorrow(14)), "duration_minutes": 240, "buffer_after_minutes": 30}
    assert strict.call("PATCH", path, change, key=token, If_Match='"1"').status_code == 200


@pytest.mark.parametrize("name", ["buffer_before_minutes", "buffer_after_minutes"])
def test_another_buffer_alone_is_refused_to_a_manage_token_and_changes_nothing(strict: Town, name: str) -> None:
    made = strict.book(10)
    path, before = f"/bookings/{made['booking_id']}", strict.world.bookings()
    for minutes in (15, 45):
        reply = strict.call("PATCH", path, {name: minutes}, key=made["manage_token"], If_Match='"1"')
        assert fault_codes(reply) == {(name, "not_allowed")}
    assert strict.world.bookings() == before
    same = strict.call("PATCH", path, {name: made[name]}, key=made["manage_token"], If_Match='"1"')
    assert same.status_code == 200, same.text
    assert strict.call("PATCH", path, {name: 45}, key="desk", If_Match="*").status_code == 200


def test_a_manage_token_keeps_what_the_desk_has_given_to_the_visit(strict: Town) -> None:
    made = strict.book(10, key="desk", duration_minutes=480, buffer_before_minutes=60, buffer_after_minutes=0)
    kept = {name: made[name] for name in ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes")}
    path = f"/bookings/{made['booking_id']}"
    change = kept | {"start": rfc3339(tomorrow(12))}
    moved = strict.call("PATCH", path, change, key=made["manage_token"], If_Match='"1"')
    assert moved.status_code == 200, moved.text
    assert {name: body_of(moved)[name] for name in kept} == kept


def test_a_hold_that_ran_out_is_booked_as_it_was_under_a_stricter_policy(strict: Town) -> None:
    held = strict.hold(10, duration_minutes=240, ttl_seconds=1)
    strict.world.services.redis.hset(strict.world.names.hold(name_of(held["hold_id"])), "expires_ms", 1)
    strict.world.services.redis.delete(*strict.world.claim_keys())
    stricter = {"buffer_after_minutes": 0, "public_max_duration_minutes": 60}
    assert strict.call("PATCH", "/policy", stricter, key="admin").status_code == 200
    body = {"hold_id": held["hold_id"], "customer": ALICE, "if_expired": "book_if_free"}
    booked = strict.call("POST", "/book", body)
    assert booked.status_code == 201, booked.text
    assert (body_of(booked)["duration_minutes"], body_of(booked)["buffer_after_minutes"]) == (240, 30)


def test_an_emergency_is_not_for_a_stranger_to_declare(strict: Town) -> None:
    held = strict.hold(10)
    body = {"hold_id": held["hold_id"], "customer": ALICE, "priority": "emergency"}
    assert fault_codes(strict.call("POST", "/book", body)) == {("priority", "not_allowed")}
    assert fault_codes(strict.call("POST", "/book", body | {"customer": {}, "colour": "red"})) == {
        ("priority", "not_allowed"),
        ("customer.name", "missing"),
        ("colour", "unknown_field"),
    }
    assert strict.world.bookings() == []
    assert strict.call("POST", "/book", body | {"priority": "high"}).status_code == 201
    assert strict.book(14)["priority"] == "medium"
    direct = strict.slot(16) | {"customer": ALICE, "priority": "emergency"}
    assert strict.call("POST", "/book", direct, key="bot").status_code == 201


def _asked(town: Town, place: str, key: str, **lengths: int) -> Any:
    if place == "/availability":
        query = "".join(f"&{name}={value}" for name, value in lengths.items())
        return town.call("GET", f"/availability?property_id=prop-1&from={tomorrow().date()}{query}", key=key)
    window = {"from": rfc3339(tomorrow(8)), "to": rfc3339(tomorrow(18))}
    return town.call("POST", "/waitlist", {"property_id": "prop-1", **window, "customer": ALICE, **lengths}, key=key)
