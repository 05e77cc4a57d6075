"""The pages of the office in a browser: each does what it is for, and nobody is shut out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from api.pages.views import OFFICE
from services.messages.source import DUE
from services.outbox.entries import NewEntry
from services.outbox.store import OutboxStore
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
    expect(person.page.locator("#bar nav.pages")).to_be_visible()
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
    expect(person.page.locator("section", has_text="Working hours")).to_contain_text("Works at any hour")
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
    company.ask("PATCH", "/technicians/ada", {"status": "unavailable"})
    person.page.get_by_label("Skills").fill("gas, water")
    person.press("Save")
    expect(person.page.get_by_label("Status")).to_have_value("unavailable")
    shown = company.ask("GET", "/technicians/ada").body
    assert (shown["skills"], shown["status"]) == (["gas", "water"], "unavailable")
    assert shown["working_hours"]["mon"] == [["09:00", "12:00"], ["13:00", "15:00"]]
    assert "sat" not in shown["working_hours"]


@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["narrow", "desktop"])
def test_axe_finds_nothing_in_the_office(company: Company, new_visitor: NewVisitor, size: Any) -> None:
    booked(company)
    person = sits(company, new_visitor, "/desk/technicians", viewport=size)
    person.page.locator('a[href="#tech-1"]').click()
    person.page.get_by_label("Away from").fill(DAY)
    person.page.get_by_label("Last sick day").fill(DAY)
    person.press("Show the plan")
    said(person, "Visits that go to others")
    found = {"a sick day": faults(person)}
    for name in OFFICE:
        person.page.goto(company.address(f"/desk/{name}"))
        person.page.locator("main .records, main .empty, main form").first.wait_for()
        found[name] = faults(person)
        assert person.page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
    assert {state: each for state, each in found.items() if each} == {}


def test_an_admin_adds_a_person_who_can_be_switched_off(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/people")
    page = person.page
    page.get_by_role("link", name="Add a person").click()
    page.get_by_label("Name").fill("Dana Smith")
    page.get_by_label("E-mail").fill(f"olga@{company.world.org}.example")
    page.get_by_label("Password").fill(PASSWORD)
    person.press("Add")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("E-mail").fill(f"dana@{company.world.org}.example")
    person.press("Add")
    said(person, "Dana Smith is added.")
    page.get_by_label("Status").select_option("disabled")
    person.press("Save")
    said(person, "Dana Smith is saved.")
    users = company.ask("GET", "/users", role="admin").body["users"]
    assert {each["name"]: each["status"] for each in users} == {"Olga": "active", "Dana Smith": "disabled"}
    person.press("Remove")
    person.press("Yes, remove")
    said(person, "Dana Smith is removed.")
    expect(page.locator(".records")).not_to_contain_text("Dana Smith")


def test_what_only_admins_change_is_not_shown_to_the_desk(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/people", role="desk")
    person.says("This page is for admins.")
    expect(person.page.locator("nav").get_by_role("link", name="Webhooks")).to_have_count(0)
    person.page.locator("nav").get_by_role("link", name="Properties").click()
    person.page.locator('a[href="#prop-1"]').click()
    expect(person.page.get_by_label("Name")).to_have_count(0)
    person.page.get_by_label("Status").select_option("unavailable")
    person.press("Save")
    said(person, "House 1 is saved.")
    assert company.ask("GET", "/properties/prop-1").body["status"] == "unavailable"


def test_a_service_and_the_rules_are_changed(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/services")
    person.page.locator('a[href="#leak"]').click()
    person.page.get_by_label("Minutes", exact=True).fill("90")
    person.press("Save")
    said(person, "Leaking tap is saved.")
    assert company.ask("GET", "/services/leak").body["duration_minutes"] == 90
    person.page.locator("nav").get_by_role("link", name="Rules").click()
    person.page.get_by_label("Days without visits").fill(f"{DAY}, 2027-12-24")
    person.page.locator("section", has_text="Days ahead").get_by_role("button", name="Save").click()
    said(person, "The rules are saved.")
    policy = company.ask("GET", "/policy", role="admin").body
    assert policy["blackout_dates"] == [DAY, "2027-12-24"]
    assert policy["allowed_duration_minutes"] is None


def test_the_secret_of_a_webhook_is_shown_once(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/webhooks")
    person.page.get_by_role("link", name="Add a webhook").click()
    person.page.get_by_label("Address").fill("https://hooks.example.com/holdfast")
    person.press("Add")
    first = person.page.locator("code").inner_text()
    assert first.startswith("whsec_")
    person.press("Make a new secret")
    said(person, "There is a new secret.")
    assert person.page.locator("code").inner_text() != first
    person.press("Send a test")
    expect(person.page.get_by_role("row", name="webhook.test")).to_be_visible()
    assert faults(person) == []
    person.page.reload()
    expect(person.page.get_by_role("row", name="webhook.test")).to_be_visible()
    expect(person.page.locator("code")).to_have_count(0)


def test_an_entry_is_taken_from_the_waitlist(company: Company, new_visitor: NewVisitor) -> None:
    window = {"from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(11))}
    for number in (1, 2, 3):
        booked(company, 10, technician_id=f"tech-{number}", property_id=f"prop-{number}")
    body = {"property_id": "prop-1", "customer": {"name": "Wilma Example"}, **window}
    assert company.ask("POST", "/waitlist", body).status == 201
    person = sits(company, new_visitor, "/desk/waitlist", role="desk")
    row = person.page.get_by_role("row", name="Wilma Example")
    expect(row).to_contain_text("waiting")
    row.get_by_role("button", name="Remove").click()
    said(person, "Wilma Example waits no more.")
    expect(row).to_contain_text("cancelled")
    person.page.locator("nav").get_by_role("link", name="Messages").click()
    person.says("What customers got by text and e-mail")
    expect(person.page.get_by_role("alert")).to_have_count(0)


def test_a_customer_is_found_noted_and_merged(company: Company, new_visitor: NewVisitor) -> None:
    booked(company, customer={"name": "Alice Example", "phone": "+45 20 12 34 56"})
    booked(company, 12, customer={"name": "Alice Again", "phone": "+45 20 99 99 99"})
    company.world.find_customers()
    person = sits(company, new_visitor, "/desk/customers", role="desk")
    page = person.page
    page.get_by_role("searchbox").fill("3456")
    page.keyboard.press("Enter")
    expect(page.locator(".records tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Alice Example").click()
    expect(page.get_by_role("row", name="House 1")).to_contain_text("10:00")
    page.get_by_label("Notes").fill("The dog is friendly.")
    person.press("Save")
    said(person, "Alice Example is saved.")
    page.get_by_label("Name, phone or e-mail of the other one").fill("Again")
    person.press("Find the other one")
    expect(page.get_by_role("button", name="Merge into Alice Again")).to_be_visible()
    assert faults(person) == []
    person.press("Merge into Alice Again")
    said(person, "The visits belong to Alice Again now.")
    expect(page.get_by_role("heading", name="Alice Again")).to_be_visible()
    expect(page.locator(".records tbody tr")).to_have_count(2)


def test_a_message_that_failed_is_sent_again(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    now = company.world.services.clock()
    planned = NewEntry(
        org=company.world.org,
        booking_id=booking_id,
        version=1,
        kind="confirmation",
        channel="sms",
        receiver="sms",
        due=now,
        body={DUE: now.isoformat()},
    )
    db = company.world.services.db
    OutboxStore(db, company.world.services.clock).insert([planned])
    db["outbox"].update_one({"_id": planned.entry_id}, {"$set": {"state": "dead", "open": False, "finished_at": now}})
    person = sits(company, new_visitor, "/desk/messages", role="desk")
    person.press("Send again")
    said(person, "It is sent in a moment.")
    expect(person.page.get_by_role("button", name="Send again")).to_have_count(0)
    entry = db["outbox"].find_one({"_id": planned.entry_id})
    assert (entry["state"], entry["body"]["asked"]) == ("waiting", True)


def test_a_person_gives_herself_another_password_and_signs_out_everywhere(
    company: Company, new_visitor: NewVisitor
) -> None:
    person = sits(company, new_visitor, "/desk/technicians", role="desk")
    page = person.page
    page.get_by_role("link", name="Olga Your sign-in").click()
    page.get_by_label("Password now").fill("a wrong password")
    page.get_by_label("New password").fill("short")
    person.press("Save")
    expect(page.locator("#new_password-fault")).to_be_visible()
    page.get_by_label("New password").fill("another long one")
    person.press("Save")
    expect(page.locator("#current_password-fault")).to_contain_text("Give the password with which you sign in now.")
    page.get_by_label("Password now").fill(PASSWORD)
    person.press("Save")
    said(person, "Your password is changed.")
    page.reload()
    expect(page.get_by_label("New password")).to_have_value("")
    person.press("Sign out everywhere")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    body = {"email": f"olga@{company.world.org}.example", "password": PASSWORD}
    assert company.ask("POST", "/session", body).status == 401
