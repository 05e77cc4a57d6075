"""The checkout shows what is so now, after another choice, the back button, a reload, or a change in another window."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from models.catalogue import PropertyCreate
from tests.pages.site import DESKTOP, Company, Visitor, becomes_true

NewVisitor = Callable[..., Visitor]
Opened = Callable[..., Visitor]


@pytest.fixture
def tenant(company: Company, new_visitor: NewVisitor) -> Visitor:
    """A tenant at the times of the first house, with two services to choose from."""
    company.offers(("boiler", "Boiler check", 60))
    made = new_visitor(viewport=DESKTOP).opens(property="prop-1", service="leak").at("When suits you?")
    made.free.first.wait_for()
    return made


def chooses(tenant: Visitor, kind: str, name: str) -> None:
    tenant.press(f"Change {kind}")
    tenant.page.get_by_role("button", name=name).click()
    tenant.at("When suits you?").free.first.wait_for()


def refuses(page: Page, path: str, status: int, code: str, **members: Any) -> None:
    """Lets the next requests of a page meet this refusal, until `page.unroute_all()`."""
    body = json.dumps({"status": status, "code": code, "detail": f"Refused: {code}.", **members})

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="application/problem+json", body=body)

    page.route(path, answer)


def held(company: Company) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = company.ask("GET", "/holds").body["holds"]
    return found


def test_the_waitlist_is_joined_for_one_home_and_one_service(tenant: Visitor) -> None:
    tenant.press("Tell me when something becomes free").fills()
    refuses(tenant.page, "**/waitlist", 409, "slot_available", next_available=[{"start": "2030-01-01T10:00:00Z"}])
    tenant.press("Tell me").says("Something that suits you is free right now:")
    tenant.page.unroute_all()
    tenant.page.route("**/waitlist", lambda route: route.fulfill(status=201, json={"waitlist_id": "w_1"}))
    tenant.press("Tell me").at("You are on the waitlist")
    tenant.press("See all times").at("When suits you?")
    chooses(tenant, "Where", "House 2")
    tenant.press("Tell me when something becomes free").at("We tell you when something becomes free")
    expect(tenant.page.get_by_label("Your name")).to_have_value("Ann Example")
    expect(tenant.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(("kind", "other"), [("Where", "House 2"), ("What", "Boiler check")])
def test_another_choice_says_that_the_time_is_let_go_and_back_offers_it_again(
    company: Company, tenant: Visitor, kind: str, other: str
) -> None:
    tenant.holds()
    chooses(tenant, kind, other)
    tenant.says("You chose something else, so we let go of the time")
    expect(tenant.page.locator(".left:visible")).to_have_count(0)
    assert becomes_true(lambda: held(company) == [])
    tenant.page.go_back()
    tenant.page.go_back()
    tenant.at("Your details").page.get_by_role("button", name=re.compile("^Keep .* again$")).click()
    expect(tenant.page.locator(".left:visible")).to_have_count(1)
    (again,) = held(company)
    assert (again["property_id"], again["service_id"]) == ("prop-1", "leak")


def test_a_time_that_ran_out_is_offered_for_its_own_home_alone_also_after_a_reload(
    company: Company, tenant: Visitor
) -> None:
    tenant.holds().fills()
    (hold,) = held(company)
    assert company.ask("DELETE", f"/hold/{hold['hold_id']}").status == 204
    tenant.says("Your time was let go")
    tenant.page.reload()
    tenant.at("Your details").says("Your time was let go")
    tenant.page.get_by_role("button", name="See all times").click()
    chooses(tenant, "Where", "House 2")
    expect(tenant.page.get_by_role("button", name=re.compile("^Keep .* again$"))).to_have_count(0)


def test_each_step_stands_after_a_reload_and_the_back_button_goes_through_all(
    company: Company, new_visitor: NewVisitor
) -> None:
    company.offers(("boiler", "Boiler check", 60))
    tenant = new_visitor(viewport=DESKTOP).opens()
    titles = ["What needs doing?", "Where is it?", "When suits you?", "Your details"]
    ways = [
        lambda: tenant.page.get_by_role("button", name="Boiler check").click(),
        lambda: tenant.page.get_by_role("button", name="House 3").click(),
        tenant.free.first.click,
    ]
    for title, way in zip(titles, ways, strict=False):
        tenant.at(title).page.reload()
        tenant.at(title)
        way()
    tenant.at(titles[-1]).page.reload()
    for title in reversed(titles[:-1]):
        tenant.page.go_back()
        tenant.at(title)
    for title in titles[1:]:
        tenant.page.go_forward()
        tenant.at(title)
    tenant.fills().press("Book this visit").at("Your visit is booked").page.reload()
    tenant.at("Your visit is booked").page.go_back()
    tenant.at("When suits you?").page.go_forward()
    tenant.at("Your visit is booked")


def other_window(tenant: Visitor) -> Visitor:
    """A second tab with what the first one keeps, as a browser makes it that duplicates a tab."""
    kept = tenant.page.evaluate("JSON.stringify(Object.entries(sessionStorage))")
    page = tenant.context.new_page()
    page.goto(tenant.page.url)
    page.evaluate("kept => JSON.parse(kept).forEach(pair => sessionStorage.setItem(...pair))", kept)
    page.reload()
    return Visitor(tenant.context, page, tenant.company).at("Your details")


def test_a_time_that_is_booked_in_another_window_is_said(company: Company, tenant: Visitor) -> None:
    other = other_window(tenant.holds().fills())
    tenant.press("Book this visit").at("Your visit is booked")
    other.page.bring_to_front()
    other.says("This time is booked.").press("See all times").at("When suits you?")
    assert len(company.bookings) == 1


def test_a_time_that_is_kept_longer_in_another_window_counts_down_from_there(company: Company, tenant: Visitor) -> None:
    tenant.holds()
    (hold,) = held(company)
    longer = company.ask("POST", f"/hold/{hold['hold_id']}/extend", {"ttl_seconds": 800}, role="checkout")
    assert longer.status == 200
    tenant.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert becomes_true(lambda: tenant.left > 400)


def test_a_service_that_is_gone_leads_to_the_others(company: Company, tenant: Visitor) -> None:
    company.offers(("window", "Broken window", 60))
    assert company.ask("DELETE", "/services/leak", role="admin").status == 204
    tenant.free.first.click()
    tenant.says("This is no longer offered.")
    tenant.page.get_by_role("link", name="Choose another service").first.click()
    tenant.at("What needs doing?").page.get_by_role("button", name="Boiler check").click()
    tenant.at("When suits you?").free.first.wait_for()


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (400, "invalid_request", "What can be booked here has just changed."),
        (401, "unauthenticated", "Nothing can be booked on this page any more."),
        (429, "rate_limited", "Please wait a minute and try again."),
        (429, "too_many_holds", "Several times are kept for you already."),
    ],
)
def test_what_is_refused_is_said_and_can_be_tried_again(tenant: Visitor, status: int, code: str, sentence: str) -> None:
    refuses(tenant.page, "**/hold", status, code)
    tenant.free.first.click()
    tenant.says(sentence)
    tenant.page.unroute_all()
    tenant.holds()


def test_a_home_that_cannot_be_read_is_not_said_to_be_unknown(company: Company, tenant: Visitor) -> None:
    made = PropertyCreate(id="hidden", name="Hidden House", unlisted=True)
    company.world.services.catalogue_desk.create_property(company.world.org, made)
    refuses(tenant.page, "**/properties/hidden", 429, "rate_limited")
    tenant.opens(property="hidden", service="leak").at("We cannot reach our server")
    tenant.page.unroute_all()
    tenant.press("Try again").at("When suits you?").says("Hidden House")


def test_what_a_search_found_is_not_all_there_is(company: Company, new_visitor: NewVisitor) -> None:
    desk = company.world.services.catalogue_desk
    for number in range(4, 13):
        desk.create_property(company.world.org, PropertyCreate(id=f"prop-{number}", name=f"House {number}"))
    tenant = new_visitor(viewport=DESKTOP).opens().at("Where is it?")
    tenant.page.get_by_label("Find your home").fill("house 11")
    expect(tenant.page.locator(".option")).to_have_count(1)
    tenant.page.get_by_role("button", name="House 11").click()
    tenant.at("When suits you?").press("Change Where").at("Where is it?")
    refuses(tenant.page, "**/properties?**", 429, "rate_limited")
    tenant.page.get_by_label("Find your home").fill("house 12")
    tenant.says("Please wait a minute and try again.")


def test_a_link_to_an_unknown_home_leads_to_the_list_of_the_same_company(new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="gone").at("We do not know this home")
    tenant.page.get_by_role("link", name="Choose another home").click()
    tenant.at("Where is it?").says("House 2")
