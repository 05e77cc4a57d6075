"""Several technicians who come to one visit, as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_waitlist import tend
from tests.api.town import Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

PAIR = ["tech-1", "tech-2"]
CUSTOMER = {"customer": {"name": "Alice"}}
DAY = tomorrow().date().isoformat()


def crew_slot(town: Town, hour: int = 10, **changed: Any) -> dict[str, Any]:
    return town.slot(hour, **{"technician_id": None, "technician_ids": PAIR} | changed)


def crew_of(reply: Any) -> tuple[str, list[str]]:
    body = body_of(reply)
    return body["technician_id"], body["technician_ids"]


def book_crew(town: Town, hour: int = 10, **changed: Any) -> dict[str, Any]:
    reply = town.call("POST", "/book", crew_slot(town, hour, **changed) | CUSTOMER, key="desk")
    assert reply.status_code == 201, reply.text
    return body_of(reply)


@pytest.mark.parametrize("key", ["checkout", "bot", "desk", "admin"])
def test_a_named_crew_is_held_whole_by_every_key(town: Town, key: str) -> None:
    reply = town.call("POST", "/hold", crew_slot(town), key=key)
    assert (reply.status_code, crew_of(reply)) == (201, ("tech-1", PAIR))
    path = f"/hold/{body_of(reply)['hold_id']}"
    assert crew_of(town.call("GET", path, key=key)) == ("tech-1", PAIR)
    for busy in PAIR:
        other = town.slot(property_id="prop-2", technician_id=busy)
        refused(town.call("POST", "/hold", other, key="desk"), 409, "slot_held")


def test_any_two_technicians_are_those_who_are_free(town: Town) -> None:
    town.hold(property_id="prop-2", technician_id="tech-2")
    reply = town.call("POST", "/hold", crew_slot(town, technician_ids=None, technicians=2), key="desk")
    assert crew_of(reply) == ("tech-1", ["tech-1", "tech-3"])


def test_one_of_any_is_the_one_with_the_least_to_do_that_day(town: Town) -> None:
    for hour, who in ((6, "tech-1"), (7, "tech-1"), (8, "tech-2"), (14, "tech-3"), (15, "tech-3")):
        town.book(hour, technician_id=who)
    reply = town.call("POST", "/hold", town.slot(technician_id=None), key="desk")
    assert crew_of(reply) == ("tech-2", ["tech-2"])


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"technician_id": "tech-1", "technician_ids": PAIR}, {("technician_ids", "inconsistent")}),
        ({"technician_ids": ["tech-1", "tech-1"]}, {("technician_ids", "repeated")}),
        ({"technician_ids": []}, {("technician_ids", "too_short")}),
        ({"technician_ids": [f"tech-{number}" for number in range(5)]}, {("technician_ids", "too_long")}),
        ({"technician_ids": None, "technicians": 5}, {("technicians", "out_of_range")}),
        ({"technician_ids": None, "technicians": 0}, {("technicians", "out_of_range")}),
        ({"technicians": 3}, {("technicians", "inconsistent")}),
        ({"technician_id": "tech-1", "technician_ids": None, "technicians": 2}, {("technicians", "inconsistent")}),
    ],
)
@pytest.mark.parametrize("path", ["/hold", "/book", "/reserve"])
def test_what_is_wrong_with_a_crew_is_named(
    town: Town, path: str, fields: dict[str, Any], faults: set[tuple[str, str]]
) -> None:
    more = {"/hold": {}, "/book": CUSTOMER, "/reserve": {"reserved_by": "Bob"}}[path]
    assert fault_codes(town.call("POST", path, crew_slot(town, **fields) | more, key="desk")) == faults


def test_one_named_technician_may_be_counted(town: Town) -> None:
    assert crew_of(town.call("POST", "/hold", town.slot(technicians=1))) == ("tech-1", ["tech-1"])


def test_a_refusal_names_each_technician_in_the_way(town: Town) -> None:
    town.hold(property_id="prop-2", technician_id="tech-1")
    town.book(property_id="prop-3", technician_id="tech-2")
    body = refused(town.call("POST", "/hold", crew_slot(town), key="desk"), 409, "slot_booked")
    assert {(each["id"], each["state"]) for each in body["conflicts"]} == {("tech-1", "held"), ("tech-2", "booked")}


def test_suggestions_name_the_whole_crew(town: Town) -> None:
    town.hold(property_id="prop-2", technician_id="tech-2")
    asked = crew_slot(town, suggest=2)
    first, second = refused(town.call("POST", "/hold", asked, key="desk"), 409, "slot_held")["next_available"]
    assert (first["start"], first["technician_ids"]) == (rfc3339(tomorrow(10)), ["tech-1", "tech-3"])
    assert (second["start"], second["technician_id"], second["technician_ids"]) == (
        rfc3339(tomorrow(11)),
        "tech-1",
        PAIR,
    )


def test_a_crew_of_which_one_is_away_is_refused(town: Town) -> None:
    off = {"time_off": [{"start": rfc3339(tomorrow(9)), "end": rfc3339(tomorrow(12))}]}
    town.call("PATCH", "/technicians/tech-2", off, key="desk")
    refused(town.call("POST", "/hold", crew_slot(town), key="desk"), 409, "technician_unavailable")
    refused(town.call("POST", "/hold", crew_slot(town), key="checkout"), 409, "slot_booked")
    refused(
        town.call("POST", "/hold", crew_slot(town, technician_ids=None, technicians=3), key="desk"),
        409,
        "technician_unavailable",
    )


def test_a_held_crew_is_booked_moved_and_cancelled_whole(town: Town) -> None:
    held = body_of(town.call("POST", "/hold", crew_slot(town), key="desk"))
    booked = body_of(town.call("POST", "/book", {"hold_id": held["hold_id"], **CUSTOMER}, key="desk"))
    assert (booked["technician_id"], booked["technician_ids"]) == ("tech-1", PAIR)
    path = f"/bookings/{booked['booking_id']}"
    moved = town.call("PATCH", path, {"start": rfc3339(tomorrow(14))}, key="desk", If_Match='"1"')
    assert (moved.status_code, crew_of(moved)) == (200, ("tech-1", PAIR))
    for hour, status in ((10, 201), (14, 409)):
        other = town.slot(hour, property_id="prop-2", technician_id="tech-2")
        assert town.call("POST", "/hold", other, key="desk").status_code == status
    assert town.call("POST", f"{path}/cancel", key="desk").status_code == 200
    assert town.call("POST", "/hold", crew_slot(town, 14), key="desk").status_code == 201


def test_technician_ids_set_a_crew_and_technician_id_alone_does_not_split_one(town: Town) -> None:
    path = f"/bookings/{book_crew(town)['booking_id']}"
    one = town.call("PATCH", path, {"technician_id": "tech-3"}, key="desk", If_Match='"1"')
    assert fault_codes(one) == {("technician_id", "several")}
    changed = town.call("PATCH", path, {"technician_ids": ["tech-3", "tech-1"]}, key="desk", If_Match='"1"')
    assert crew_of(changed) == ("tech-3", ["tech-3", "tech-1"])
    assert town.call("POST", "/hold", town.slot(property_id="prop-2", technician_id="tech-2")).status_code == 201
    alone = town.call("PATCH", path, {"technician_ids": ["tech-1"]}, key="desk", If_Match='"2"')
    assert crew_of(alone) == ("tech-1", ["tech-1"])
    entry = body_of(town.call("GET", path, key="desk"))["history"][1]
    assert entry["changes"]["technician_ids"] == {"from": PAIR, "to": ["tech-3", "tech-1"]}


def test_a_reservation_keeps_its_crew_until_it_is_confirmed(town: Town) -> None:
    kept = town.call("POST", "/reserve", crew_slot(town) | {"reserved_by": "Bob"} | CUSTOMER, key="desk")
    assert crew_of(kept) == ("tech-1", PAIR)
    confirmed = town.call("POST", f"/bookings/{body_of(kept)['booking_id']}/confirm", key="desk")
    assert crew_of(confirmed) == ("tech-1", PAIR)


def test_a_crew_is_replaced_and_comes_back_to_its_holder_in_any_order(town: Town) -> None:
    holder = {"holder": "desk-holder"}
    first = body_of(town.call("POST", "/hold", crew_slot(town, **holder), key="desk"))
    again = town.call("POST", "/hold", crew_slot(town, technician_ids=PAIR[::-1], **holder), key="desk")
    assert (again.status_code, body_of(again)["hold_id"]) == (200, first["hold_id"])
    swap = crew_slot(town, technician_ids=["tech-2", "tech-3"], replaces=first["hold_id"], **holder)
    assert crew_of(town.call("POST", "/hold", swap, key="desk")) == ("tech-2", ["tech-2", "tech-3"])
    assert town.call("POST", "/hold", town.slot(property_id="prop-2"), key="desk").status_code == 201


@pytest.mark.parametrize(("crew", "status"), [(PAIR, 201), (PAIR[::-1], 201), (["tech-1", "tech-3"], 400)])
def test_a_slot_named_beside_a_hold_names_the_crew_in_any_order(town: Town, crew: list[str], status: int) -> None:
    held = body_of(town.call("POST", "/hold", crew_slot(town), key="desk"))
    asked = crew_slot(town, technician_ids=crew) | CUSTOMER | {"hold_id": held["hold_id"]}
    reply = town.call("POST", "/book", asked, key="desk")
    assert reply.status_code == status
    if status == 400:
        assert fault_codes(reply) == {("technician_ids", "not_the_hold")}


def test_lists_find_a_visit_and_a_hold_by_each_member(town: Town) -> None:
    booked = book_crew(town)
    held = body_of(town.call("POST", "/hold", crew_slot(town, 14), key="desk"))
    around = f"from={DAY}T00:00:00Z&to={DAY}T23:00:00Z"
    for who, found in (("tech-1", True), ("tech-2", True), ("tech-3", False)):
        bookings = body_of(town.call("GET", f"/bookings?technician_id={who}&{around}", key="desk"))["bookings"]
        holds = body_of(town.call("GET", f"/holds?technician_id={who}&{around}", key="desk"))["holds"]
        assert [each["booking_id"] for each in bookings] == [booked["booking_id"]] * found
        assert [each["hold_id"] for each in holds] == [held["hold_id"]] * found


def test_each_member_has_the_visit_in_the_calendar(town: Town) -> None:
    book_crew(town)
    for who, found in (("tech-1", 1), ("tech-2", 1), ("tech-3", 0)):
        made = body_of(town.call("POST", f"/technicians/{who}/calendar", key="admin"))
        assert town.call("GET", made["calendar_url"], key=None).text.count("BEGIN:VEVENT") == found


def test_time_off_of_a_member_names_the_visit(town: Town) -> None:
    booked = book_crew(town)
    off = {"time_off_add": [{"start": rfc3339(tomorrow(10)), "end": rfc3339(tomorrow(11))}]}
    changed = body_of(town.call("PATCH", "/technicians/tech-2", off, key="desk"))
    assert [each["booking_id"] for each in changed["visits"]] == [booked["booking_id"]]


def test_availability_is_free_where_as_many_are(town: Town) -> None:
    town.hold(property_id="prop-2", technician_id="tech-2", key="desk")
    town.hold(property_id="prop-3", technician_id="tech-3", key="desk")
    query = f"/availability?property_id=prop-1&from={DAY}&days=1&step_minutes=60"
    for more, state, who in (
        ("", "free", ["tech-1"]),
        ("&technicians=2", "held", []),
        ("&technician_ids=tech-1&technician_ids=tech-3", "held", []),
        ("&technician_ids=tech-1", "free", ["tech-1"]),
    ):
        slots = body_of(town.call("GET", query + more))["slots"]
        at_ten = next(each for each in slots if each["start"] == rfc3339(tomorrow(10)))
        assert (at_ten["state"], at_ten["technician_ids"]) == (state, who), more
    days = body_of(town.call("GET", f"/availability/days?property_id=prop-1&from={DAY}&days=1&technicians=3"))["days"]
    # All 96 starts but the seven whose hour touches that of the holds.
    assert days[0]["free"] == 96 - 7


def test_the_own_crew_is_in_no_way_of_its_own_move(town: Town) -> None:
    booked = book_crew(town)
    query = f"/availability?property_id=prop-1&from={DAY}&days=1&except_booking_id={booked['booking_id']}"
    slots = body_of(town.call("GET", query, key="desk"))["slots"]
    at_ten = next(each for each in slots if each["start"] == rfc3339(tomorrow(10)))
    assert (at_ten["state"], at_ten["technician_ids"]) == ("free", PAIR)


def test_the_waitlist_offers_a_whole_crew(town: Town) -> None:
    first, second = book_crew(town), book_crew(town, property_id="prop-2", technician_ids=["tech-3"])
    window = {"from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(11))}
    wish = {"property_id": "prop-1", "technicians": 3, **window, **CUSTOMER}
    entry = body_of(town.call("POST", "/waitlist", wish, key="desk"))
    assert (entry["status"], entry["technicians"]) == ("waiting", 3)
    for booking in (first, second):
        town.call("POST", f"/bookings/{booking['booking_id']}/cancel", key="desk")
    tend(town)
    shown = body_of(town.call("GET", f"/waitlist/{entry['waitlist_id']}", key="desk"))
    assert (shown["status"], sorted(shown["offered_technician_ids"])) == ("offered", ["tech-1", "tech-2", "tech-3"])


def test_a_series_and_its_change_have_a_crew(town: Town) -> None:
    asked = crew_slot(town) | CUSTOMER | {"rrule": "FREQ=DAILY;COUNT=2"}
    made = body_of(town.call("POST", "/series", asked, key="desk"))
    assert [each["technician_ids"] for each in made["bookings"]] == [PAIR, PAIR]
    change = {"from": DAY, "technician_ids": ["tech-2", "tech-3"]}
    town.call("PATCH", f"/series/{made['series_id']}", change, key="desk")
    found = body_of(town.call("GET", f"/series/{made['series_id']}", key="desk"))
    assert [each["technician_ids"] for each in found["bookings"]] == [["tech-2", "tech-3"]] * 2


def test_a_manage_token_moves_the_crew_along(town: Town) -> None:
    booked = body_of(town.call("POST", "/book", crew_slot(town) | CUSTOMER, key="bot"))
    path, token = f"/bookings/{booked['booking_id']}", booked["manage_token"]
    moved = town.call("PATCH", path, {"start": rfc3339(tomorrow(14))}, key=token, If_Match='"1"')
    assert (moved.status_code, crew_of(moved)) == (200, ("tech-1", PAIR))
    assert body_of(town.call("GET", path, key=token))["technician_names"] == ["Technician 1", "Technician 2"]


def test_a_manage_token_does_not_choose_the_technicians_of_a_crew(town: Town) -> None:
    booked = body_of(town.call("POST", "/book", crew_slot(town) | CUSTOMER, key="bot"))
    path, token = f"/bookings/{booked['booking_id']}", booked["manage_token"]
    for change in ({"technician_id": "tech-3"}, {"technician_ids": ["tech-3", "tech-2"]}):
        refused(town.call("PATCH", path, change, key=token, If_Match='"1"'), 403, "forbidden")


@pytest.mark.parametrize(("count", "status"), [(1, 400), (2, 201), (3, 400)])
def test_a_number_of_technicians_beside_a_hold_is_that_of_the_hold(town: Town, count: int, status: int) -> None:
    held = body_of(town.call("POST", "/hold", crew_slot(town), key="desk"))
    asked = {"hold_id": held["hold_id"], "technicians": count, **CUSTOMER}
    reply = town.call("POST", "/book", asked, key="desk")
    assert reply.status_code == status
    if status == 400:
        assert fault_codes(reply) == {("technicians", "not_the_hold")}
        assert body_of(town.call("GET", f"/hold/{held['hold_id']}", key="desk"))["status"] == "held"
