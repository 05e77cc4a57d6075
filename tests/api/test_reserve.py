"""POST /reserve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes, refused, visit_at_ten
from tests.world import rfc3339, tomorrow

ALICE = {"name": "Alice", "phone": "+1 555 0100"}


def wanted(town: Town, hour: int = 10, **more: Any) -> dict[str, Any]:
    return town.slot(hour) | {"reserved_by": "Carol of the board"} | more


def reserve(town: Town, hour: int = 10, *, key: str = "desk", **more: Any) -> dict[str, Any]:
    reply = town.call("POST", "/reserve", wanted(town, hour, **more), key=key)
    assert reply.status_code == 201, reply.text
    return body_of(reply)


def test_it_keeps_a_slot_until_it_is_confirmed(town: Town) -> None:
    reply = town.call("POST", "/reserve", wanted(town, customer=ALICE, description="The tap drips."), key="desk")
    body = body_of(reply)
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/bookings/{body['booking_id']}"
    assert reply.headers["ETag"] == '"1"'
    assert body["manage_token"].startswith("hfm_")
    assert [entry["action"] for entry in body["history"]] == ["reserve"]
    made = ("created_at", "updated_at", "reserved_until", "manage_token", "booking_id", "history")
    assert {name: body[name] for name in body if name not in made} == {
        "status": "pending",
        "reserved_by": "Carol of the board",
        **visit_at_ten(),
        "customer": ALICE,
        "description": "The tap drips.",
        "priority": "medium",
        "source": "desk",
        "version": 1,
        "hold_id": None,
    }
    (stored,) = town.world.bookings()
    assert (stored["_id"], stored["active"], len(stored["claims"])) == (body["booking_id"], True, 8)


def test_what_it_answers_is_what_is_read_afterwards(town: Town) -> None:
    made = reserve(town)
    made.pop("manage_token")
    made["customer_id"] = None
    assert body_of(town.call("GET", f"/bookings/{made['booking_id']}", key="desk")) == made
    page = body_of(town.call("GET", "/bookings?status=pending", key="desk"))
    assert page["bookings"] == [made]


@pytest.mark.parametrize("hours", [None, 1, 72])
def test_it_is_kept_for_a_day_or_for_as_long_as_was_asked(town: Town, hours: int | None) -> None:
    body = reserve(town) if hours is None else reserve(town, hours=hours)
    until = datetime.fromisoformat(body["reserved_until"]) - timedelta(hours=hours or 24)
    assert abs(until - datetime.now(UTC)) < timedelta(minutes=1)


def test_without_a_customer_the_person_who_reserved_is_the_customer(town: Town) -> None:
    assert reserve(town, key="admin")["customer"] == {"name": "Carol of the board"}


def test_admission(town: Town) -> None:
    town.check_admission("POST", "/reserve", wanted(town), roles=frozenset({"desk", "admin"}))
    refused(town.call("POST", "/reserve", wanted(town), key=town.book()["manage_token"]), 403, "forbidden")
    assert len(town.world.bookings()) == 1


def test_an_idempotency_key_gives_the_first_answer_again(town: Town) -> None:
    first = town.call("POST", "/reserve", wanted(town), key="desk", Idempotency_Key="r-1")
    path = f"/bookings/{body_of(first)['booking_id']}"
    for change in (None, "confirm", "cancel"):
        if change:
            assert town.call("POST", f"{path}/{change}", key="desk").status_code == 200
        again = town.call("POST", "/reserve", wanted(town), key="desk", Idempotency_Key="r-1")
        assert (again.status_code, body_of(again), again.headers["ETag"]) == (201, body_of(first), '"1"')
        assert again.headers["Idempotency-Replayed"] == "true"
    other = town.call("POST", "/reserve", wanted(town, hours=2), key="desk", Idempotency_Key="r-1")
    refused(other, 422, "idempotency_key_reused")
    firm = town.slot() | {"customer": ALICE}
    refused(town.call("POST", "/book", firm, key="desk", Idempotency_Key="r-1"), 422, "idempotency_key_reused")
    assert len(town.world.bookings()) == 1


def test_it_blocks_like_a_booking(town: Town) -> None:
    reserve(town)
    firm = town.slot(technician_id="tech-2", suggest=1) | {"customer": ALICE}
    for path, body in (("/book", firm), ("/hold", town.slot(suggest=1)), ("/reserve", wanted(town, suggest=1))):
        told = refused(town.call("POST", path, body, key="desk"), 409, "slot_booked")
        assert ("property", "prop-1", "booked") in {
            (each["kind"], each["id"], each["state"]) for each in told["conflicts"]
        }
        assert "Carol" not in str(told)
        assert told["next_available"][0]["start"] == rfc3339(tomorrow(11))
    assert len(town.world.bookings()) == 1


def test_a_held_or_booked_slot_is_not_reserved(town: Town) -> None:
    town.hold(10)
    town.book(12)
    refused(town.call("POST", "/reserve", wanted(town, 10), key="desk"), 409, "slot_held")
    refused(town.call("POST", "/reserve", wanted(town, 12), key="desk"), 409, "slot_booked")
    assert len(town.world.bookings()) == 1


def test_any_technician_and_the_next_slot_work_as_for_bookings(town: Town) -> None:
    reserve(town)
    assert reserve(town, property_id="prop-2", technician_id=None)["technician_id"] == "tech-2"
    found = reserve(town, fallback="next_available")
    assert (found["start"], found["fallback_used"]) == (rfc3339(tomorrow(11)), True)


@pytest.mark.parametrize("hours", [0, 73, -1, 1.5, "24", True])
def test_it_is_for_one_to_seventy_two_whole_hours(town: Town, hours: Any) -> None:
    ((field, _),) = fault_codes(town.call("POST", "/reserve", wanted(town, hours=hours), key="desk"))
    assert field == "hours"
    assert town.world.bookings() == []


def test_every_fault_is_named_at_once(town: Town) -> None:
    body = {
        "start": rfc3339(tomorrow(10, 7)),
        "duration_minutes": 50,
        "hours": 100,
        "customer": {"phone": "call me"},
        "hold_id": "h_1",
        "priority": "urgent",
    }
    assert fault_codes(town.call("POST", "/reserve", body, key="desk", Idempotency_Key="é")) == {
        ("property_id", "missing"),
        ("reserved_by", "missing"),
        ("start", "off_grid"),
        ("duration_minutes", "off_grid"),
        ("hours", "out_of_range"),
        ("customer.name", "missing"),
        ("customer.phone", "bad_phone"),
        ("hold_id", "unknown_field"),
        ("priority", "not_allowed"),
        ("Idempotency-Key", "bad_idempotency_key"),
    }
    past = wanted(town, start=rfc3339(tomorrow() - timedelta(days=3, minutes=7)), reserved_by="")
    assert fault_codes(town.call("POST", "/reserve", past, key="desk")) == {
        ("reserved_by", "too_short"),
        ("start", "off_grid"),
        ("start", "past_start"),
    }


def test_another_orgs_property_is_not_found(town: Town) -> None:
    refused(town.call("POST", "/reserve", wanted(town, property_id="prop-2"), key="rival"), 404, "property_not_found")
