"""The reference in a browser: nothing that axe finds, whole without scripts, and forms that send its requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from models.users import UserCreate
from tests.pages.site import DESKTOP, Company, Visitor
from tests.pages.test_looks import NARROW, faults
from tests.world import rfc3339, tomorrow

NewVisitor = Callable[..., Visitor]

ADDRESSES = ["/docs", "/docs/bookings", "/docs/catalogue", "/docs/live"]


def opened(visitor: Visitor, path: str) -> Visitor:
    visitor.page.goto(f"http://127.0.0.1:{visitor.company.api.port}{path}")
    expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    return visitor


def form_of(reader: Visitor, operation: str) -> Locator:
    """Opens the form of an operation."""
    section = reader.page.locator(f"#{operation}")
    section.get_by_role("button", name="Try it").click()
    return section


@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["narrow", "desktop"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(new_visitor: NewVisitor, size: dict[str, int]) -> None:
    reader = new_visitor(viewport=size)
    for path in ADDRESSES:
        assert faults(opened(reader, path)) == []
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    opened(reader, "/docs/holds")
    section = form_of(reader, "read_hold")
    section.get_by_label("hold_id").fill("h_1")
    section.get_by_role("button", name="Send").click()
    section.locator(".answer pre").wait_for()
    assert faults(reader) == []


def test_without_scripts_all_of_it_can_be_read(new_visitor: NewVisitor) -> None:
    reader = opened(new_visitor(java_script_enabled=False, viewport=DESKTOP), "/docs")
    reader.page.get_by_role("link", name="Hold a property and a technician for a slot").click()
    section = reader.page.locator("#place_hold")
    expect(section.get_by_role("heading", level=2)).to_be_visible()
    section.get_by_text("Example: This technician at this time").click()
    expect(section.get_by_text('"property_id": "prop-101"').first).to_be_visible()
    assert "Without scripts everything is here" in reader.page.locator("main").inner_text()


def test_a_request_is_tried_with_a_key_that_stays_in_its_field(company: Company, new_visitor: NewVisitor) -> None:
    reader = opened(new_visitor(viewport=DESKTOP), "/docs/holds")
    key = company.world.keys["desk"]
    reader.page.get_by_label("API key for the requests that you try").fill(key)
    section = form_of(reader, "place_hold")
    wanted = f'{{"property_id": "prop-1", "start": "{rfc3339(tomorrow(10))}"}}'
    section.get_by_label("Body").fill(wanted)
    section.get_by_label("Idempotency-Key").fill("try-1")
    send = section.get_by_role("button", name="Send POST /hold")
    send.click()
    expect(section.get_by_text("201 CREATED")).to_be_visible()
    send.click()
    expect(section.get_by_text("idempotency-replayed: true")).to_be_visible()
    (held,) = company.ask("GET", "/holds").body["holds"]
    assert held["property_id"] == "prop-1"
    read = form_of(reader, "read_hold")
    read.get_by_label("hold_id").fill(held["hold_id"])
    read.get_by_role("button", name="Send GET /hold/{hold_id}").click()
    expect(read.locator(".answer")).to_contain_text('"status": "held"')
    kept = reader.page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }]) + document.cookie")
    assert key not in kept
    assert not [each.url for each in reader.requests if key in each.url]


def test_a_person_who_has_signed_in_needs_no_key(company: Company, new_visitor: NewVisitor) -> None:
    email, password = f"dana@{company.world.org}.example", "correct horse battery"
    person = UserCreate(id="dana", name="Dana", email=email, role="desk", password=password)
    company.world.services.sessions.people.create(company.world.org, person)
    reader = opened(new_visitor(viewport=DESKTOP), "/docs/sessions")
    sign_in = form_of(reader, "begin_session")
    sign_in.get_by_label("Body").fill(f'{{"email": "{email}", "password": "{password}"}}')
    sign_in.get_by_role("button", name="Send").click()
    expect(sign_in.get_by_text("201 CREATED")).to_be_visible()
    assert reader.page.evaluate("document.cookie") == ""
    opened(reader, "/docs/holds")
    section = form_of(reader, "place_hold")
    section.get_by_label("Body").fill(f'{{"property_id": "prop-1", "start": "{rfc3339(tomorrow(12))}"}}')
    section.get_by_role("button", name="Send").click()
    expect(section.get_by_text("201 CREATED")).to_be_visible()
    opened(reader, "/docs/sessions")
    sign_out = form_of(reader, "end_session")
    for status in ("204", "401"):
        sign_out.get_by_role("button", name="Send").click()
        expect(sign_out.locator(".answer b")).to_contain_text(status)


def test_a_stream_is_shown_for_some_seconds(company: Company, new_visitor: NewVisitor) -> None:
    reader = opened(new_visitor(viewport=DESKTOP), "/docs/live")
    reader.page.get_by_label("API key for the requests that you try").fill(company.world.keys["desk"])
    section = form_of(reader, "follow_events")
    section.get_by_role("button", name="Send GET /events").click()
    expect(section.locator(".answer pre")).to_contain_text("event: hello")


def test_a_value_that_cannot_be_sent_is_said(new_visitor: NewVisitor) -> None:
    reader = opened(new_visitor(viewport=DESKTOP), "/docs/messages")
    section = form_of(reader, "take_text_report")
    section.get_by_label("Body").fill("not JSON")
    section.get_by_role("button", name="Send").click()
    expect(section.locator(".answer")).to_contain_text("No reply came")
