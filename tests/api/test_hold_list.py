"""GET /holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api.town import ALICES_BROWSER, EVERYBODY, Town, body_of, fault_codes
from tests.world import rfc3339, tomorrow

BOBS_BROWSER = "web-00000000000000bob"


def listed(town: Town, query: str = "", key: str = "desk", **headers: str) -> list[str]:
    reply = town.call("GET", f"/holds{query}", key=key, **headers)
    assert reply.status_code == 200, reply.text
    return [hold["hold_id"] for hold in body_of(reply)["holds"]]


def test_a_browser_finds_its_own_holds_after_a_reload(town: Town) -> None:
    late, early = (town.hold(hour, holder=ALICES_BROWSER) for hour in (14, 10))
    town.hold(12, holder=BOBS_BROWSER)
    reply = body_of(town.call("GET", f"/holds?holder={ALICES_BROWSER}"))
    shown = [town.call("GET", f"/hold/{hold['hold_id']}").get_json() for hold in (early, late)]
    assert reply == {"holds": shown, "next_cursor": None}
    assert listed(town, key="checkout", X_Holder=ALICES_BROWSER) == [early["hold_id"], late["hold_id"]]


def test_a_hold_that_ended_is_not_listed(town: Town) -> None:
    released, booked, kept = (town.hold(hour, holder=ALICES_BROWSER)["hold_id"] for hour in (8, 10, 12))
    town.call("DELETE", f"/hold/{released}")
    town.call("POST", "/book", {"hold_id": booked, "customer": {"name": "Alice"}})
    assert listed(town, key="checkout", X_Holder=ALICES_BROWSER) == [kept]
    assert listed(town) == listed(town, "?property_id=prop-1") == [kept]


def test_the_holder_of_another_key_has_no_holds_here(town: Town) -> None:
    town.hold(holder=ALICES_BROWSER)
    for key in ("bot", "desk", "rival"):
        assert listed(town, f"?holder={ALICES_BROWSER}", key) == []


@pytest.mark.parametrize("key", ["checkout", "bot"])
def test_others_than_staff_name_a_holder(town: Town, key: str) -> None:
    town.hold(holder=ALICES_BROWSER)
    for query in ("", "?property_id=prop-1"):
        assert fault_codes(town.call("GET", f"/holds{query}", key=key)) == {("holder", "missing")}
    twice = town.call("GET", f"/holds?holder={ALICES_BROWSER}", key=key, X_Holder=ALICES_BROWSER)
    assert fault_codes(twice) == {("holder", "repeated")}


def test_staff_see_the_holds_of_all_keys(town: Town) -> None:
    first = town.hold(10, holder=ALICES_BROWSER)["hold_id"]
    second = town.hold(10, key="bot", property_id="prop-2", technician_id="tech-2")["hold_id"]
    third = town.hold(8, key="desk", property_id="prop-2", technician_id="tech-1")["hold_id"]
    assert listed(town) == listed(town, key="admin") == [third, first, second]  # by technician, then by time
    assert listed(town, key="rival") == []
    assert listed(town, "?property_id=prop-2") == [third, second]
    assert listed(town, "?technician_id=tech-1") == [third, first]
    assert listed(town, "?technician_id=tech-1&property_id=prop-2") == [third]
    assert listed(town, f"?from={rfc3339(tomorrow(9))}") == [first, second]
    assert listed(town, f"?to={rfc3339(tomorrow(10))}") == [third]
    assert listed(town, f"?from={rfc3339(tomorrow(10, 45))}&to={rfc3339(tomorrow(10, 50))}") == [first, second]


def test_staff_can_release_what_they_find(town: Town) -> None:
    town.hold(holder=ALICES_BROWSER)
    (found,) = listed(town)
    assert town.call("DELETE", f"/hold/{found}", key="desk").status_code == 204
    assert listed(town) == []


def test_pins_of_bookings_and_bookings_are_no_holds(town: Town) -> None:
    town.book(10)
    assert listed(town) == listed(town, "?technician_id=tech-1") == []


@pytest.mark.parametrize("query", ["?", "?property_id=prop-1&", "?technician_id=tech-1&"])
def test_it_goes_page_by_page(town: Town, query: str) -> None:
    held = [town.hold(hour, key="desk")["hold_id"] for hour in (8, 10, 12)]
    first = body_of(town.call("GET", f"/holds{query}limit=2", key="desk"))
    assert [hold["hold_id"] for hold in first["holds"]] == held[:2]
    assert listed(town, f"{query}limit=2&cursor={first['next_cursor']}") == held[2:]
    second = body_of(town.call("GET", f"/holds{query}cursor={first['next_cursor']}", key="desk"))
    assert second["next_cursor"] is None


def test_a_bare_date_is_a_local_date(town: Town) -> None:
    town.call("POST", "/properties", {"id": "akl-1", "name": "Auckland", "timezone": "Pacific/Auckland"}, key="admin")
    held = town.hold(property_id="akl-1", start=rfc3339(tomorrow(13)))["hold_id"]  # 02:00 of the day after, there
    local = (tomorrow() + timedelta(days=1)).date()
    assert listed(town, f"?property_id=akl-1&from={local}") == [held]
    assert listed(town, f"?property_id=akl-1&to={local}") == []


@pytest.mark.parametrize("cursor", ["made-up", "b3duflp-LQ", "b3du"])
def test_a_wrong_cursor_is_a_fault(town: Town, cursor: str) -> None:
    assert fault_codes(town.call("GET", f"/holds?cursor={cursor}", key="desk")) == {("cursor", "bad_cursor")}


def test_admission(town: Town) -> None:
    town.check_admission("GET", f"/holds?holder={ALICES_BROWSER}", roles=EVERYBODY)
