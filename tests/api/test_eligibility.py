"""Who may be sent where and for what: the same technicians in every way to ask for a visit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, refused
from tests.api.trades import change, settle
from tests.world import rfc3339, tomorrow

ALICE = {"customer": {"name": "Alice"}}
CODE = "technician_not_eligible"
LIFTED = {"override": ["eligibility"]}


@pytest.fixture
def town(town: Town) -> Town:
    return settle(town)


def hold(town: Town, key: str = "bot", **changed: Any) -> Any:
    return town.call("POST", "/hold", town.slot(**changed), key=key)


def patch(town: Town, booking: dict[str, Any], key: str = "desk", **body: Any) -> Any:
    return town.call("PATCH", f"/bookings/{booking['booking_id']}", body, key=key, If_Match="*")


def nobody_heats(town: Town) -> None:
    change(town, "/technicians/tech-1", skills=["locks"])


def test_a_technician_of_another_area_is_not_sent(town: Town) -> None:
    refused(hold(town, technician_id="tech-3"), 409, CODE)
    assert hold(town, technician_id="tech-3", property_id="prop-2").status_code == 201


def test_a_technician_without_the_skill_is_not_sent(town: Town) -> None:
    refused(hold(town, technician_id="tech-2", service_id="boiler"), 409, CODE)
    assert hold(town, technician_id="tech-2", service_id="leak").status_code == 201


def test_ids_are_compared_exactly(town: Town) -> None:
    change(town, "/technicians/tech-2", areas=["North"])
    refused(hold(town, technician_id="tech-2"), 409, CODE)


def test_empty_lists_are_everywhere_and_everything(town: Town) -> None:
    change(town, "/technicians/tech-3", areas=[], skills=[])
    assert hold(town, technician_id="tech-3", service_id="boiler").status_code == 201


def test_a_unit_has_the_area_of_its_building(town: Town) -> None:
    unit = {"id": "flat-1", "name": "Flat 1", "parent_id": "prop-1"}
    assert town.call("POST", "/properties", unit, key="admin").status_code == 201
    refused(hold(town, technician_id="tech-3", property_id="flat-1"), 409, CODE)


def test_any_technician_is_one_who_may_be_sent(town: Town) -> None:
    change(town, "/technicians/tech-1", areas=["south"])
    assert body_of(hold(town, technician_id=None))["technician_id"] == "tech-2"
    refused(hold(town, technician_id=None), 409, "slot_held")


def test_any_technician_is_refused_where_nobody_may_be_sent(town: Town) -> None:
    nobody_heats(town)
    for fallback in ("none", "next_available"):
        asked = {"technician_id": None, "service_id": "boiler", "fallback": fallback}
        refused(hold(town, **asked), 409, CODE)


def test_technicians_who_may_be_sent_but_are_unavailable_are_named_so(town: Town) -> None:
    change(town, "/technicians/tech-1", status="unavailable")
    refused(hold(town, technician_id=None, service_id="boiler"), 409, "technician_unavailable")
    change(town, "/technicians/tech-2", status="unavailable")
    refused(hold(town, technician_id="tech-2", service_id="boiler"), 409, CODE)


@pytest.mark.parametrize("key", ["bot", "desk"])
def test_a_direct_booking_and_a_reservation_ask_it_too(town: Town, key: str) -> None:
    refused(town.call("POST", "/book", {**town.slot(technician_id="tech-3"), **ALICE}, key=key), 409, CODE)
    asked = {**town.slot(technician_id="tech-3"), "reserved_by": "Dana"}
    if key == "desk":
        refused(town.call("POST", "/reserve", asked, key=key), 409, CODE)


def test_a_hold_that_ran_out_asks_it_again(town: Town) -> None:
    held = town.hold(service_id="boiler")
    town.world.services.redis.flushall()
    nobody_heats(town)
    asked = {"hold_id": held["hold_id"], **town.slot(service_id="boiler"), "if_expired": "book_if_free", **ALICE}
    refused(town.call("POST", "/book", asked), 409, CODE)


def test_staff_lift_it_and_the_history_says_so(town: Town) -> None:
    problem = refused(hold(town, "desk", technician_id="tech-3"), 409, CODE)
    assert 'override: ["eligibility"]' in problem["detail"]
    assert "override" not in refused(hold(town, "bot", technician_id="tech-3"), 409, CODE)["detail"]
    assert hold(town, "desk", technician_id="tech-3", **LIFTED).status_code == 201
    made = town.book(14, key="desk", technician_id="tech-3", **LIFTED)
    assert made["history"][0]["changes"]["override"]["to"] == ["eligibility"]
    refused(hold(town, "desk", technician_id="tech-3", start=rfc3339(tomorrow(14)), **LIFTED), 409, "slot_booked")


def test_a_move_that_keeps_property_service_and_technician_does_not_ask_again(town: Town) -> None:
    made = town.book(service_id="boiler")
    nobody_heats(town)
    assert patch(town, made, start=rfc3339(tomorrow(13))).status_code == 200
    assert patch(town, made, made["manage_token"], start=rfc3339(tomorrow(15))).status_code == 200
    for changed in ({"property_id": "prop-2"}, {"technician_id": "tech-2"}):
        refused(patch(town, made, **changed), 409, CODE)
    assert patch(town, made, technician_id="tech-2", **LIFTED).status_code == 200


def test_a_move_to_another_area_or_service_asks_it(town: Town) -> None:
    change(town, "/properties/prop-2", area="south")
    made = town.book(service_id="leak")
    refused(patch(town, made, property_id="prop-2"), 409, CODE)
    moved = body_of(patch(town, made, property_id="prop-2", technician_id="tech-2"))
    assert (moved["property_id"], moved["technician_id"]) == ("prop-2", "tech-2")
    refused(patch(town, made, service_id="boiler"), 409, CODE)


def test_restoring_a_visit_asks_no_rule(town: Town) -> None:
    made = town.book(service_id="boiler")
    assert town.call("POST", f"/bookings/{made['booking_id']}/cancel", key="desk").status_code == 200
    nobody_heats(town)
    assert town.call("POST", f"/bookings/{made['booking_id']}/restore", key="desk").status_code == 200


def test_availability_names_those_who_may_be_sent_and_closes_the_rest(town: Town) -> None:
    assert _who(town) == ["tech-1", "tech-2"]
    assert _who(town, service_id="boiler") == ["tech-1"]
    assert _states(town, technician_id="tech-3") == {"closed"}
    nobody_heats(town)
    assert _states(town, service_id="boiler") == {"closed"}
    query = f"?property_id=prop-1&from={tomorrow().date()}&days=1&service_id=boiler"
    (day,) = body_of(town.call("GET", f"/availability/days{query}"))["days"]
    assert (day["free"], day["first"]) == (0, None)


def test_availability_for_a_move_is_that_of_the_move(town: Town) -> None:
    made = town.book(service_id="boiler")
    nobody_heats(town)
    own = {"key": "desk", "except_booking_id": made["booking_id"], "technician_id": "tech-1"}
    assert "free" in _states(town, **own)
    assert _states(town, **own | {"property_id": "prop-2"}) == {"closed"}


def _slots(town: Town, key: str = "checkout", **query: str) -> list[dict[str, Any]]:
    asked = {"property_id": "prop-1", "from": str(tomorrow().date()), **query}
    text = "&".join(f"{name}={value}" for name, value in asked.items())
    return list(body_of(town.call("GET", f"/availability?{text}", key=key))["slots"])


def _who(town: Town, **query: str) -> list[str]:
    (slot,) = [slot for slot in _slots(town, **query) if slot["start"] == rfc3339(tomorrow(10))]
    return list(slot["technician_ids"])


def _states(town: Town, **query: str) -> set[str]:
    return {slot["state"] for slot in _slots(town, **query)}


def test_suggestions_name_those_who_may_be_sent(town: Town) -> None:
    town.book(technician_id="tech-1", property_id="prop-2")
    problem = refused(hold(town, suggest=5), 409, "slot_booked")
    assert {each["technician_id"] for each in problem["next_available"]} == {"tech-1", "tech-2"}
    problem = refused(hold(town, service_id="boiler", suggest=5), 409, "slot_booked")
    assert {each["technician_id"] for each in problem["next_available"]} == {"tech-1"}


def test_suggestions_for_a_hold_that_was_overtaken_name_those_who_may_be_sent(town: Town) -> None:
    change(town, "/technicians/tech-3", areas=[], skills=["heating"])
    held = town.hold(service_id="boiler")
    town.world.services.redis.flushall()
    town.book()
    asked = {"hold_id": held["hold_id"], **town.slot(service_id="boiler"), "if_expired": "book_if_free", **ALICE}
    problem = refused(town.call("POST", "/book", {**asked, "suggest": 5}), 409, "slot_booked")
    assert {each["technician_id"] for each in problem["next_available"]} == {"tech-1"}


def test_the_next_free_slot_is_with_one_who_may_be_sent(town: Town) -> None:
    town.book(technician_id="tech-1", property_id="prop-2")
    held = town.hold(key="bot", technician_id=None, service_id="boiler", fallback="next_available")
    assert (held["technician_id"], held["start"]) == ("tech-1", rfc3339(tomorrow(11, 15)))


def test_the_waitlist_refuses_a_wish_that_no_technician_may_fulfil(town: Town) -> None:
    wish = {"property_id": "prop-1", "from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(12)), **ALICE}
    refused(town.call("POST", "/waitlist", {**wish, "technician_id": "tech-3"}, key="desk"), 409, CODE)
    nobody_heats(town)
    refused(town.call("POST", "/waitlist", {**wish, "service_id": "boiler"}, key="desk"), 409, CODE)
