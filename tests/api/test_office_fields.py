"""Notes of the office, and what other systems keep with a booking: who may set them and who sees them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.town import Town, body_of, fault_codes

FOR_ALL_OFFICES = {"metadata": {"crm.ticket": "4711", "$set": "a b"}, "external_reference": "WO-2026/17"}
OFFICE = {**FOR_ALL_OFFICES, "internal_note": "Pays late.\nBeware of the dog."}
NONE: dict[str, Any] = dict.fromkeys(OFFICE)


def book(town: Town, key: str, **fields: Any) -> Any:
    return town.call("POST", "/book", {**town.slot(), "customer": {"name": "Alice"}, **fields}, key=key)


def patch(town: Town, booking: dict[str, Any], body: dict[str, Any], key: str = "desk") -> Any:
    return town.call("PATCH", f"/bookings/{booking['booking_id']}", body, key=key, If_Match="*")


def seen(town: Town, booking: dict[str, Any], key: str) -> dict[str, Any]:
    body = body_of(town.call("GET", f"/bookings/{booking['booking_id']}", key=key))
    return {name: body.get(name) for name in OFFICE}


@pytest.mark.parametrize("key", ["desk", "admin"])
def test_staff_set_all_of_them(town: Town, key: str) -> None:
    made = body_of(book(town, key, **OFFICE))
    assert {name: made[name] for name in OFFICE} == OFFICE == seen(town, made, key)
    asked = {**town.slot(14), "reserved_by": "Dana", **OFFICE}
    assert OFFICE.items() <= body_of(town.call("POST", "/reserve", asked, key=key)).items()


def test_each_caller_sees_what_it_may_set(town: Town) -> None:
    made = body_of(book(town, "desk", **OFFICE))
    assert seen(town, made, "bot") == {**NONE, **FOR_ALL_OFFICES}
    assert seen(town, made, made["manage_token"]) == NONE
    cancelled = body_of(town.call("POST", f"/bookings/{made['booking_id']}/cancel", key=made["manage_token"]))
    assert not OFFICE.keys() & cancelled.keys()


def test_the_publishable_key_never_sees_them(town: Town) -> None:
    asked = {"hold_id": town.hold()["hold_id"], "customer": {"name": "Alice"}}
    made = body_of(town.call("POST", "/book", asked))
    assert patch(town, made, OFFICE).status_code == 200
    again = town.call("POST", "/book", asked)
    assert again.status_code == 200
    assert "Beware" not in again.text
    assert "4711" not in again.text


def test_a_bot_sets_what_is_for_programs(town: Town) -> None:
    made = body_of(book(town, "bot", **FOR_ALL_OFFICES))
    assert seen(town, made, "desk") == {**NONE, **FOR_ALL_OFFICES}
    assert fault_codes(book(town, "bot", **OFFICE)) == {("internal_note", "not_allowed")}
    assert fault_codes(patch(town, made, {"internal_note": None}, "bot")) == {("internal_note", "not_allowed")}


@pytest.mark.parametrize("name", OFFICE)
def test_strangers_set_none_of_them(town: Town, name: str) -> None:
    hold, made = town.hold(14), town.book()
    asked = {"hold_id": hold["hold_id"], "customer": {"name": "Alice"}, name: OFFICE[name]}
    assert fault_codes(town.call("POST", "/book", asked)) == {(name, "not_allowed")}
    assert fault_codes(patch(town, made, {name: OFFICE[name]}, made["manage_token"])) == {(name, "not_allowed")}
    assert town.world.bookings(_id=made["booking_id"])[0]["version"] == 1


def test_a_change_replaces_and_empties_them_and_the_history_has_both_values(town: Town) -> None:
    made = body_of(book(town, "desk", **OFFICE))
    changed = body_of(patch(town, made, {"metadata": {"crm": "1"}, "internal_note": "Paid."}))
    assert (changed["metadata"], changed["internal_note"], changed["version"]) == ({"crm": "1"}, "Paid.", 2)
    emptied = body_of(patch(town, made, {"metadata": {}, "internal_note": None, "external_reference": " "}))
    assert (emptied["version"], {name: emptied.get(name) for name in OFFICE}) == (3, NONE)
    edit, empty = emptied["history"][-2:]
    assert edit["changes"] == {
        "metadata": {"from": OFFICE["metadata"], "to": {"crm": "1"}},
        "internal_note": {"from": OFFICE["internal_note"], "to": "Paid."},
    }
    assert empty["changes"] == {
        "metadata": {"from": {"crm": "1"}, "to": None},
        "internal_note": {"from": "Paid.", "to": None},
        "external_reference": {"from": "WO-2026/17", "to": None},
    }
    assert body_of(patch(town, made, NONE))["version"] == 3


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("internal_note", "x" * 4001, "too_long"),
        ("external_reference", "x" * 65, "too_long"),
        ("metadata", {str(number): "" for number in range(21)}, "too_long"),
        ("metadata", {"x" * 41: ""}, "too_long"),
        ("metadata", {"x": "x" * 501}, "too_long"),
        ("metadata", {"x": 1}, "wrong_type"),
        ("metadata", {"": "x"}, "too_short"),
        ("external_reference", "a\nb", "bad_text"),
    ],
)
def test_they_are_bounded(town: Town, field: str, value: Any, code: str) -> None:
    ((name, found),) = fault_codes(book(town, "desk", **{field: value}))
    assert (name.partition(".")[0], found) == (field, code)


def test_they_may_be_as_long_as_the_bounds_say(town: Town) -> None:
    longest = {
        "internal_note": "é" * 4000,
        "external_reference": "x" * 64,
        "metadata": {f"{number:040}": "x" * 500 for number in range(20)},
    }
    assert longest.items() <= body_of(book(town, "desk", **longest)).items()


def test_erasing_a_person_erases_the_note(town: Town) -> None:
    made = body_of(book(town, "desk", **OFFICE))
    assert patch(town, made, {"internal_note": "Alice is ill."}).status_code == 200
    erased = town.call("POST", f"/bookings/{made['booking_id']}/erase", key="admin")
    assert body_of(erased)["bookings"] == 1
    (document,) = town.world.bookings(_id=made["booking_id"])
    assert "ill" not in str(document)
    assert "Pays late" not in str(document)
    assert document["external_reference"] == "WO-2026/17"


@pytest.mark.parametrize("priority", ["low", "medium", "high"])
def test_a_manage_token_sets_a_priority_but_no_emergency(town: Town, priority: str) -> None:
    made = town.book()
    assert body_of(patch(town, made, {"priority": priority}, made["manage_token"]))["priority"] == priority
    refused = patch(town, made, {"priority": "emergency"}, made["manage_token"])
    assert fault_codes(refused) == {("priority", "not_allowed")}
