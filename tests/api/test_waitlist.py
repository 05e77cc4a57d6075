"""POST /waitlist, GET and DELETE /waitlist/{waitlist_id}."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from models.access import Role
from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused
from tests.bookings.evidence import lapse
from tests.redis_dump import dump
from tests.world import rfc3339, tomorrow

CUSTOMER = {"name": "Alice", "phone": "+45 31 31 31 31"}
KEPT_CUSTOMER = {**CUSTOMER, "phone_e164": "+4531313131"}


def wish(**changed: Any) -> dict[str, Any]:
    """An hour at prop-1 with tech-1, at 10:00 tomorrow; None leaves a field out."""
    fields = {
        "property_id": "prop-1",
        "technician_id": "tech-1",
        "from": rfc3339(tomorrow(10)),
        "to": rfc3339(tomorrow(11)),
        "duration_minutes": 60,
        "customer": CUSTOMER,
        "offer_minutes": 30,
    } | changed
    return {name: value for name, value in fields.items() if value is not None}


def join(town: Town, *, key: str = "bot", **changed: Any) -> dict[str, Any]:
    reply = town.call("POST", "/waitlist", wish(**changed), key=key)
    assert reply.status_code == 201, reply.text
    return body_of(reply)


def read(town: Town, waitlist_id: str, *, key: str = "bot") -> dict[str, Any]:
    reply = town.call("GET", f"/waitlist/{waitlist_id}", key=key)
    assert reply.status_code == 200, reply.text
    return body_of(reply)


def tend(town: Town) -> None:
    town.world.services.offers.round(town.world.org)


def stored(town: Town) -> int:
    return town.world.services.db["waitlist"].count_documents({"org": town.world.org})


def test_hours_of_the_day_are_in_every_reply(town: Town) -> None:
    hours = [["08:00", "12:00"], ["13:00", "23:59"]]
    made = join(town, hours=hours)
    shown = [["08:00", "12:00"], ["13:00", "24:00"]]
    listed = body_of(town.call("GET", "/waitlist", key="desk"))["waitlist"]
    assert [made["hours"], read(town, made["waitlist_id"])["hours"], listed[0]["hours"]] == [shown] * 3
    assert "hours" not in join(town)


@pytest.mark.parametrize(
    ("hours", "fault"),
    [
        ([["22:00", "02:00"]], ("hours.0", "bad_shift")),
        ([["8", "17:00"]], ("hours.0.0", "bad_clock")),
        ([], ("hours", "too_short")),
        ([["08:00"]], ("hours.0", "too_short")),
        ([["12:00", "13:00"]], ("hours", "no_visit_fits")),
    ],
)
def test_hours_that_are_wrong_are_a_fault(town: Town, hours: Any, fault: tuple[str, str]) -> None:
    assert fault_codes(town.call("POST", "/waitlist", wish(hours=hours), key="bot")) == {fault}


def test_it_makes_an_entry(town: Town) -> None:
    reply = town.call("POST", "/waitlist", wish(), key="bot")
    body = body_of(reply)
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/waitlist/{body['waitlist_id']}"
    assert body.pop("waitlist_id").startswith("wl_")
    assert body.pop("created_at").endswith("Z")
    assert body == {
        "status": "waiting",
        "property_id": "prop-1",
        "technician_id": "tech-1",
        "from": rfc3339(tomorrow(10)),
        "to": rfc3339(tomorrow(11)),
        "duration_minutes": 60,
        "offer_minutes": 30,
    }


def test_a_field_that_is_left_out_has_its_default(town: Town) -> None:
    body = join(town, technician_id=None, duration_minutes=None, offer_minutes=None)
    assert (body["technician_id"], body["duration_minutes"], body["offer_minutes"]) == (None, 60, 15)


def test_from_the_waitlist_to_the_booking(town: Town) -> None:
    taken = town.book()
    entry = join(town)
    tend(town)
    assert read(town, entry["waitlist_id"]) == entry
    town.call("POST", f"/bookings/{taken['booking_id']}/cancel", key="desk")
    tend(town)
    offer = read(town, entry["waitlist_id"])
    assert {name: value for name, value in offer.items() if entry.get(name) != value} == {
        "status": "offered",
        "hold_id": offer["hold_id"],
        "start": rfc3339(tomorrow(10)),
        "end": rfc3339(tomorrow(11)),
        "offered_technician_id": "tech-1",
        "expires_at": offer["expires_at"],
    }
    assert body_of(town.call("GET", f"/hold/{offer['hold_id']}", key="bot"))["expires_at"] == offer["expires_at"]
    booked = town.call("POST", "/book", {"hold_id": offer["hold_id"], "customer": CUSTOMER}, key="bot")
    assert booked.status_code == 201
    found = read(town, entry["waitlist_id"])
    assert (found["status"], found["booking_id"]) == ("booked", body_of(booked)["booking_id"])
    refused(town.call("DELETE", f"/waitlist/{entry['waitlist_id']}", key="bot"), 409, "invalid_transition")


def test_an_offer_that_ran_out_is_shown_as_lapsed(town: Town) -> None:
    entry = join(town)
    tend(town)
    lapse(town.world, read(town, entry["waitlist_id"])["hold_id"])
    assert read(town, entry["waitlist_id"])["status"] == "lapsed"


def test_leaving_is_repeatable_and_gives_the_offer_up(town: Town) -> None:
    path = f"/waitlist/{join(town)['waitlist_id']}"
    tend(town)
    for _ in range(2):
        reply = town.call("DELETE", path, key="bot")
        assert (reply.status_code, reply.data) == (204, b"")
        assert body_of(town.call("GET", path, key="bot"))["status"] == "cancelled"
    assert town.world.marks() == {}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_admission_to_an_entry(town: Town, method: str) -> None:
    town.check_admission(method, f"/waitlist/{join(town)['waitlist_id']}", roles=EVERYBODY)


def test_admission_to_the_waitlist(town: Town) -> None:
    town.check_admission("POST", "/waitlist", wish(), roles=EVERYBODY)
    assert stored(town) == 0
    town.book()
    for role in EVERYBODY:
        join(town, key=role)


def test_a_manage_token_opens_no_entry(town: Town) -> None:
    path, token = f"/waitlist/{join(town)['waitlist_id']}", town.book(14)["manage_token"]
    for reply in (
        town.call("POST", "/waitlist", wish(), key=token),
        town.call("GET", path, key=token),
        town.call("DELETE", path, key=token),
    ):
        refused(reply, 403, "forbidden")


def test_only_staff_see_the_customer(town: Town) -> None:
    entry = join(town)
    assert "customer" not in entry
    assert "customer" not in read(town, entry["waitlist_id"])
    for role in ("desk", "admin"):
        assert read(town, entry["waitlist_id"], key=role)["customer"] == KEPT_CUSTOMER
    assert join(town, key="desk")["customer"] == KEPT_CUSTOMER


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_keys_entry_is_forbidden_and_another_orgs_not_found(town: Town, method: str) -> None:
    path = f"/waitlist/{join(town)['waitlist_id']}"
    access = town.world.services.access
    for key in ("checkout", access.create_key(town.world.org, Role.BOT).key):
        refused(town.call(method, path, key=key), 403, "forbidden")
    refused(town.call(method, path, key="rival"), 404, "not_found")
    assert body_of(town.call("GET", path, key="bot"))["status"] == "waiting"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_missing_entry_is_not_found(town: Town, method: str) -> None:
    problem = refused(town.call(method, "/waitlist/wl_nobody"), 404, "not_found")
    assert problem["detail"] == "There is no such waitlist entry."
    assert fault_codes(town.call(method, "/waitlist/a%20b")) == {("waitlist_id", "bad_id")}


def test_a_missing_property_or_technician_is_not_found(town: Town) -> None:
    refused(town.call("POST", "/waitlist", wish(property_id="prop-9")), 404, "property_not_found")
    refused(town.call("POST", "/waitlist", wish(technician_id="tech-9")), 404, "technician_not_found")
    refused(town.call("POST", "/waitlist", wish(technician_id="tech-2"), key="rival"), 404, "technician_not_found")
    assert stored(town) == 0


BAD: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    (
        {"property_id": "a b", "technician_id": "", "from": "2026-12-05T10:00:00", "to": 5, "holder": "x"},
        {
            ("property_id", "bad_id"),
            ("technician_id", "bad_id"),
            ("from", "naive_time"),
            ("to", "bad_time"),
            ("holder", "unknown_field"),
        },
    ),
    (
        {"duration_minutes": 50, "offer_minutes": 1441, "customer": {"name": ""}},
        {("duration_minutes", "off_grid"), ("offer_minutes", "out_of_range"), ("customer.name", "too_short")},
    ),
    (
        {"property_id": None, "customer": None, "from": None, "to": None, "duration_minutes": 495},
        {
            ("property_id", "missing"),
            ("customer", "missing"),
            ("from", "missing"),
            ("to", "missing"),
            ("duration_minutes", "too_long"),
        },
    ),
    ({"to": rfc3339(tomorrow(10)), "duration_minutes": 50}, {("to", "bad_span"), ("duration_minutes", "off_grid")}),
    (
        {"to": rfc3339(tomorrow(11) + timedelta(days=62)), "duration_minutes": 50, "why": 1},
        {("to", "too_long"), ("duration_minutes", "off_grid"), ("why", "unknown_field")},
    ),
    ({"to": rfc3339(tomorrow(10, 45))}, {("to", "no_visit_fits")}),
    ({"from": "9999-12-31T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, {("to", "too_far_ahead")}),
    ({"to": "9999-12-31T23:59:59Z"}, {("to", "too_far_ahead"), ("to", "too_long")}),
    (
        {"from": rfc3339(tomorrow(8) + timedelta(days=152)), "to": rfc3339(tomorrow(8) + timedelta(days=153))},
        {("to", "too_far_ahead")},
    ),
    ({"from": "0001-01-01T00:00:00Z"}, {("to", "too_long")}),
    ({"from": "0001-01-01T00:00:00Z", "to": "0001-02-01T00:00:00Z"}, {("to", "window_over")}),
    ({"offer_minutes": 1441}, {("offer_minutes", "out_of_range")}),
    ({"from": None, "duration_minutes": 50}, {("from", "missing"), ("duration_minutes", "off_grid")}),
    (
        {"from": rfc3339(tomorrow(8) - timedelta(days=9)), "to": rfc3339(tomorrow(8) - timedelta(days=8))},
        {("to", "window_over")},
    ),
]


@pytest.mark.parametrize(("changed", "faults"), BAD)
def test_every_fault_is_named_at_once(town: Town, changed: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    assert fault_codes(town.call("POST", "/waitlist", wish(**changed))) == faults
    assert stored(town) == 0


def test_from_is_the_only_name_of_that_field(town: Town) -> None:
    body = wish() | {"from_": rfc3339(tomorrow(9))}
    assert fault_codes(town.call("POST", "/waitlist", body)) == {("from_", "unknown_field")}


def test_an_idempotency_key_makes_one_entry(town: Town) -> None:
    def send(**changed: Any) -> TestResponse:
        return town.call("POST", "/waitlist", wish(**changed), key="bot", Idempotency_Key="w-1")

    first, again = send(), send()
    assert (again.status_code, body_of(again)) == (201, body_of(first))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    refused(send(offer_minutes=20), 422, "idempotency_key_reused")
    assert stored(town) == 1


def test_a_repeat_is_the_first_answer_whatever_has_changed_since(town: Town) -> None:
    def send(**changed: Any) -> TestResponse:
        return town.call("POST", "/waitlist", wish(**changed), key="desk", Idempotency_Key="w-1")

    first = send()
    tend(town)
    town.call("PATCH", "/policy", {"max_duration_minutes": 30, "default_duration_minutes": 30}, key="admin")
    again = send()
    assert (again.status_code, body_of(again)) == (201, body_of(first))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    refused(send(duration_minutes=45), 422, "idempotency_key_reused")
    assert stored(town) == 1


def test_the_answer_to_a_keyed_request_leaves_nothing_of_the_customer_in_redis(town: Town) -> None:
    reply = town.call("POST", "/waitlist", wish(), key="desk", Idempotency_Key="w-1")
    assert body_of(reply)["customer"] == KEPT_CUSTOMER
    held = str(dump(town.world.services.redis, town.world.org))
    assert "Alice" not in held
    assert "31 31 31" not in held
