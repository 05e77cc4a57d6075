"""GET /bookings."""

from __future__ import annotations

import pytest

from tests.api.town import EVERYBODY, Town, body_of, fault_codes
from tests.world import rfc3339, tomorrow


def listed(town: Town, query: str = "", key: str = "desk") -> list[str]:
    reply = town.call("GET", f"/bookings{query}", key=key)
    assert reply.status_code == 200, reply.text
    return [booking["booking_id"] for booking in body_of(reply)["bookings"]]


def test_it_lists_bookings_by_start(town: Town) -> None:
    late, early = town.book(14)["booking_id"], town.book(8)["booking_id"]
    assert listed(town) == [early, late]
    assert body_of(town.call("GET", "/bookings", key="desk"))["next_cursor"] is None


def test_admission(town: Town) -> None:
    town.check_admission("GET", "/bookings", roles=EVERYBODY - {"checkout"})


def test_it_shows_the_orgs_own_bookings_only(town: Town) -> None:
    town.book()
    assert listed(town, key="rival") == []


def test_it_filters(town: Town) -> None:
    first = town.book(8)["booking_id"]
    second = town.book(10, property_id="prop-2", technician_id="tech-2")["booking_id"]
    town.call("POST", f"/bookings/{second}/cancel", key="desk")
    assert listed(town, "?property_id=prop-2") == [second]
    assert listed(town, "?technician_id=tech-1") == [first]
    assert listed(town, "?status=cancelled") == [second]
    assert listed(town, f"?from={rfc3339(tomorrow(9))}") == [second]
    assert listed(town, f"?to={rfc3339(tomorrow(10))}") == [first]
    assert listed(town, "?property_id=prop-2&status=confirmed") == []


def test_it_goes_page_by_page(town: Town) -> None:
    made = [town.book(hour)["booking_id"] for hour in (8, 10, 12)]
    first = body_of(town.call("GET", "/bookings?limit=2", key="desk"))
    assert [booking["booking_id"] for booking in first["bookings"]] == made[:2]
    assert listed(town, f"?limit=2&cursor={first['next_cursor']}") == made[2:]


def test_a_manage_token_is_never_listed(town: Town) -> None:
    town.book()
    assert "manage_token" not in town.call("GET", "/bookings", key="admin").text


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("?cursor=made-up", "cursor"),
        ("?limit=201", "limit"),
        ("?limit=-1", "limit"),
        ("?from=yesterday", "from"),
        ("?from_=2026-12-05", "from_"),
        ("?property_id=", "property_id"),
        ("?status[$ne]=confirmed", "status[$ne]"),
    ],
)
def test_a_wrong_query_is_a_fault(town: Town, query: str, fault: str) -> None:
    assert {field for field, _ in fault_codes(town.call("GET", f"/bookings{query}", key="desk"))} == {fault}
