"""Which customers of a record are one person, and what is left of a booking without them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from models.booking import Booking
from services.ledger.documents import change, document_of
from services.ledger.persons import contacts, persons_in, redacted, traces_of

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ANN = {"name": "Ann", "phone": "+45 12 34 56 78", "email": "Ann@Example.com"}
BEN = {"name": "Ben", "phone": "+45 99 99 99 99"}


def history(*changes: dict[str, tuple[Any, Any]]) -> list[dict[str, Any]]:
    return [change(NOW, "desk:key_1", "edit", each) for each in changes]


def booking(customer: dict[str, Any], *changes: dict[str, tuple[Any, Any]], **fields: Any) -> Booking:
    shown = {"booking_id": "bk_1", "org": "acme", "status": "confirmed", "property_id": "p", "technician_id": "t"}
    times = dict.fromkeys(("start", "end", "created_at", "updated_at", "requested_start"), NOW)
    minutes = {"duration_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
    rest = {"source": "web", "version": 1 + len(changes), "hold_id": None, "fallback_used": False, "claims": ()}
    made = {**shown, **times, **minutes, **rest, "customer": customer, "history": history({}, *changes)}
    return Booking(**{**made, **fields})


@pytest.mark.parametrize("phone", ["+4512345678", "0045 12345678", "(+45) 12.34-56/78", "45 12 34 56 78"])
def test_two_spellings_of_a_phone_are_one_person(phone: str) -> None:
    assert contacts({"name": "Ann", "phone": phone}) == ["phone:4512345678"]


def test_a_phone_without_a_digit_is_nobodys() -> None:
    assert contacts({"name": "Ann", "phone": "---"}) == []


def test_a_record_names_everybody_that_it_holds_now_or_held_before() -> None:
    assert persons_in(BEN, history({"customer": (ANN, BEN)})) == [
        "email:ann@example.com",
        "phone:4512345678",
        "phone:4599999999",
    ]
    assert persons_in({"name": "Ann"}, []) == []
    assert document_of(booking(ANN))["persons"] == ["email:ann@example.com", "phone:4512345678"]


@pytest.mark.parametrize(
    ("earlier", "is_ann"),
    [
        ({"name": "Ann"}, True),
        ({"name": " ann", "phone": "1234"}, True),
        ({"name": "A. Smith", "email": "ANN@example.com"}, True),
        (BEN, False),
        ({"name": "Ben"}, False),
    ],
)
def test_a_person_is_followed_through_the_history_by_name_phone_and_address(
    earlier: dict[str, Any], is_ann: bool
) -> None:
    is_hers = traces_of({"phone:4512345678"}, ANN, history({"customer": (earlier, ANN)}))
    assert is_hers(ANN)
    assert is_hers(earlier) is is_ann


def test_a_chain_of_changes_leads_back_to_the_first_name() -> None:
    first, second = {"name": "Ann"}, {"name": "Ann", "email": "old@example.com"}
    third = {"name": "Mrs Smith", "email": "old@example.com", "phone": "555 000"}
    is_hers = traces_of({"phone:555000"}, third, history({"customer": (first, second)}, {"customer": (second, third)}))
    assert all(map(is_hers, (first, second, third)))


def test_nothing_of_a_hidden_customer_is_left() -> None:
    made = booking(
        ANN,
        {"customer": (BEN, ANN), "description": ("Ask Ben", "Ask Ann")},
        {"status": ("confirmed", "cancelled"), "reason": (None, "Ann is ill")},
        description="Ask Ann",
        reserved_by="Ben",
    )
    left = redacted(made, lambda customer: customer == ANN)
    assert "Ann" not in repr(left)
    assert (left.customer, left.description, left.reserved_by) == ({"name": "Erased"}, "", "Ben")
    assert left.history[1]["changes"]["customer"] == {"from": BEN, "to": {"name": "Erased"}}
    assert left.history[1]["changes"]["description"] == {"from": "Ask Ben", "to": ""}
    assert left.history[2]["changes"]["status"] == {"from": "confirmed", "to": "cancelled"}
    assert left.history[2]["changes"]["reason"] == {"from": None, "to": ""}
    assert redacted(left, lambda customer: customer == ANN) == left


def test_a_customer_who_is_not_hidden_keeps_what_was_written_for_them() -> None:
    changed = {"customer": (ANN, BEN), "description": ("Ask Ann", "Ask Ben")}
    made = booking(BEN, changed, description="Ask Ben", reserved_by="Ann")
    left = redacted(made, lambda customer: customer == ANN)
    assert (left.customer, left.description, left.reserved_by) == (BEN, "Ask Ben", "Erased")
    assert "Ann" not in repr(left)
