"""The desk in a browser: people sign in, see the day as it happens, and book, move and cancel by mouse or keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.pages.site import DESKTOP, PHONE, Company, Visitor
from tests.pages.test_looks import faults
from tests.world import rfc3339, tomorrow

NewVisitor = Callable[..., Visitor]
PASSWORD = "a long and plain password"
DAY = f"{tomorrow():%Y-%m-%d}"


def sits(company: Company, new_visitor: NewVisitor, name: str = "Dora", **options: Any) -> Visitor:
    """A receptionist who has signed in and sees the board of tomorrow."""
    email = f"{name.lower()}@{company.world.org}.example"
    body = {"id": f"{name.lower()}", "name": name, "email": email, "role": "desk", "password": PASSWORD}
    assert company.ask("POST", "/users", body, role="admin").status == 201
    person = new_visitor(**{"viewport": DESKTOP, **options})
    person.page.goto(company.address("/desk", date=DAY))
    person.page.get_by_label("E-mail").fill(email)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.press("Sign in")
    expect(person.page.locator("#grid")).to_be_visible()
    return person


def booked(company: Company, hour: int = 10, technician_id: str = "tech-1", **fields: Any) -> str:
    slot = {"property_id": "prop-1", "technician_id": technician_id, "start": rfc3339(tomorrow(hour))}
    made = company.ask("POST", "/book", {**slot, "customer": {"name": "Ann Example"}, **fields})
    assert made.status == 201, made.body
    return str(made.body["booking_id"])


def card(person: Visitor, name: str = "Ann Example") -> Locator:
    return person.page.locator(".entry", has_text=name)


def lift(person: Visitor) -> None:
    """Drags Ann's visit of 10:00 to an hour later, where it is free, and holds it there."""
    card(person).scroll_into_view_if_needed()
    box = card(person).bounding_box()
    assert box
    mouse = person.page.mouse
    mouse.move(box["x"] + 30, box["y"] + 10)
    mouse.down()
    mouse.move(box["x"] + 30, box["y"] + 10 + box["height"], steps=4)
    expect(person.page.locator(".ghost")).to_contain_text("11:00 free")


def start_of(company: Company, booking_id: str) -> Any:
    return company.ask("GET", f"/bookings/{booking_id}").body["start"]


def said(person: Visitor, text: str) -> None:
    expect(person.page.locator("#log")).to_contain_text(text)


def picks(person: Visitor, name: str) -> None:
    """Finds a property by the beginning of its name."""
    person.page.get_by_role("combobox", name="Property").fill(name)
    person.page.get_by_role("option", name=name).click()


def test_a_wrong_password_is_said_and_lets_nobody_in(company: Company, new_visitor: NewVisitor) -> None:
    person = new_visitor(viewport=DESKTOP)
    person.page.goto(company.address("/desk"))
    person.page.get_by_label("E-mail").fill("nobody@example.com")
    person.page.get_by_label("Password").fill("a wrong password")
    person.press("Sign in")
    expect(person.page.get_by_role("alert")).to_be_visible()
    expect(person.page.locator("#grid")).to_have_count(0)


def test_the_board_shows_what_others_do_as_it_happens(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor)
    booking_id = booked(company)
    expect(card(person)).to_contain_text("10:00–11:00")
    tenant = new_visitor().opens(property="prop-2", **{"from": DAY}).at("When suits you?").holds()
    held = person.page.locator(".entry.held")
    expect(held).to_contain_text("Held: web")
    expect(held.locator(".left")).to_contain_text(re.compile(r"\d:\d\d"))
    company.ask("POST", f"/bookings/{booking_id}/cancel")
    expect(card(person)).to_have_count(0)
    held.click()
    person.press("Release the hold")
    said(person, "The hold is released.")
    tenant.says("Your time was let go, by the office")


def test_a_visit_is_dragged_and_put_back(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    person = sits(company, new_visitor)
    card(person).scroll_into_view_if_needed()
    box = card(person).bounding_box()
    assert box
    mouse, hour = person.page.mouse, box["height"]
    mouse.move(box["x"] + 30, box["y"] + 10)
    mouse.down()
    mouse.move(box["x"] + 30, box["y"] + 40, steps=4)
    mouse.move(box["x"] + 30, box["y"] + 10 + hour, steps=4)
    expect(person.page.locator(".ghost")).to_contain_text("11:00 free")
    mouse.up()
    said(person, "Ann Example is on")
    assert start_of(company, booking_id) == rfc3339(tomorrow(11))
    person.press("Undo")
    said(person, "It is as it was.")
    assert start_of(company, booking_id) == rfc3339(tomorrow(10))


def test_a_taken_place_is_said_before_the_drop_and_nothing_changes(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    booked(company, 11, property_id="prop-2", customer={"name": "Erik Example"})
    person = sits(company, new_visitor)
    card(person).focus()
    for key in ("m", "ArrowDown", "ArrowDown"):
        person.page.keyboard.press(key)
    expect(person.page.locator(".ghost")).to_contain_text("Erik Example at 11:00")
    person.page.keyboard.press("Enter")
    said(person, "Not moved: Erik Example at 11:00.")
    assert start_of(company, booking_id) == rfc3339(tomorrow(10))


def test_a_drag_onto_a_taken_place_changes_nothing(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    booked(company, 11, property_id="prop-2", customer={"name": "Erik Example"})
    person = sits(company, new_visitor)
    card(person).scroll_into_view_if_needed()
    box: Any = card(person).bounding_box()
    mouse = person.page.mouse
    mouse.move(box["x"] + 30, box["y"] + 10)
    mouse.down()
    mouse.move(box["x"] + 30, box["y"] + 10 + box["height"], steps=4)
    expect(person.page.locator(".ghost")).to_contain_text("Erik Example at 11:00")
    mouse.up()
    said(person, "Not moved: Erik Example at 11:00.")
    assert start_of(company, booking_id) == rfc3339(tomorrow(10))


def test_a_visit_that_two_desks_change_shows_both_versions(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    person = sits(company, new_visitor)
    card(person).click()
    person.press("Edit")
    person.page.get_by_label("Office note").fill("Ring twice")
    changed = company.ask("PATCH", f"/bookings/{booking_id}", {"internal_note": "Dog"}, If_Match='"1"')
    assert changed.status == 200
    person.says("Somebody else has just changed this visit.").press("Save")
    person.says("Somebody else changed this visit while you did.")
    expect(person.page.get_by_role("cell", name="Dog")).to_be_visible()
    assert company.ask("GET", f"/bookings/{booking_id}").body["internal_note"] == "Dog"
    person.press("Take yours")
    said(person, "The visit of Ann Example is changed.")
    assert company.ask("GET", f"/bookings/{booking_id}").body["internal_note"] == "Ring twice"


def test_everything_goes_by_keyboard_alone(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    person = sits(company, new_visitor)
    keys = person.page.keyboard
    card(person).focus()
    for key in ("m", "ArrowDown", "ArrowRight", "Enter"):
        keys.press(key)
    said(person, "Ann Example is on")
    moved = company.ask("GET", f"/bookings/{booking_id}").body
    assert (moved["start"], moved["technician_id"]) == (rfc3339(tomorrow(10, 15)), "tech-2")
    card(person).focus()
    keys.press("x")
    person.page.get_by_label("Reason").fill("Not needed")
    keys.press("Enter")
    said(person, "is cancelled.")
    person.page.locator(".gap").first.focus()
    keys.press("u")
    said(person, "It is as it was.")
    shown = company.ask("GET", f"/bookings/{booking_id}").body
    assert (shown["status"], shown["history"][-1]["by"]) == ("confirmed", "desk:dora")
    person.page.locator(".gap").first.focus()
    keys.press("?")
    person.says("Keys on the board")
    keys.press("Escape")
    expect(person.page.locator("#panel")).to_be_hidden()


def test_a_visit_is_booked_by_form_and_what_is_missing_is_said(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor)
    person.press("New visit")
    person.page.locator("#panel").get_by_role("button", name="Book", exact=True).click()
    expect(person.page.locator("#panel .fault").first).to_have_text("Please fill this in.")
    picks(person, "House 1")
    person.page.get_by_label("Time").fill("14:00")
    for name in ("Technician 1", "Technician 2"):
        person.page.locator("#panel").get_by_label(name).check()
    person.page.get_by_label("Name", exact=True).fill("Roof check")
    person.page.locator("#panel").get_by_role("button", name="Book", exact=True).click()
    said(person, "Roof check is booked")
    expect(card(person, "Roof check")).to_have_count(2)
    expect(card(person, "Roof check").first).to_contain_text("crew of 2")


def test_search_finds_a_visit_by_the_end_of_its_phone(company: Company, new_visitor: NewVisitor) -> None:
    booked(company, customer={"name": "Ann Example", "phone": "+45 20 12 01 01"})
    person = sits(company, new_visitor)
    person.page.get_by_label("Name, phone, booking").fill("0101")
    person.page.keyboard.press("Enter")
    person.page.locator("#panel").get_by_role("button", name="Ann Example").click()
    expect(person.page.locator("#panel")).to_contain_text("10:00–11:00")


def test_the_week_says_how_much_is_booked(company: Company, new_visitor: NewVisitor) -> None:
    booked(company)
    person = sits(company, new_visitor)
    person.press("Week")
    expect(person.page.locator(".week-load")).to_contain_text("1 visit, 1 h")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_at_the_desk(company: Company, new_visitor: NewVisitor, size: Any) -> None:
    booked(company)
    company.ask(
        "POST",
        "/reserve",
        {"property_id": "prop-2", "technician_id": "tech-2", "start": rfc3339(tomorrow(12)), "reserved_by": "Erik"},
    )
    person = sits(company, new_visitor, viewport=size)
    assert faults(person) == []
    card(person).click()
    assert faults(person) == []
    person.press("Move")
    assert faults(person) == []


def test_a_session_that_ended_asks_to_sign_in_again(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor)
    person.context.clear_cookies()
    person.press("Week")
    expect(person.page.get_by_label("Password")).to_be_visible()
