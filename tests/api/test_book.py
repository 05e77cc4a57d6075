"""POST /book."""

from __future__ import annotations

from typing import Any

from tests.api.town import ALICES_BROWSER, EVERYBODY, Town, body_of, fault_codes, refused, visit_at_ten
from tests.world import rfc3339, tomorrow

ALICE = {"name": "Alice", "phone": "+1 555 0100"}


def confirmation(hold: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"hold_id": hold["hold_id"], "customer": ALICE} | more


def test_it_books_a_held_slot(town: Town) -> None:
    held = town.hold(holder=ALICES_BROWSER)
    reply = town.call("POST", "/book", confirmation(held, description="The tap drips.", priority="high"))
    body = body_of(reply)
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/bookings/{body['booking_id']}"
    assert reply.headers["ETag"] == '"1"'
    assert body["created_at"] == body["updated_at"]
    assert body["manage_token"].startswith("hfm_")
    assert {
        name: body[name] for name in body if name not in ("created_at", "updated_at", "manage_token", "booking_id")
    } == {
        "status": "confirmed",
        **visit_at_ten(),
        "customer": ALICE,
        "description": "The tap drips.",
        "priority": "high",
        "source": "web",
        "version": 1,
        "hold_id": held["hold_id"],
    }
    (stored,) = town.world.bookings()
    assert (stored["_id"], stored["active"], len(stored["claims"])) == (body["booking_id"], True, 8)
    assert {mark.split("|")[0] for mark in town.world.marks().values()} == {"booked"}


def test_it_books_directly(town: Town) -> None:
    for hour, key, source in ((8, "bot", "sms"), (10, "desk", "desk"), (12, "admin", "api")):
        body = town.book(hour, key=key)
        assert (body["source"], body["hold_id"], body["start"]) == (source, None, rfc3339(tomorrow(hour)))


def test_admission(town: Town) -> None:
    town.check_admission("POST", "/book", town.slot() | {"customer": ALICE}, roles=EVERYBODY - {"checkout"})
    assert town.world.bookings() == []


def test_the_publishable_key_books_only_what_it_holds(town: Town) -> None:
    refused(town.call("POST", "/book", town.slot() | {"customer": ALICE}), 403, "forbidden")
    reply = town.call("POST", "/book", town.slot() | confirmation(town.hold()))
    assert reply.status_code == 201


def test_booking_a_booked_hold_gives_the_same_booking(town: Town) -> None:
    held = town.hold()
    first = town.call("POST", "/book", confirmation(held))
    again = town.call("POST", "/book", confirmation(held))
    assert (again.status_code, body_of(again)) == (200, body_of(first))
    assert again.headers["ETag"] == '"1"'
    assert len(town.world.bookings()) == 1


def test_an_idempotency_key_gives_the_first_answer_again(town: Town) -> None:
    wanted = town.slot() | {"customer": ALICE}
    first = town.call("POST", "/book", wanted, key="bot", Idempotency_Key="sms-1")
    again = town.call("POST", "/book", wanted, key="bot", Idempotency_Key="sms-1")
    assert (first.status_code, again.status_code, body_of(again)) == (201, 201, body_of(first))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == '"1"'
    other = town.slot(12) | {"customer": ALICE}
    refused(town.call("POST", "/book", other, key="bot", Idempotency_Key="sms-1"), 422, "idempotency_key_reused")
    assert len(town.world.bookings()) == 1


def test_a_held_slot_is_not_booked_by_another(town: Town) -> None:
    town.hold()
    body = refused(town.call("POST", "/book", town.slot() | {"customer": ALICE}, key="desk"), 409, "slot_held")
    assert len(body["conflicts"]) == 2
    assert town.world.bookings() == []


def test_a_booked_slot_is_not_booked_again(town: Town) -> None:
    town.book()
    wanted = town.slot(technician_id="tech-2", suggest=1) | {"customer": ALICE}
    body = refused(town.call("POST", "/book", wanted, key="desk"), 409, "slot_booked")
    assert [block["id"] for block in body["conflicts"]] == ["prop-1"]
    assert body["next_available"][0]["start"] == rfc3339(tomorrow(11))
    assert len(town.world.bookings()) == 1


def test_another_keys_hold_is_not_confirmed(town: Town) -> None:
    held = town.hold()
    refused(town.call("POST", "/book", confirmation(held), key="bot"), 403, "forbidden")
    assert town.world.bookings() == []


def test_another_orgs_hold_or_a_missing_one_is_not_found(town: Town) -> None:
    refused(town.call("POST", "/book", confirmation(town.hold()), key="rival"), 404, "hold_not_found")
    refused(town.call("POST", "/book", {"hold_id": "h_nobody", "customer": ALICE}), 404, "hold_not_found")


def test_a_released_hold_is_gone(town: Town) -> None:
    held = town.hold()
    town.call("DELETE", f"/hold/{held['hold_id']}")
    refused(town.call("POST", "/book", confirmation(held)), 410, "hold_released")


def test_every_fault_is_named_at_once(town: Town) -> None:
    body = {"customer": {"phone": "call me"}, "priority": "urgent", "start": rfc3339(tomorrow(10, 7)), "colour": "red"}
    assert fault_codes(town.call("POST", "/book", body, key="desk")) == {
        ("customer.name", "missing"),
        ("customer.phone", "bad_phone"),
        ("priority", "not_allowed"),
        ("start", "off_grid"),
        ("colour", "unknown_field"),
        ("body", "missing"),
    }
    assert fault_codes(town.call("POST", "/book", {"hold_id": "a b", "customer": ALICE})) == {("hold_id", "bad_id")}


def test_history_is_for_staff(town: Town) -> None:
    assert "history" not in town.book(8, key="bot")
    (made,) = town.book(10, key="desk")["history"]
    assert made["action"]
    assert made["at"].endswith("Z")
