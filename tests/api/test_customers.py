"""POST /bookings/{booking_id}/erase, POST /customers/erase and POST /customers/export.

What is erased and exported stands in tests/customers.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes, refused
from tests.redis_dump import dump

ADMIN = frozenset({"admin"})
ALICE = {"name": "Alice", "phone": "+1 555 0100", "email": "alice@example.com"}
BY_PHONE = {"phone": "1-555-0100"}


def booked(town: Town, hour: int = 10) -> dict[str, Any]:
    reply = town.call("POST", "/book", town.slot(hour) | {"customer": ALICE, "description": "Ask Alice."}, key="bot")
    return body_of(reply)


def test_an_admin_erases_one_booking(town: Town) -> None:
    made, other = booked(town), booked(town, 12)
    path = f"/bookings/{made['booking_id']}"
    reply = town.call("POST", f"{path}/erase", key="admin")
    assert (reply.status_code, body_of(reply)) == (200, {"bookings": 1, "waitlist": 0, "customers": 0, "messages": 0})
    seen = town.call("GET", path, key="admin")
    assert "Alice" not in seen.text
    assert body_of(seen)["customer"] == {"name": "Erased"}
    refused(town.call("GET", path, key=made["manage_token"]), 401, "unauthenticated")
    assert body_of(town.call("GET", f"/bookings/{other['booking_id']}", key="admin"))["customer"] == ALICE
    assert body_of(town.call("POST", f"{path}/erase", key="admin")) == {
        "bookings": 0,
        "waitlist": 0,
        "customers": 0,
        "messages": 0,
    }


@pytest.mark.parametrize("person", [BY_PHONE, {"email": "ALICE@example.com"}])
def test_an_admin_erases_a_person(town: Town, person: dict[str, str]) -> None:
    booked(town), booked(town, 12)
    reply = town.call("POST", "/customers/erase", person, key="admin")
    assert (reply.status_code, body_of(reply)) == (200, {"bookings": 2, "waitlist": 0, "customers": 0, "messages": 0})
    listed = town.call("GET", "/bookings", key="admin")
    assert len(body_of(listed)["bookings"]) == 2
    assert "Alice" not in listed.text
    assert body_of(town.call("POST", "/customers/erase", person, key="admin")) == {
        "bookings": 0,
        "waitlist": 0,
        "customers": 0,
        "messages": 0,
    }


def test_an_admin_exports_a_person(town: Town) -> None:
    made = [booked(town), booked(town, 12)]
    town.call("PATCH", f"/bookings/{made[0]['booking_id']}", {"description": "x"}, key="desk", If_Match="*")
    reply = town.call("POST", "/customers/export", BY_PHONE, key="admin")
    held = body_of(reply)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-store")
    assert [each["booking_id"] for each in held["bookings"]] == [each["booking_id"] for each in made]
    assert [each["customer"] for each in held["bookings"]] == [ALICE, ALICE]
    assert held["bookings"][0]["history"][-1]["changes"]["description"] == {"from": "Ask Alice.", "to": "x"}
    assert held["waitlist"] == held["customers"] == held["messages"] == []


def test_a_repeated_export_is_made_anew_and_kept_nowhere(town: Town) -> None:
    booked(town)
    replies = [town.call("POST", "/customers/export", BY_PHONE, key="admin", Idempotency_Key="e") for _ in range(2)]
    assert body_of(replies[0]) == body_of(replies[1])
    assert replies[1].headers["Idempotency-Replayed"] == "true"
    kept = repr(dump(town.world.services.redis, town.world.org))
    assert not [marker for marker in ("Alice", "alice@", "555 0100", "5550100") if marker in kept]


@pytest.mark.parametrize("path", ["/bookings/{}/erase", "/customers/erase", "/customers/export"])
def test_admission(town: Town, path: str) -> None:
    made = booked(town)
    body = BY_PHONE if path.startswith("/customers") else None
    # GET and PATCH take the last part of the path for the id of a customer.
    elsewhere = frozenset({"GET", "HEAD", "PATCH"}) if path.startswith("/customers") else frozenset()
    town.check_admission("POST", path.format(made["booking_id"]), body, roles=ADMIN, elsewhere=elsewhere)
    refused(town.call("POST", path.format(made["booking_id"]), body, key=made["manage_token"]), 403, "forbidden")
    assert body_of(town.call("GET", f"/bookings/{made['booking_id']}", key="bot"))["customer"] == ALICE


def test_another_org_finds_nothing(town: Town) -> None:
    made = booked(town)
    refused(town.call("POST", f"/bookings/{made['booking_id']}/erase", key="rival"), 404, "booking_not_found")
    refused(town.call("POST", "/bookings/bk_none/erase", key="admin"), 404, "booking_not_found")
    assert body_of(town.call("POST", "/customers/erase", BY_PHONE, key="rival")) == {
        "bookings": 0,
        "waitlist": 0,
        "customers": 0,
        "messages": 0,
    }
    assert body_of(town.call("POST", "/customers/export", BY_PHONE, key="rival")) == {
        "bookings": [],
        "waitlist": [],
        "customers": [],
        "messages": [],
    }


@pytest.mark.parametrize("path", ["/customers/erase", "/customers/export"])
@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {("body", "missing")}),
        ({"phone": None}, {("body", "missing")}),
        ({"phone": "1555", "email": "a@example.com"}, {("body", "conflicting")}),
        ({"phone": "+1"}, {("phone", "bad_phone")}),
        ({"phone": "---"}, {("phone", "bad_phone")}),
        ({"email": "alice"}, {("email", "bad_email")}),
        ({"name": "Alice"}, {("name", "unknown_field")}),
    ],
)
def test_a_person_is_named_by_phone_or_address(
    town: Town, path: str, body: dict[str, Any], faults: set[tuple[str, str]]
) -> None:
    booked(town)
    assert fault_codes(town.call("POST", path, body, key="admin")) == faults
    assert "Erased" not in repr(town.world.bookings())


def test_a_repeat_after_an_erasure_shows_nothing_of_the_person(town: Town) -> None:
    """Repeats are answered from what is kept: of Redis, of the booking and of the waitlist entry."""
    body = {"customer": ALICE, "description": "Ask Alice."}
    window = {"from": town.slot(18)["start"], "to": town.slot(20)["start"]}
    held = town.hold(15, holder=None)["hold_id"]
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("/book", town.slot(10) | body, "bot"),
        ("/book", {"hold_id": held} | body, "checkout"),
        ("/reserve", town.slot(12) | body | {"reserved_by": "Alice"}, "desk"),
        ("/waitlist", {"property_id": "prop-1", "customer": ALICE} | window, "desk"),
    ]

    def send(path: str, sent: dict[str, Any] | None, key: str) -> Any:
        return town.call("POST", path, sent, key=key, Idempotency_Key=f"once {path} of {key}")

    made = [body_of(send(*each)) for each in asked]
    assert all("Alice" in repr(each) for each in made)
    acts: list[tuple[str, Any, str]] = [
        (f"/bookings/{made[0]['booking_id']}/cancel", {"reason": "Alice."}, "desk"),
        (f"/bookings/{made[2]['booking_id']}/confirm", None, "desk"),
    ]
    for act in acts:
        assert send(*act).status_code == 200
    assert body_of(town.call("POST", "/customers/erase", BY_PHONE, key="admin")) == {
        "bookings": 3,
        "waitlist": 1,
        "customers": 0,
        "messages": 0,
    }
    for path, sent, key in [*asked, *acts]:
        again = send(path, sent, key)
        assert again.status_code in (200, 201), (path, again.text)
        assert not [word for word in ("Alice", "alice@", "555 0100") if word in again.text], (path, again.text)
    kept = repr(dump(town.world.services.redis, town.world.org))
    assert not [marker for marker in ("Alice", "alice@", "555 0100", "5550100") if marker in kept]
