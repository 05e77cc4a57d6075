"""What `conflicts` name beside the resources: the caller's own hold, and for staff the hold or booking itself."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.holds.conflicts import OWN_BOOKING, OWN_HOLD
from tests.api.town import ALICES_BROWSER, Town, body_of, refused
from tests.bookings.evidence import lapse

CAROLS_BROWSER = "web-0000000000000001"
STAFF = ("desk", "admin")


def blocks(reply: TestResponse, code: str = "slot_held") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = refused(reply, 409, code)["conflicts"]
    return found


def hold(town: Town, key: str = "checkout", **changed: Any) -> TestResponse:
    return town.call("POST", "/hold", town.slot(**changed), key=key)


@pytest.mark.parametrize("key", STAFF)
def test_staff_see_which_hold_it_is_and_can_release_it(town: Town, key: str) -> None:
    held = town.hold(holder=ALICES_BROWSER)
    found = blocks(hold(town, key))
    assert [block["hold_id"] for block in found] == [held["hold_id"]] * 2
    assert not any("booking_id" in block or "yours" in block for block in found)
    assert town.call("DELETE", f"/hold/{found[0]['hold_id']}", key=key).status_code == 204
    assert hold(town, key).status_code == 201


@pytest.mark.parametrize("key", STAFF)
def test_staff_see_which_booking_it_is(town: Town, key: str) -> None:
    booked, held = town.book(), town.hold(12)
    direct = town.slot(11, duration_minutes=120) | {"customer": {"name": "Bob"}}
    assert [block["booking_id"] for block in blocks(hold(town, key), "slot_booked")] == [booked["booking_id"]] * 2
    assert [block["hold_id"] for block in blocks(town.call("POST", "/book", direct, key=key))] == [held["hold_id"]] * 2
    path = f"/bookings/{town.book(14)['booking_id']}"
    moved = town.call("PATCH", path, {"start": town.slot(12)["start"]}, key=key, If_Match="*")
    assert {block["hold_id"] for block in blocks(moved)} == {held["hold_id"]}


@pytest.mark.parametrize("key", ["checkout", "bot"])
def test_other_keys_see_neither(town: Town, key: str) -> None:
    held, booked = town.hold(holder=ALICES_BROWSER), town.book(12)
    replies = [hold(town, key, holder=CAROLS_BROWSER), hold(town, key, hour=12, holder=CAROLS_BROWSER)]
    for reply in replies:
        assert reply.status_code == 409
        assert held["hold_id"] not in reply.text
        assert booked["booking_id"] not in reply.text
        assert "yours" not in reply.text


@pytest.mark.parametrize("key", ["checkout", "bot", "desk"])
def test_ones_own_hold_is_named_as_such(town: Town, key: str) -> None:
    town.hold(key=key, holder=ALICES_BROWSER)
    reply = hold(town, key, minute=15, holder=ALICES_BROWSER)
    assert [block["yours"] for block in blocks(reply)] == [True, True]
    assert body_of(reply)["detail"] == OWN_HOLD


def test_another_hold_of_the_same_key_is_not_ones_own(town: Town) -> None:
    town.hold(holder=ALICES_BROWSER)
    for asked in ({"holder": CAROLS_BROWSER}, {}):
        assert not any("yours" in block for block in blocks(hold(town, minute=15, **asked)))


def test_without_a_holder_no_hold_is_ones_own(town: Town) -> None:
    town.hold()
    assert not any("yours" in block for block in blocks(hold(town)))


def test_beside_ones_own_hold_another_is_told_from_it(town: Town) -> None:
    town.hold(holder=ALICES_BROWSER, technician_id="tech-2")
    town.hold(holder=CAROLS_BROWSER, property_id="prop-2")
    reply = hold(town, holder=ALICES_BROWSER)
    assert {block["kind"]: block.get("yours") for block in blocks(reply)} == {"property": True, "technician": None}
    assert body_of(reply)["detail"] != OWN_HOLD


def book_held(town: Town, key: str = "checkout", hour: int = 10, **changed: Any) -> dict[str, Any]:
    """A booking of a hold, as answered."""
    held = town.hold(hour, key=key, holder=ALICES_BROWSER, **changed)
    reply = town.call("POST", "/book", {"hold_id": held["hold_id"], "customer": {"name": "Alice"}}, key=key)
    assert reply.status_code == 201, reply.text
    return body_of(reply)


@pytest.mark.parametrize("key", ["checkout", "bot", "desk"])
@pytest.mark.parametrize("asked", [{}, {"minute": 15}, {"duration_minutes": 30}, {"technician_id": None}])
def test_ones_own_booking_is_named_as_such(town: Town, key: str, asked: dict[str, Any]) -> None:
    booked = book_held(town, key)
    reply = hold(town, key, holder=ALICES_BROWSER, **asked)
    found = blocks(reply, "slot_booked")
    assert found
    assert all(block["yours"] for block in found)
    assert body_of(reply)["detail"] == OWN_BOOKING
    shown = {block.get("booking_id") for block in found}
    assert shown == {booked["booking_id"] if key == "desk" else None}


def test_a_booking_that_moves_stays_ones_own(town: Town) -> None:
    booked = book_held(town)
    moved = town.call(
        "PATCH", f"/bookings/{booked['booking_id']}", {"start": town.slot(14)["start"]}, key="desk", If_Match="*"
    )
    assert moved.status_code == 200
    assert [block["yours"] for block in blocks(hold(town, hour=14, holder=ALICES_BROWSER), "slot_booked")] == [True] * 2
    assert hold(town, holder=ALICES_BROWSER).status_code == 201


def test_a_booking_of_an_expired_hold_is_ones_own(town: Town) -> None:
    hold_id = town.hold(holder=ALICES_BROWSER)["hold_id"]
    lapse(town.world, hold_id)
    body = {"hold_id": hold_id, "customer": {"name": "Alice"}, "if_expired": "book_if_free"}
    assert town.call("POST", "/book", body).status_code == 201
    assert all(block["yours"] for block in blocks(hold(town, holder=ALICES_BROWSER), "slot_booked"))


def test_another_booking_is_nobody_elses_to_know(town: Town) -> None:
    """Neither another holder nor a request without a holder finds one, nor the same holder with another key."""
    booked = book_held(town)
    replies = [hold(town, holder=CAROLS_BROWSER), hold(town), hold(town, "bot", holder=ALICES_BROWSER)]
    for reply in replies:
        assert not any("yours" in block for block in blocks(reply, "slot_booked"))
        assert body_of(reply)["detail"] != OWN_BOOKING
        assert booked["booking_id"] not in reply.text
    town.book(14)
    assert not any("yours" in block for block in blocks(hold(town, hour=14, holder=ALICES_BROWSER), "slot_booked"))


def test_ones_own_booking_of_the_technician_is_not_the_reason_where_the_property_is_booked(town: Town) -> None:
    book_held(town, property_id="prop-2")
    town.book(technician_id="tech-2")
    reply = hold(town, holder=ALICES_BROWSER)
    assert {block["kind"]: block.get("yours") for block in blocks(reply, "slot_booked")} == {
        "property": None,
        "technician": True,
    }
    assert body_of(reply)["detail"] != OWN_BOOKING
    alone = hold(town, holder=ALICES_BROWSER, property_id="prop-3")
    assert body_of(alone)["detail"] == OWN_BOOKING


PHONE = {"name": "Alice", "phone": "+354 555 0101"}


def book_by_text(town: Town, phone: str, *, key: str = "bot", **fields: Any) -> TestResponse:
    asked = {**town.slot(**fields), "customer": {**PHONE, "phone": phone}}
    return town.call("POST", "/book", asked, key=key)


@pytest.mark.parametrize("spelled", ["+354 555 0101", "+3545550101", "00354-555-0101"])
def test_a_second_message_from_a_phone_learns_that_the_booking_is_its_own(town: Town, spelled: str) -> None:
    assert book_by_text(town, PHONE["phone"]).status_code == 201
    problem = refused(book_by_text(town, spelled), 409, "slot_booked")
    assert problem["detail"].startswith("You have booked")
    assert {block["yours"] for block in problem["conflicts"]} == {True}
    assert not any("booking_id" in block for block in problem["conflicts"])


def test_a_bot_that_holds_for_the_phone_learns_it_too(town: Town) -> None:
    assert book_by_text(town, PHONE["phone"]).status_code == 201
    asked = town.slot(holder="+3545550101")
    assert {block["yours"] for block in blocks(town.call("POST", "/hold", asked, key="bot"), "slot_booked")} == {True}


def test_another_phone_and_another_key_do_not_learn_whose_it_is(town: Town) -> None:
    assert book_by_text(town, PHONE["phone"]).status_code == 201
    assert not any("yours" in block for block in blocks(book_by_text(town, "+354 555 0102"), "slot_booked"))
    assert not any("yours" in block for block in blocks(book_by_text(town, PHONE["phone"], key="desk"), "slot_booked"))
    for holder in (PHONE["phone"], "+3545550101", "+3545550101    "):
        asked = town.slot(holder=holder.ljust(16, "0"))
        assert not any("yours" in block for block in blocks(town.call("POST", "/hold", asked), "slot_booked"))
