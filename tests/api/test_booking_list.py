"""GET /bookings."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

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


def test_it_takes_several_statuses(town: Town) -> None:
    first, second, third = (town.book(hour)["booking_id"] for hour in (8, 10, 12))
    town.call("POST", f"/bookings/{second}/cancel", key="desk")
    assert listed(town, "?status=cancelled&status=confirmed") == [first, second, third]
    assert listed(town, "?status=cancelled&status=expired") == [second]


def test_it_lists_what_overlaps_a_window(town: Town) -> None:
    early, long = town.book(8)["booking_id"], town.book(10, duration_minutes=240)["booking_id"]
    window = f"?from={rfc3339(tomorrow(11))}&to={rfc3339(tomorrow(12))}"
    assert listed(town, window) == []
    assert listed(town, f"{window}&overlapping=true") == [long]
    assert listed(town, f"{window}&overlapping=false") == []
    # Python's clients write their own `True`.
    assert listed(town, f"{window}&overlapping=True") == [long]
    # A visit that ends where the window begins, or begins where it ends, is not in it.
    touching = f"?from={rfc3339(tomorrow(9))}&to={rfc3339(tomorrow(10))}&overlapping=true"
    assert listed(town, touching) == []
    assert listed(town, f"?from={rfc3339(tomorrow(8, 45))}&overlapping=true") == [early, long]


def test_it_searches(town: Town) -> None:
    booking = town.book(8)
    town.book(10, property_id="prop-2", technician_id="tech-2")
    town.call("PATCH", f"/bookings/{booking['booking_id']}", MOVED, key="desk", If_Match='"1"')
    assert listed(town, "?q=sig") == listed(town, "?q=%2B354%20555%201234") == [booking["booking_id"]]
    assert listed(town, f"?q={booking['booking_id']}") == [booking["booking_id"]]
    assert listed(town, "?q=sig&status=cancelled") == listed(town, "?q=sig", key="rival") == []


MOVED = {"customer": {"name": "Jóna Sigurðardóttir", "phone": "(354) 555-1234"}}


def far_east(town: Town, hour: int) -> str:
    """A booking in Auckland at this local hour of LOCAL_DAY, which begins there half a day before UTC's."""
    town.call("POST", "/properties", {"id": "akl-1", "name": "Auckland", "timezone": "Pacific/Auckland"}, key="admin")
    start = datetime.combine(LOCAL_DAY, time(hour), ZoneInfo("Pacific/Auckland"))
    booked: str = town.book(property_id="akl-1", start=rfc3339(start))["booking_id"]
    return booked


LOCAL_DAY = (tomorrow() + timedelta(days=10)).date()
NEXT_DAY = LOCAL_DAY + timedelta(days=1)


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_a_bare_date_is_a_local_date_of_the_property(town: Town, hour: int) -> None:
    booked = far_east(town, hour)
    assert listed(town, f"?property_id=akl-1&from={LOCAL_DAY}&to={NEXT_DAY}") == [booked]
    assert listed(town, f"?property_id=akl-1&from={NEXT_DAY}") == []
    assert listed(town, f"?property_id=akl-1&to={LOCAL_DAY}") == []


def test_else_it_is_one_of_the_technician_else_of_the_org(town: Town) -> None:
    booked = far_east(town, 0)
    assert listed(town, f"?technician_id=tech-1&from={LOCAL_DAY}") == []
    town.call("PATCH", "/technicians/tech-1", {"timezone": "Pacific/Auckland"}, key="admin")
    assert listed(town, f"?technician_id=tech-1&from={LOCAL_DAY}") == [booked]
    assert listed(town, f"?from={LOCAL_DAY}") == []
    town.call("PATCH", "/policy", {"timezone": "Pacific/Auckland"}, key="admin")
    assert listed(town, f"?from={LOCAL_DAY}&to={NEXT_DAY}") == [booked]


def test_a_date_of_an_unknown_property_finds_nothing(town: Town) -> None:
    assert listed(town, f"?property_id=nowhere&technician_id=nobody&from={LOCAL_DAY}") == []


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_dates_too(town: Town, day: str) -> None:
    town.book()
    assert listed(town, f"?from={day}&to={day}&overlapping=true") == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("?cursor=made-up", "cursor"),
        ("?limit=201", "limit"),
        ("?limit=-1", "limit"),
        ("?from=yesterday", "from"),
        ("?from=2026-02-30", "from"),
        ("?overlapping=yes", "overlapping"),
        ("?q=", "q"),
        ("?status=confirmed&status=open", "status"),
        ("?from_=2026-12-05", "from_"),
        ("?property_id=", "property_id"),
        ("?status[$ne]=confirmed", "status[$ne]"),
    ],
)
def test_a_wrong_query_is_a_fault(town: Town, query: str, fault: str) -> None:
    assert {field for field, _ in fault_codes(town.call("GET", f"/bookings{query}", key="desk"))} == {fault}
