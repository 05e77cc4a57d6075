"""PATCH /bookings/{booking_id}."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.town import EVERYBODY, Town, body_of, fault_codes, refused
from tests.world import rfc3339, tomorrow

ANY = "*"


def patch(town: Town, booking: dict[str, Any], body: Any, key: str | None = "desk", match: str = '"1"') -> TestResponse:
    return town.call("PATCH", f"/bookings/{booking['booking_id']}", body, key=key, If_Match=match)


def at(hour: int, minute: int = 0) -> str:
    return rfc3339(tomorrow(hour, minute))


def test_it_moves_a_visit(town: Town) -> None:
    made = town.book(buffer_after_minutes=30)
    reply = patch(town, made, {"start": at(14), "technician_id": "tech-2", "duration_minutes": 90})
    body = body_of(reply)
    assert (reply.status_code, reply.headers["ETag"]) == (200, '"2"')
    changed = {
        "version": 2,
        "start": at(14),
        "end": at(15, 30),
        "duration_minutes": 90,
        "technician_id": "tech-2",
        "technician_ids": ["tech-2"],
        "requested_start": at(14),
        "updated_at": body["updated_at"],
    }
    assert {name: body[name] for name in made if name != "manage_token"} == {
        name: value for name, value in (made | changed).items() if name != "manage_token"
    }
    assert "manage_token" not in body
    assert body["history"][-1]["action"] == "move"
    assert body["history"][-1]["changes"]["start"] == {"from": at(10), "to": at(14)}
    (stored,) = town.world.bookings()
    assert (stored["version"], len(stored["claims"])) == (2, 6 + 8)
    assert {mark.split("|")[0] for mark in town.world.marks().values()} == {"booked"}
    assert len(town.world.marks()) == 6 + 8
    again = town.call("GET", f"/bookings/{made['booking_id']}", key="desk")
    assert (body_of(again), again.headers["ETag"]) == (body, '"2"')
    town.book()


def test_it_changes_details(town: Town) -> None:
    made = town.book()
    details = {"customer": {"name": "Bea", "email": "bea@example.org"}, "description": "Ring.", "priority": "emergency"}
    body = body_of(patch(town, made, details))
    assert {name: body[name] for name in details} == details
    assert (body["version"], body["start"], body["history"][-1]["action"]) == (2, made["start"], "edit")


def test_admission(town: Town) -> None:
    made = town.book()
    town.check_admission("PATCH", f"/bookings/{made['booking_id']}", {"start": at(14)}, roles=EVERYBODY - {"checkout"})
    assert town.world.bookings()[0]["version"] == 1
    assert patch(town, made, {"start": at(14)}, "bot").status_code == 200


def test_without_if_match_nothing_changes(town: Town) -> None:
    path = f"/bookings/{town.book()['booking_id']}"
    refused(town.call("PATCH", path, {"start": at(14)}, key="desk"), 428, "precondition_required")
    assert town.world.bookings()[0]["version"] == 1


@pytest.mark.parametrize("stale", ['"2"', '"0"', '"other"', '""', 'W/"2"'])
def test_a_stale_version_is_refused(town: Town, stale: str) -> None:
    made = town.book()
    refused(patch(town, made, {"start": at(14)}, match=stale), 412, "version_conflict")
    refused(patch(town, made, {"description": "new"}, match=stale), 412, "version_conflict")
    assert town.world.bookings()[0]["version"] == 1


@pytest.mark.parametrize("match", ['"1"', 'W/"1"', ANY])
def test_the_current_version_and_any_are_good(town: Town, match: str) -> None:
    reply = patch(town, town.book(), {"start": at(14)}, match=match)
    assert (reply.status_code, reply.headers["ETag"]) == (200, '"2"')


@pytest.mark.parametrize("match", ["1", '"1", "2"', "'1'", ""])
def test_a_bad_if_match_is_a_fault(town: Town, match: str) -> None:
    assert fault_codes(patch(town, town.book(), {"start": at(14)}, match=match)) == {("If-Match", "bad_if_match")}


@pytest.mark.parametrize(
    "body", [{}, {"start": at(10)}, {"start": at(10).replace("Z", "+00:00"), "priority": "medium"}]
)
def test_a_change_to_the_same_values_keeps_the_version(town: Town, body: dict[str, Any]) -> None:
    made = town.book()
    reply = patch(town, made, body)
    assert (reply.status_code, reply.headers["ETag"], body_of(reply)["updated_at"]) == (200, '"1"', made["updated_at"])


def test_a_repeat_gets_the_first_answer(town: Town) -> None:
    made = town.book()
    for version, body in (("1", {"start": at(14)}), ("2", {"description": "new"})):
        first = patch(town, made, body, match=f'"{version}"')
        again = patch(town, made, body, match=f'"{version}"')
        assert (again.status_code, body_of(again), again.headers["ETag"]) == (
            200,
            body_of(first),
            first.headers["ETag"],
        )
    refused(patch(town, made, {"start": at(14)}, match='"1"'), 412, "version_conflict")


@pytest.mark.parametrize("holder", ["hold", "booking"])
def test_a_taken_slot_is_refused_with_its_conflicts(town: Town, holder: str) -> None:
    made = town.book()
    (town.hold if holder == "hold" else town.book)(14, technician_id="tech-2")
    problem = refused(patch(town, made, {"start": at(14, 30)}), 409, "slot_held" if holder == "hold" else "slot_booked")
    (conflict,) = problem["conflicts"]
    assert (conflict["kind"], conflict["id"], conflict["start"], conflict["end"]) == (
        *("property", "prop-1", at(14), at(15)),
    )
    assert str(made["booking_id"]) not in str(problem)
    assert town.world.bookings(_id=made["booking_id"])[0]["version"] == 1
    assert patch(town, made, {"start": at(15)}).status_code == 200


def test_the_catalogue_refuses_a_move_as_it_refuses_a_hold(town: Town) -> None:
    made = town.book()
    refused(patch(town, made, {"property_id": "prop-9"}), 404, "property_not_found")
    refused(patch(town, made, {"technician_id": "tech-9"}), 404, "technician_not_found")
    refused(patch(town, made, {"start": "2099-01-01T10:00:00Z"}), 409, "too_far_ahead")
    town.call("PATCH", "/technicians/tech-2", {"status": "unavailable"}, key="desk")
    refused(patch(town, made, {"technician_id": "tech-2"}), 409, "technician_unavailable")
    assert town.world.bookings()[0]["version"] == 1


def test_every_fault_is_named_at_once(town: Town) -> None:
    made = town.book()
    body = {
        "start": "2020-01-01T10:07:00Z",
        "duration_minutes": 7,
        "buffer_before_minutes": -1,
        "technician_id": None,
        "customer": {"name": ""},
        "priority": "urgent",
        "status": "cancelled",
        "fallback": "none",
    }
    reply = town.call("PATCH", f"/bookings/{made['booking_id']}", body, key="desk", If_Match="1")
    assert fault_codes(reply) == {
        ("start", "off_grid"),
        ("start", "past_start"),
        ("duration_minutes", "off_grid"),
        ("buffer_before_minutes", "out_of_range"),
        ("customer.name", "too_short"),
        ("priority", "not_allowed"),
        ("status", "unknown_field"),
        ("fallback", "unknown_field"),
        ("If-Match", "bad_if_match"),
    }
    assert town.world.bookings()[0]["version"] == 1


@pytest.mark.parametrize(
    "name",
    [
        *("start", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "technician_id"),
        *("property_id", "customer", "priority"),
    ],
)
def test_null_changes_nothing(town: Town, name: str) -> None:
    made = town.book()
    reply = patch(town, made, {name: None})
    assert (reply.status_code, body_of(reply)["version"], body_of(reply)[name]) == (200, 1, made[name])


def test_null_empties_the_description(town: Town) -> None:
    made = town.book(description="Ring twice.")
    changed = body_of(patch(town, made, {"description": None, "priority": None}))
    assert (changed["description"], changed["priority"], changed["version"]) == ("", "medium", 2)


@pytest.mark.parametrize(
    "body", [{"start": "2020-01-01T10:07:00Z", "duration_minutes": 500}, {"start": at(10, 7), "duration_minutes": 500}]
)
def test_faults_that_only_the_policy_sees_are_named_at_once_too(town: Town, body: dict[str, Any]) -> None:
    codes = fault_codes(patch(town, town.book(), body))
    assert {("start", "off_grid"), ("duration_minutes", "off_grid"), ("duration_minutes", "too_long")} <= codes
    assert (("start", "past_start") in codes) == body["start"].startswith("2020")


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_a_body_is_an_object(town: Town, body: Any) -> None:
    reply = patch(town, town.book(), body)
    assert reply.status_code == 400, reply.text


def test_an_ended_booking_is_not_changed(town: Town) -> None:
    made = town.book()
    town.call("POST", f"/bookings/{made['booking_id']}/cancel", key="desk")
    refused(patch(town, made, {"start": at(14)}, match='"2"'), 409, "invalid_transition")
    refused(patch(town, made, {"description": "new"}, match=ANY), 409, "invalid_transition")
    refused(patch(town, made, {"start": at(14)}, match='"1"'), 412, "version_conflict")


def test_a_customer_moves_their_own_booking_with_the_manage_token(town: Town) -> None:
    made, other = town.book(), town.book(12)
    token = made["manage_token"]
    refused(patch(town, other, {"start": at(14)}, token), 404, "booking_not_found")
    refused(patch(town, made, {"property_id": "prop-2"}, token), 403, "forbidden")
    body = body_of(patch(town, made, {"start": at(14), "duration_minutes": 30, "customer": {"name": "Bea"}}, token))
    assert (body["version"], body["start"], body["customer"]["name"]) == (2, at(14), "Bea")
    assert "history" not in body
    history = body_of(town.call("GET", f"/bookings/{made['booking_id']}", key="desk"))["history"]
    assert history[-1]["by"].startswith("customer:")


def test_a_customer_moves_nothing_inside_the_cancellation_window(town: Town) -> None:
    made = town.book()
    assert town.call("PATCH", "/policy", {"cancel_window_minutes": 4320}, key="admin").status_code == 200
    refused(patch(town, made, {"start": at(14)}, made["manage_token"]), 409, "too_late")
    refused(patch(town, made, {"start": at(14)}, "bot"), 409, "too_late")
    assert patch(town, made, {"start": at(14)}, "desk").status_code == 200


def test_another_orgs_and_a_missing_booking_are_not_found(town: Town) -> None:
    made = town.book()
    refused(patch(town, made, {"start": at(14)}, "rival"), 404, "booking_not_found")
    refused(patch(town, {"booking_id": "bk_nobody"}, {"start": at(14)}), 404, "booking_not_found")


def test_a_reservation_keeps_its_deadline(town: Town) -> None:
    made = body_of(town.call("POST", "/reserve", town.slot() | {"reserved_by": "Dr. Who"}, key="desk"))
    body = body_of(patch(town, made, {"start": at(14)}))
    assert (body["status"], body["reserved_until"], body["start"]) == ("pending", made["reserved_until"], at(14))


def test_of_two_changes_of_one_version_the_second_is_refused(town: Town) -> None:
    made = town.book()
    assert patch(town, made, {"start": at(14)}).status_code == 200
    refused(patch(town, made, {"start": at(16)}), 412, "version_conflict")
    refused(patch(town, made, {"start": at(14)}, "bot"), 412, "version_conflict")
    assert town.world.bookings()[0]["version"] == 2
