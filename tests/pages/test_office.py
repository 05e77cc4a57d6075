"""The pages of the office in a browser: technicians and their sick days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.site import DESKTOP, Company, Visitor
from tests.pages.test_desk import DAY, PASSWORD, booked
from tests.pages.test_looks import NARROW, faults
from tests.world import rfc3339, tomorrow

NewVisitor = Callable[..., Visitor]


def sits(company: Company, new_visitor: NewVisitor, path: str, role: str = "admin", **options: Any) -> Visitor:
    """A person of the office who has signed in on this page."""
    email = f"olga@{company.world.org}.example"
    body = {"id": "olga", "name": "Olga", "email": email, "role": role, "password": PASSWORD}
    assert company.ask("POST", "/users", body, role="admin").status == 201
    person = new_visitor(**{"viewport": DESKTOP, **options})
    person.page.goto(company.address(path))
    person.page.get_by_label("E-mail").fill(email)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.press("Sign in")
    expect(person.page.locator("nav")).to_be_visible()
    return person


def said(person: Visitor, text: str) -> None:
    expect(person.page.locator("#log")).to_contain_text(text)


def test_a_sick_day_is_planned_before_anything_changes(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    for technician_id, place in (("tech-2", "prop-2"), ("tech-3", "prop-3")):
        booked(company, 12, technician_id=technician_id, property_id=place)
    stays = booked(company, 12, customer={"name": "Erik Example"})
    person = sits(company, new_visitor, "/desk/technicians", role="desk")
    person.page.locator('a[href="#tech-1"]').click()
    person.page.get_by_label("Away from").fill(DAY)
    person.page.get_by_label("Last sick day").fill(DAY)
    person.press("Show the plan")
    said(person, "Visits that go to others: 1. Visits that nobody can take: 1.")
    expect(person.page.get_by_role("row", name="Erik Example")).to_contain_text("has another visit then")
    assert company.ask("GET", f"/bookings/{booking_id}").body["technician_id"] == "tech-1"
    person.press("Enter the time off and move the visits")
    said(person, "The time off is entered. Visits that went to others: 1. Visits left: 1.")
    assert company.ask("GET", f"/bookings/{booking_id}").body["technician_id"] in ("tech-2", "tech-3")
    assert company.ask("GET", f"/bookings/{stays}").body["technician_id"] == "tech-1"
    away = company.ask("GET", "/technicians/tech-1").body["time_off"]
    assert away == [{"start": rfc3339(tomorrow(0)), "end": rfc3339(tomorrow(24))}]


def test_an_admin_adds_a_technician_and_changes_the_hours(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/technicians")
    person.page.get_by_role("link", name="Add a technician").click()
    person.press("Add")
    expect(person.page.locator(".fault").first).to_have_text("Please fill this in.")
    person.page.get_by_label("Name").fill("Ada Example")
    person.page.get_by_label("Id", exact=False).first.fill("ada")
    person.press("Add")
    said(person, "Ada Example is added.")
    person.page.get_by_label("Monday").fill("09:00-12:00, 13:00-15:00")
    person.press("Save")
    said(person, "Ada Example is saved.")
    shown = company.ask("GET", "/technicians/ada").body
    assert shown["working_hours"]["mon"] == [["09:00", "12:00"], ["13:00", "15:00"]]
    assert "sat" not in shown["working_hours"]


@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["narrow", "desktop"])
def test_axe_finds_nothing_in_the_office(company: Company, new_visitor: NewVisitor, size: Any) -> None:
    booked(company)
    person = sits(company, new_visitor, "/desk/technicians", viewport=size)
    person.page.locator('a[href="#tech-1"]').wait_for()
    assert faults(person) == []
    person.page.locator('a[href="#tech-1"]').click()
    person.page.get_by_label("Away from").fill(DAY)
    person.page.get_by_label("Last sick day").fill(DAY)
    person.press("Show the plan")
    said(person, "Visits that go to others")
    assert faults(person) == []
    assert person.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
