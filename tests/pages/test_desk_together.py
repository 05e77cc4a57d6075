"""The desk in two browsers and under many events: both versions are seen, conflicts lead on, requests stay few."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from models.catalogue import TechnicianCreate
from services.claims.keys import OrgKeys
from tests.pages.site import DESKTOP, Company, Visitor, becomes_true
from tests.pages.test_desk import booked, card, lift, said, sits, start_of
from tests.world import rfc3339, tomorrow

NewVisitor = Callable[..., Visitor]
STORM = 500
FEW = 60
"""The requests of ten rounds at most, each of a board or of four bookings, and of a slow machine that takes longer."""


def instead(person: Visitor) -> Locator:
    """The free times that are offered."""
    return person.page.locator("#log .said button", has_text="Technician")


def opens(person: Visitor, form: str, name: str = "Ann Example") -> None:
    card(person, name).first.click()
    expect(person.page.locator("#panel .history")).to_be_visible()
    person.press(form)


def saves(person: Visitor, name: str) -> None:
    person.page.locator("#panel").get_by_role("button", name=name, exact=True).click()


def test_a_storm_of_events_asks_little(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor)
    booked(company)
    expect(card(person)).to_be_visible()
    redis, stream = company.world.services.redis, OrgKeys(company.world.org).events
    [(_, row)] = redis.xrevrange(stream, count=1)
    before = len(person.requests)
    with redis.pipeline(transaction=False) as pipeline:
        for number in range(STORM):
            pipeline.xadd(stream, {**row, "id": f"bk_of_a_storm_{number}"})
        pipeline.execute()
    booked(company, 15, property_id="prop-2", customer={"name": "Erik Example"})
    expect(card(person, "Erik Example")).to_be_visible()
    expect(person.page.locator(".entry")).to_have_count(2)
    asked = [each.url for each in person.requests[before:]]
    assert 0 < len(asked) <= FEW


def test_of_two_desks_the_second_sees_both_versions(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    dora, erik = sits(company, new_visitor), sits(company, new_visitor, "Erik")
    for person in (dora, erik):
        opens(person, "Move")
    dora.page.get_by_label("Time").fill("12")
    saves(dora, "Move")
    said(dora, "Ann Example is on")
    erik.says("Somebody else has just changed this visit.")
    erik.page.get_by_label("Time").fill("14.30")
    saves(erik, "Move")
    row = erik.page.locator(".differ tbody tr", has_text="When")
    expect(row.locator("td").nth(0)).to_contain_text("12:00")
    expect(row.locator("td").nth(1)).to_contain_text("14:30")
    assert start_of(company, booking_id) == rfc3339(tomorrow(12))
    erik.press("Take yours")
    said(erik, "Ann Example is on")
    assert start_of(company, booking_id) == rfc3339(tomorrow(14, 30))


def test_a_form_sends_only_what_was_changed_in_it(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company, internal_note="Dog")
    dora, erik = sits(company, new_visitor), sits(company, new_visitor, "Erik")
    for person in (dora, erik):
        opens(person, "Edit")
    dora.page.get_by_label("Office note").fill("Dog, and a cat")
    saves(dora, "Save")
    said(dora, "The visit of Ann Example is changed.")
    erik.page.get_by_label("For the technician").fill("Ring twice")
    saves(erik, "Save")
    erik.press("Take yours")
    said(erik, "The visit of Ann Example is changed.")
    found = company.ask("GET", f"/bookings/{booking_id}").body
    assert (found["description"], found["internal_note"]) == ("Ring twice", "Dog, and a cat")


def test_a_drag_ends_with_words_when_somebody_else_moves_the_visit(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    person = sits(company, new_visitor)
    lift(person)
    moved = company.ask("PATCH", f"/bookings/{booking_id}", {"start": rfc3339(tomorrow(15))}, **{"If-Match": '"1"'})
    assert moved.status == 200, moved.body
    said(person, "Somebody changed this visit meanwhile.")
    expect(person.page.locator(".ghost")).to_have_count(0)
    person.page.mouse.up()
    expect(card(person)).to_contain_text("15:00–16:00")
    assert start_of(company, booking_id) == rfc3339(tomorrow(15))


def test_a_taken_place_leads_on_to_three_free_ones(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    booked(company, 11, property_id="prop-2", customer={"name": "Erik Example"})
    person = sits(company, new_visitor)
    card(person).focus()
    for key in ("m", "ArrowDown", "ArrowDown", "Enter"):
        person.page.keyboard.press(key)
    said(person, "Not moved: Erik Example at 11:00. Free nearby:")
    expect(instead(person)).to_have_count(3)
    instead(person).first.click()
    said(person, "Ann Example is on")
    assert becomes_true(lambda: company.ask("GET", f"/bookings/{booking_id}").body["version"] == 2)


def test_a_refused_move_names_the_other_visit_and_three_free_times(company: Company, new_visitor: NewVisitor) -> None:
    booked(company)
    booked(company, 11, property_id="prop-2", customer={"name": "Erik Example"})
    person = sits(company, new_visitor)
    opens(person, "Move")
    person.page.get_by_label("Time").fill("10:30")
    saves(person, "Move")
    said(person, "Erik Example is there at 11:00.")
    expect(instead(person)).to_have_count(3)


def test_a_cancelled_visit_whose_place_is_taken_is_booked_near_by(company: Company, new_visitor: NewVisitor) -> None:
    booked(company)
    person = sits(company, new_visitor)
    card(person).focus()
    person.page.keyboard.press("x")
    saves(person, "Cancel the visit")
    said(person, "is cancelled.")
    booked(company, customer={"name": "Erik Example"})
    person.press("Undo")
    said(person, "Erik Example is there at 10:00.")
    expect(instead(person)).to_have_count(3)
    instead(person).first.click()
    said(person, "Ann Example is booked for")
    expect(card(person)).to_be_visible()


def test_undo_after_anothers_change_shows_both_versions(company: Company, new_visitor: NewVisitor) -> None:
    booking_id = booked(company)
    person = sits(company, new_visitor)
    card(person).focus()
    for key in ("m", "ArrowDown", "Enter"):
        person.page.keyboard.press(key)
    said(person, "Ann Example is on")
    assert company.ask("PATCH", f"/bookings/{booking_id}", {"internal_note": "Dog"}, **{"If-Match": '"2"'}).is_ok
    person.press("Undo")
    said(person, "Somebody changed this in the meantime.")
    rows = person.page.locator(".differ tbody tr")
    expect(rows.filter(has_text="When")).to_contain_text("10:15")
    expect(rows.filter(has_text="Office note")).to_contain_text("Dog")


def test_the_columns_are_narrowed_to_an_area_a_skill_or_a_name(company: Company, new_visitor: NewVisitor) -> None:
    for number in range(4, 9):
        skills = ["heating"] if number > 6 else []
        company.hires(
            TechnicianCreate(id=f"tech-{number}", name=f"Technician {number}", areas=["north"], skills=skills)
        )
    person = sits(company, new_visitor)
    columns = person.page.locator(".column:visible")
    expect(columns).to_have_count(8)
    narrow = person.page.get_by_label("Technician, area, skill")
    for text, count in (("heat", 2), ("north", 5), ("north heat", 2), ("technician 8", 1), ("nobody", 0)):
        narrow.fill(text)
        expect(columns).to_have_count(count)
    person.press("Show all technicians")
    expect(columns).to_have_count(8)


def test_the_language_is_chosen_by_a_link_and_kept(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, viewport=DESKTOP)
    person.page.get_by_role("link", name="Dansk").click()
    person.page.get_by_role("link", name="Kontor").click()
    expect(person.page.locator("html")).to_have_attribute("lang", "da")
    assert "lang=da" in person.page.url
    person.page.get_by_role("link", name="Kunder").click()
    assert "lang=da" in person.page.url
    person.page.goto(f"http://127.0.0.1:{company.api.port}/desk")
    expect(person.page.get_by_role("button", name="Nyt besøg")).to_be_visible()
