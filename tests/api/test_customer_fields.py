"""The customer of a booking as people type it: kept as typed, with the phone as E.164 beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes

TYPED = {"name": "Alice", "phone": "12 34 56 78", "email": "alice@example.com"}


@pytest.fixture
def danish(town: Town) -> Town:
    policy = {"country": "dk", "display_name": "Quay Care", "phone": "+45 70 10 20 30", "timezone": "Europe/Copenhagen"}
    changed = body_of(town.call("PATCH", "/policy", policy, key="admin"))
    assert changed.items() >= {**policy, "country": "DK"}.items()
    return town


def booked(town: Town, hour: int = 10, **customer: Any) -> dict[str, Any]:
    body = town.slot(hour) | {"customer": TYPED | customer}
    reply = town.call("POST", "/book", body, key="bot")
    assert reply.status_code == 201, reply.text
    return body_of(reply)


def test_a_phone_is_shown_as_typed_and_as_e164(danish: Town) -> None:
    assert booked(danish)["customer"] == TYPED | {"phone_e164": "+4512345678"}
    assert booked(danish, 12, phone="0046 8 123 456 78")["customer"]["phone_e164"] == "+46812345678"


def test_each_way_to_a_booking_reads_the_phone(danish: Town) -> None:
    held = danish.call("POST", "/book", {"hold_id": danish.hold()["hold_id"], "customer": TYPED})
    reserved = danish.call("POST", "/reserve", danish.slot(12) | {"reserved_by": "Dana", "customer": TYPED}, key="desk")
    for reply in (held, reserved):
        assert body_of(reply)["customer"]["phone_e164"] == "+4512345678"


def test_without_a_country_a_local_number_stays_as_typed(town: Town) -> None:
    assert booked(town)["customer"] == TYPED
    assert booked(town, 12, phone="1204")["customer"]["phone"] == "1204"


def test_a_customer_that_was_read_may_be_sent_back(danish: Town) -> None:
    made = booked(danish)
    path = f"/bookings/{made['booking_id']}"
    same = danish.call("PATCH", path, {"customer": made["customer"]}, key="desk", If_Match='"1"')
    assert (same.status_code, body_of(same)["version"]) == (200, 1)
    moved = made["customer"] | {"phone": "+45 87 65 43 21"}
    changed = body_of(danish.call("PATCH", path, {"customer": moved}, key="desk", If_Match='"1"'))
    assert changed["customer"] == moved | {"phone_e164": "+4587654321"}


def test_another_spelling_of_a_phone_ends_no_manage_token(danish: Town) -> None:
    made = booked(danish)
    path = f"/bookings/{made['booking_id']}"
    for version, phone in enumerate(("+45 12345678", "0045 12 34 56 78 ext. 5", "(12) 34-56-78"), 1):
        body = {"customer": TYPED | {"phone": phone}}
        assert danish.call("PATCH", path, body, key="desk", If_Match=f'"{version}"').status_code == 200
        assert danish.call("GET", path, key=made["manage_token"]).status_code == 200
    body = {"customer": TYPED | {"phone": "12 34 56 79"}}
    assert danish.call("PATCH", path, body, key="desk", If_Match="*").status_code == 200
    assert danish.call("GET", path, key=made["manage_token"]).status_code == 401


def test_one_person_waits_once_however_the_phone_is_typed(danish: Town) -> None:
    wish = {"property_id": "prop-1", "from": danish.slot(10)["start"], "to": danish.slot(11)["start"]}
    wish |= {"technician_id": "tech-1", "customer": TYPED | {"email": ""}}
    booked(danish)
    assert danish.call("POST", "/waitlist", wish).status_code == 201
    again = wish | {"customer": {"name": "A.", "phone": "\u202a+45\u00a012345678\u202c"}}
    assert danish.call("POST", "/waitlist", again).status_code == 409


def test_what_is_no_customer_is_named_in_sentences(town: Town) -> None:
    customer = {"name": " \u200b", "phone": "---", "email": "alice"}
    reply = town.call("POST", "/book", town.slot() | {"customer": customer}, key="bot")
    assert fault_codes(reply) == {
        ("customer.name", "too_short"),
        ("customer.phone", "bad_phone"),
        ("customer.email", "bad_email"),
    }


def test_a_country_is_known_or_a_fault_and_null_empties_it(danish: Town) -> None:
    wrong = danish.call("PATCH", "/policy", {"country": "Denmark", "phone": "none", "timezone": "CPH"}, key="admin")
    assert {field for field, _ in fault_codes(wrong)} == {"country", "phone", "timezone"}
    nulls = dict.fromkeys(("country", "display_name", "phone", "timezone"))
    emptied = body_of(danish.call("PATCH", "/policy", nulls, key="admin"))
    assert [emptied[name] for name in nulls] == [None, None, None, "Europe/Copenhagen"]


def test_a_customer_has_the_language_that_was_given(town: Town) -> None:
    assert booked(town, language="da")["customer"] == TYPED | {"language": "da"}
    assert booked(town, 12, language=" ")["customer"] == TYPED
    body = town.slot(14) | {"customer": TYPED | {"language": "Danish"}}
    assert fault_codes(town.call("POST", "/book", body, key="bot")) == {("customer.language", "bad_language")}
