"""What the waitlist allows the publishable key, and that other keys never pay for it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.waitlist import admission
from tests.api.test_waitlist import CUSTOMER, join, stored, wish
from tests.api.town import Town, body_of, refused
from tests.world import rfc3339, tomorrow


@pytest.fixture(autouse=True)
def taken(town: Town) -> dict[str, Any]:
    """The booking of the slot that the wish of these tests is for."""
    return town.book()


def from_address(town: Town, address: str, email: str, *, key: str = "checkout", **headers: str) -> TestResponse:
    """The person of this e-mail address joins from a client address."""
    return town.world.client().post(
        "/waitlist",
        json=wish(customer={"name": "Alice", "email": f"{email}@example.org"}),
        headers={**town.world.auth(key), **headers},
        environ_overrides={"REMOTE_ADDR": address},
    )


def again(town: Town, *, key: str = "checkout", **changed: Any) -> None:
    """Asserts that this second wish is refused."""
    problem = refused(town.call("POST", "/waitlist", wish(**changed), key=key), 409, "already_exists")
    assert problem["detail"].startswith("You wait for this already.")


def test_what_is_free_now_has_to_be_held_instead(town: Town, taken: dict[str, Any]) -> None:
    wider = wish(technician_id=None, to=rfc3339(tomorrow(12)))
    problem = refused(town.call("POST", "/waitlist", wider), 409, "slot_available")
    assert problem["next_available"][0] == {
        "start": rfc3339(tomorrow(11)),
        "end": rfc3339(tomorrow(12)),
        "technician_id": "tech-1",
    }
    assert stored(town) == 0
    assert town.call("POST", "/hold", town.slot(11)).status_code == 201
    join(town, key="checkout", technician_id=None, to=rfc3339(tomorrow(12)))


def test_staff_and_bots_wait_for_what_is_free_and_as_often_as_they_like(town: Town) -> None:
    for role in ("bot", "desk", "admin"):
        for _ in range(2):
            join(town, key=role, to=rfc3339(tomorrow(13)))


def test_the_search_for_what_is_free_looks_at_a_bounded_part_of_the_window(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"to": rfc3339(tomorrow(12)), "technician_id": "tech-1"}
    monkeypatch.setattr("services.waitlist.admission.MOST_TICKS", 2 * 5)
    join(town, key="checkout", **window)  # 10:00 to 11:15, where no hour is free
    monkeypatch.setattr("services.waitlist.admission.MOST_TICKS", 2 * 8)
    refused(town.call("POST", "/waitlist", wish(**window)), 409, "slot_available")


@pytest.mark.parametrize(
    "customer",
    [
        {"name": "Someone else", "phone": "+45 (31) 31-31-31"},
        {"name": "Someone else", "phone": "0045 31 31 31 31"},
        {"name": "Someone else", "phone": "+45 99", "email": "Alice@Example.org"},
        {"name": "Someone else", "email": "alice@example.org"},
    ],
)
def test_a_person_waits_once_for_one_thing(town: Town, customer: dict[str, str]) -> None:
    first = join(town, key="checkout", customer={**CUSTOMER, "email": "alice@example.org"})
    again(town, customer=customer)
    again(town, customer=customer, duration_minutes=30, **{"from": rfc3339(tomorrow(10, 30))})
    town.call("DELETE", f"/waitlist/{first['waitlist_id']}")
    join(town, key="checkout", customer=customer)


def test_without_phone_and_e_mail_the_address_waits_once(town: Town) -> None:
    join(town, key="checkout", customer={"name": "Alice"})
    again(town, customer={"name": "Bea"})
    join(town, key="checkout", customer={"name": "Bea", "phone": "+45 22 22"})


def test_another_property_technician_or_window_is_another_thing(town: Town) -> None:
    town.book(11)
    town.book(10, property_id="prop-2", technician_id="tech-2")
    join(town, key="checkout")
    for changed in (
        {"from": rfc3339(tomorrow(11)), "to": rfc3339(tomorrow(12))},
        {"property_id": "prop-2"},
        {"technician_id": "tech-2"},
    ):
        join(town, key="checkout", **changed)


def test_an_address_has_a_limit_of_entries_over_all_publishable_keys(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.waitlist.admission.MOST_PER_ADDRESS", 2)
    key = {"Idempotency-Key": "w-1234567890abcdef"}
    first = body_of(from_address(town, "203.0.113.7", "alice", **key))
    assert from_address(town, "203.0.113.7", "bea").status_code == 201
    full = from_address(town, "203.0.113.7", "carl")
    refused(full, 429, "rate_limited")
    assert int(full.headers["Retry-After"]) > 0
    assert body_of(from_address(town, "203.0.113.7", "alice", **key)) == first
    assert from_address(town, "203.0.113.8", "dan").status_code == 201
    assert from_address(town, "203.0.113.7", "eve", key="bot").status_code == 201
    town.call("DELETE", f"/waitlist/{first['waitlist_id']}")
    assert from_address(town, "203.0.113.7", "carl").status_code == 201
    assert "203.0.113" not in str(list(town.world.services.db["waitlist"].find({"org": town.world.org})))


def test_the_shares_have_the_figures_of_the_documents() -> None:
    assert (admission.MOST_PER_ADDRESS, admission.MOST_PUBLIC, admission.MOST_UNSETTLED) == (10, 1_000, 2_000)


def test_no_address_counts_as_one_address(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.waitlist.admission.MOST_PER_ADDRESS", 2)
    for name in ("alice", "bea"):
        assert from_address(town, "", name).status_code == 201
    refused(from_address(town, "", "carl"), 429, "rate_limited")


def test_strangers_fill_half_of_the_list_and_never_keep_staff_out(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.waitlist.admission.MOST_UNSETTLED", 4)
    monkeypatch.setattr("services.waitlist.admission.MOST_PUBLIC", 2)
    for number in range(2):
        assert from_address(town, f"203.0.113.{number}", str(number)).status_code == 201
    full = from_address(town, "203.0.113.9", "carl")
    refused(full, 429, "rate_limited")
    assert int(full.headers["Retry-After"]) > 0
    for _ in range(2):
        entry = join(town, key="desk")
    refused(town.call("POST", "/waitlist", wish(), key="desk"), 429, "rate_limited")
    town.call("DELETE", f"/waitlist/{entry['waitlist_id']}", key="desk")
    join(town, key="desk")
