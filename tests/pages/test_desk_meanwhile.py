"""The desk in a browser, while the day changes under the hand: nothing moves that was not meant, and focus stays."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.pages.site import DESKTOP, Company, Visitor
from tests.pages.test_desk import booked, card, lift, said, sits, start_of
from tests.world import rfc3339, tomorrow

NewVisitor = Callable[..., Visitor]
TEN, QUARTER_PAST = rfc3339(tomorrow(10)), rfc3339(tomorrow(10, 15))


def moves_by_a_quarter(person: Visitor) -> None:
    card(person).focus()
    for key in ("m", "ArrowDown", "Enter"):
        person.page.keyboard.press(key)
    said(person, "Ann Example is on")


def test_a_move_is_undone_also_from_another_day(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    person = sits(company, new_visitor)
    moves_by_a_quarter(person)
    person.press("Later")
    expect(card(person)).to_have_count(0)
    person.press("Undo")
    said(person, "It is as it was.")
    assert start_of(company, booking_id) == TEN


def test_undo_takes_back_nothing_that_somebody_else_did_since(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    person = sits(company, new_visitor)
    moves_by_a_quarter(person)
    moved = company.ask("PATCH", f"/bookings/{booking_id}", {"start": rfc3339(tomorrow(15))}, **{"If-Match": '"2"'})
    assert moved.status == 200, moved.body
    expect(card(person)).to_contain_text("15:00–16:00")
    person.press("Undo")
    said(person, "Somebody changed this in the meantime.")
    assert start_of(company, booking_id) == rfc3339(tomorrow(15))


def test_a_move_that_the_board_interrupts_is_let_go(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    booked(company, 14, technician_id="tech-2", property_id="prop-2", customer={"name": "Erik Example"})
    person = sits(company, new_visitor)
    lift(person)
    person.page.keyboard.press("]")
    expect(card(person)).to_have_count(0)
    said(person, "It stays where it was.")
    person.page.mouse.up()
    person.press("Earlier")
    card(person, "Erik Example").click()
    expect(person.page.locator("#panel-title")).to_have_text("Erik Example")
    assert start_of(company, booking_id) == TEN


def test_a_free_place_keeps_the_focus_when_something_else_is_booked(company: Company, new_visitor: NewVisitor) -> None:
    booked(company)
    person = sits(company, new_visitor)
    morning = person.page.locator(".gap", has_text="–10:00")
    morning.focus()
    booked(company, 15, property_id="prop-2", customer={"name": "Erik Example"})
    expect(card(person, "Erik Example")).to_be_visible()
    expect(morning).to_be_focused()


def test_a_day_of_the_week_keeps_the_focus_when_something_is_booked(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor)
    person.press("Week")
    day = person.page.locator(".week-load button").nth(2)
    day.focus()
    booked(company)
    expect(person.page.locator(".week-load")).to_contain_text("1 visit, 1 h")
    expect(day).to_be_focused()


def test_a_date_that_there_is_not_shows_today(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor)
    person.page.goto(company.address("/desk", date="2026-13-99"))
    expect(person.page.locator("#grid")).to_be_visible()


def test_a_move_without_a_time_is_not_sent(company: Company, new_visitor: NewVisitor) -> None:
    booked(company)
    person = sits(company, new_visitor)
    card(person).click()
    person.press("Move")
    person.page.get_by_label("Time").fill("")
    person.page.locator("#panel").get_by_role("button", name="Move", exact=True).click()
    expect(person.page.locator("#panel .fault")).to_have_text("Please fill this in.")


def test_a_search_that_is_refused_says_why(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor)
    person.page.get_by_label("Name, phone, booking").fill("a" * 201)
    person.page.keyboard.press("Enter")
    said(person, "Try again")


def test_a_link_that_cannot_be_read_is_explained(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(viewport=DESKTOP)
    visitor.opens("/visit#hfm_%")
    visitor.at("This link is not complete")


def test_the_checkout_opens_with_a_date_that_there_is_not(company: Company, new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.page.goto(company.address("/", property="prop-1", **{"from": "2026-13-99"}))
    expect(visitor.free.first).to_be_visible()
