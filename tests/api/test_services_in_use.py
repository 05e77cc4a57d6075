"""A visit may name a service, which gives its lengths: on holds, bookings, reservations, changes and availability."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes, refused
from tests.api.trades import LENGTHS, change, lengths_of, settle
from tests.world import rfc3339, tomorrow

ALICE = {"customer": {"name": "Alice"}}
STANDARD = {"duration_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 0}


@pytest.fixture
def town(town: Town) -> Town:
    return settle(town)


def patch(town: Town, booking: dict[str, Any], body: dict[str, Any], key: str = "desk", match: str = "*") -> Any:
    return town.call("PATCH", f"/bookings/{booking['booking_id']}", body, key=key, If_Match=match)


def read(town: Town, booking: dict[str, Any]) -> dict[str, Any]:
    return body_of(town.call("GET", f"/bookings/{booking['booking_id']}", key="desk"))


def remove(town: Town, service_id: str) -> None:
    assert town.call("DELETE", f"/services/{service_id}", key="admin").status_code == 204


def first_free(town: Town, key: str = "checkout", **query: str) -> dict[str, Any]:
    asked = {"property_id": "prop-1", "from": str(tomorrow().date()), **query}
    text = "&".join(f"{name}={value}" for name, value in asked.items())
    slots = body_of(town.call("GET", f"/availability?{text}", key=key))["slots"]
    return next(slot for slot in slots if slot["state"] == "free")


@pytest.mark.parametrize("key", ["checkout", "bot", "desk", "admin"])
def test_a_hold_takes_the_lengths_of_its_service_and_shows_it(town: Town, key: str) -> None:
    held = town.hold(key=key, service_id="boiler")
    assert (held["service_id"], lengths_of(held)) == ("boiler", LENGTHS)
    assert body_of(town.call("GET", f"/hold/{held['hold_id']}", key=key))["service_id"] == "boiler"
    (listed,) = body_of(town.call("GET", "/holds", key="desk"))["holds"]
    assert listed["service_id"] == "boiler"


def test_without_a_service_a_reply_has_none(town: Town) -> None:
    held = town.hold(hour=8, key="desk", technician_id="tech-2")
    assert "service_id" not in held
    assert lengths_of(held) == STANDARD
    assert "service_id" not in town.book(12, technician_id="tech-2")


def test_a_booking_keeps_the_service_of_its_hold(town: Town) -> None:
    held = town.hold(service_id="boiler")
    made = body_of(town.call("POST", "/book", {"hold_id": held["hold_id"], **ALICE}))
    assert (made["service_id"], lengths_of(made)) == ("boiler", LENGTHS)
    (listed,) = body_of(town.call("GET", "/bookings", key="desk"))["bookings"]
    assert listed["service_id"] == read(town, made)["service_id"] == "boiler"


def test_a_direct_booking_and_a_reservation_name_a_service(town: Town) -> None:
    made = town.book(service_id="boiler")
    assert (made["service_id"], lengths_of(made)) == ("boiler", LENGTHS)
    asked = {**town.slot(14, service_id="keys"), "reserved_by": "Dana"}
    kept = body_of(town.call("POST", "/reserve", asked, key="desk"))
    assert (kept["service_id"], kept["duration_minutes"]) == ("keys", 15)


@pytest.mark.parametrize("key", ["checkout", "desk"])
def test_an_unknown_service_is_not_found(town: Town, key: str) -> None:
    refused(town.call("POST", "/hold", town.slot(service_id="none"), key=key), 404, "service_not_found")
    query = f"?property_id=prop-1&from={tomorrow().date()}&service_id=none"
    refused(town.call("GET", f"/availability{query}", key=key), 404, "service_not_found")
    refused(town.call("GET", f"/availability/days{query}", key=key), 404, "service_not_found")
    wish = {"property_id": "prop-1", "from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(12)), **ALICE}
    refused(town.call("POST", "/waitlist", {**wish, "service_id": "none"}, key=key), 404, "service_not_found")


def test_a_wrong_start_is_named_before_an_unknown_service(town: Town) -> None:
    asked = town.slot(10, 7, service_id="none")
    assert fault_codes(town.call("POST", "/hold", asked)) == {("start", "off_grid")}


def test_strangers_name_public_services_alone(town: Town) -> None:
    refused(town.call("POST", "/hold", town.slot(service_id="keys")), 404, "service_not_found")
    query = f"?property_id=prop-1&from={tomorrow().date()}&service_id=keys"
    refused(town.call("GET", f"/availability{query}"), 404, "service_not_found")
    assert town.hold(key="bot", service_id="keys")["duration_minutes"] == 15


def test_the_figures_of_a_service_bind_strangers(town: Town) -> None:
    wrong = {"duration_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 45}
    reply = town.call("POST", "/hold", town.slot(service_id="boiler", **wrong))
    assert fault_codes(reply) == {(name, "not_allowed") for name in wrong}
    assert "or give it as 90." in reply.text
    assert town.hold(service_id="boiler", **LENGTHS)["service_id"] == "boiler"


def test_a_bot_gives_no_smaller_buffers_than_the_service_and_staff_any(town: Town) -> None:
    reply = town.call("POST", "/hold", town.slot(service_id="boiler", buffer_after_minutes=15), key="bot")
    assert fault_codes(reply) == {("buffer_after_minutes", "out_of_range")}
    assert town.hold(key="bot", service_id="boiler", duration_minutes=30)["duration_minutes"] == 30
    assert town.hold(14, key="desk", service_id="boiler", buffer_after_minutes=0)["buffer_after_minutes"] == 0


def test_the_allowed_durations_do_not_bind_the_duration_of_a_service(town: Town) -> None:
    change(town, "/policy", allowed_duration_minutes=[60])
    assert town.hold(service_id="boiler")["duration_minutes"] == 90
    reply = town.call("POST", "/hold", town.slot(14, service_id="boiler", duration_minutes=75), key="desk")
    assert fault_codes(reply) == {("duration_minutes", "not_allowed")}


class TestServicesOnly:
    @pytest.fixture
    def town(self, town: Town) -> Town:
        self.held = town.hold(8, technician_id="tech-2", holder="web-5f1c9a7be2d04c6b")
        change(town, "/policy", public_services_only=True)
        return town

    def test_the_publishable_key_has_to_name_one(self, town: Town) -> None:
        missing = {("service_id", "missing")}
        assert fault_codes(town.call("POST", "/hold", town.slot())) == missing
        query = f"?property_id=prop-1&from={tomorrow().date()}"
        assert fault_codes(town.call("GET", f"/availability{query}")) == missing
        assert fault_codes(town.call("GET", f"/availability/days{query}")) == missing
        wish = {"property_id": "prop-1", "from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(12)), **ALICE}
        assert fault_codes(town.call("POST", "/waitlist", wish)) == missing
        assert town.hold(service_id="boiler")["service_id"] == "boiler"

    def test_it_is_named_among_all_faults(self, town: Town) -> None:
        reply = town.call("POST", "/hold", {**town.slot(10, 7), "color": "red"})
        assert fault_codes(reply) == {("start", "off_grid"), ("service_id", "missing"), ("color", "unknown_field")}
        reply = town.call("POST", "/hold", {**town.slot(), "service_id": "no such id"})
        assert fault_codes(reply) == {("service_id", "bad_id")}

    def test_other_keys_need_none(self, town: Town) -> None:
        assert "service_id" not in town.hold(key="bot")
        token = town.book(14)["manage_token"]
        assert first_free(town, token)["technician_ids"]

    def test_a_hold_of_before_is_booked(self, town: Town) -> None:
        reply = town.call("POST", "/book", {"hold_id": self.held["hold_id"], **ALICE})
        assert reply.status_code == 201


def test_the_same_holder_gets_its_hold_back_only_with_the_same_service(town: Town) -> None:
    holder = {"holder": "web-5f1c9a7be2d04c6b", **STANDARD}
    held = town.hold(service_id="leak", **holder)
    again = town.call("POST", "/hold", town.slot(service_id="leak", **holder))
    assert (again.status_code, body_of(again)["hold_id"]) == (200, held["hold_id"])
    problem = refused(town.call("POST", "/hold", town.slot(**holder)), 409, "slot_held")
    assert {each.get("yours") for each in problem["conflicts"]} == {True}


def test_a_request_names_the_service_of_the_hold_beside_it_or_none(town: Town) -> None:
    held = town.hold(service_id="boiler")
    wrong = {"hold_id": held["hold_id"], "service_id": "leak", **ALICE}
    assert fault_codes(town.call("POST", "/book", wrong)) == {("service_id", "not_the_hold")}
    right = {**wrong, "service_id": "boiler", **town.slot()}
    assert town.call("POST", "/book", right).status_code == 201
    assert fault_codes(town.call("POST", "/book", wrong)) == {("service_id", "not_the_hold")}


class TestExpiredHolds:
    @pytest.fixture
    def held(self, town: Town) -> dict[str, Any]:
        held = town.hold(key="desk", service_id="keys")
        town.world.services.redis.flushall()
        return held

    def test_a_forgotten_hold_is_booked_with_the_service_that_is_named_beside_it(
        self, town: Town, held: dict[str, Any]
    ) -> None:
        asked = {"hold_id": held["hold_id"], **town.slot(service_id="keys"), "if_expired": "book_if_free", **ALICE}
        made = body_of(town.call("POST", "/book", asked, key="desk"))
        assert (made["service_id"], made["duration_minutes"]) == ("keys", 15)

    def test_without_the_service_the_lengths_are_not_those_of_the_hold(self, town: Town, held: dict[str, Any]) -> None:
        asked = {"hold_id": held["hold_id"], **town.slot(), "if_expired": "book_if_free", **ALICE}
        refused(town.call("POST", "/book", asked, key="desk"), 410, "hold_expired")

    def test_lengths_alone_do_not_prove_another_slot(self, town: Town, held: dict[str, Any]) -> None:
        asked = {"hold_id": held["hold_id"], **town.slot(service_id="leak"), **STANDARD, **ALICE}
        assert fault_codes(town.call("POST", "/book", asked, key="desk")) == {("hold_id", "not_the_hold")}


def test_another_service_brings_its_lengths(town: Town) -> None:
    made = town.book(service_id="leak")
    changed = body_of(patch(town, made, {"service_id": "boiler"}, match='"1"'))
    assert (changed["service_id"], lengths_of(changed)) == ("boiler", LENGTHS)
    assert changed["end"] == rfc3339(tomorrow(11, 30))
    again = patch(town, made, {"service_id": "boiler"}, match='"1"')
    assert (again.status_code, body_of(again)["version"]) == (200, 2)
    spans = {name: (each["start"], each["end"]) for name, each in _marks(town).items()}
    assert spans == {
        "property": (rfc3339(tomorrow(10)), rfc3339(tomorrow(11, 30))),
        "technician": (rfc3339(tomorrow(9, 45)), rfc3339(tomorrow(12))),
    }


def _marks(town: Town) -> dict[str, dict[str, Any]]:
    """What a hold of this slot meets."""
    problem = refused(town.call("POST", "/hold", town.slot(), key="desk"), 409, "slot_booked")
    return {each["kind"]: each for each in problem["conflicts"]}


def test_lengths_that_are_sent_with_another_service_count(town: Town) -> None:
    made = town.book(service_id="leak", key="desk")
    changed = body_of(patch(town, made, {"service_id": "boiler", "duration_minutes": 45}))
    assert lengths_of(changed) == LENGTHS | {"duration_minutes": 45}


def test_a_service_is_taken_away_with_null_and_the_lengths_stay(town: Town) -> None:
    made = town.book(service_id="boiler")
    changed = body_of(patch(town, made, {"service_id": None}))
    assert ("service_id" in changed, lengths_of(changed)) == (False, LENGTHS)
    assert changed["history"][-1]["action"] == "edit"
    assert changed["history"][-1]["changes"] == {"service_id": {"from": "boiler", "to": None}}


def test_a_change_to_a_service_that_does_not_fit_leaves_the_booking(town: Town) -> None:
    made, _ = town.book(service_id="leak"), town.book(11, property_id="prop-2")
    refused(patch(town, made, {"service_id": "boiler"}), 409, "slot_booked")
    refused(patch(town, made, {"service_id": "none"}), 404, "service_not_found")
    assert (read(town, made)["service_id"], read(town, made)["version"]) == ("leak", 1)


def test_a_manage_token_does_not_change_the_service_and_its_figures_bind(town: Town) -> None:
    made = town.book(service_id="boiler")
    token = made["manage_token"]
    refused(patch(town, made, {"service_id": "leak"}, token), 403, "forbidden")
    assert fault_codes(patch(town, made, {"duration_minutes": 60}, token)) == {("duration_minutes", "not_allowed")}
    moved = body_of(patch(town, made, {"start": rfc3339(tomorrow(14))}, token))
    assert (moved["service_id"], lengths_of(moved)) == ("boiler", LENGTHS)


@pytest.mark.parametrize("by", ["desk", "customer"])
def test_a_changed_or_removed_service_touches_nothing_that_exists(town: Town, by: str) -> None:
    made, held = town.book(service_id="boiler"), town.hold(16, service_id="boiler")
    change(town, "/services/boiler", duration_minutes=30, buffer_after_minutes=0, public=False)
    remove(town, "boiler")
    moved = body_of(
        patch(town, made, {"start": rfc3339(tomorrow(13))}, made["manage_token"] if by == "customer" else by)
    )
    assert (moved["service_id"], lengths_of(moved)) == ("boiler", LENGTHS)
    booked = body_of(town.call("POST", "/book", {"hold_id": held["hold_id"], **ALICE}))
    assert (booked["service_id"], lengths_of(booked)) == ("boiler", LENGTHS)


def test_availability_measures_with_the_service(town: Town) -> None:
    town.book(10, service_id="leak")
    free = {slot["start"]: slot["end"] for slot in _slots(town, service_id="boiler", technician_id="tech-1")}
    assert free[rfc3339(tomorrow(8))] == rfc3339(tomorrow(9, 30))  # and half an hour of travel after it
    assert rfc3339(tomorrow(8, 15)) not in free
    assert rfc3339(tomorrow(11)) not in free
    assert rfc3339(tomorrow(11, 15)) in free


def test_availability_without_a_booking_has_its_service_and_lengths(town: Town) -> None:
    made = town.book(10, service_id="boiler")
    own = {"except_booking_id": made["booking_id"], "technician_id": "tech-1"}
    free = _slots(town, key="desk", **own)
    assert {slot["end"] for slot in free if slot["start"] == made["start"]} == {made["end"]}
    shorter = _slots(town, key="desk", service_id="leak", **own)
    assert {slot["end"] for slot in shorter if slot["start"] == made["start"]} == {rfc3339(tomorrow(11))}


def _slots(town: Town, key: str = "checkout", **query: str) -> list[dict[str, Any]]:
    asked = {"property_id": "prop-1", "from": str(tomorrow().date()), **query}
    text = "&".join(f"{name}={value}" for name, value in asked.items())
    slots = body_of(town.call("GET", f"/availability?{text}", key=key))["slots"]
    return [slot for slot in slots if slot["state"] == "free"]
