"""A tenant books: from the first page to the visit's own page, and everything that may come between."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from playwright.sync_api import Route, expect

from models.catalogue import PropertyCreate
from tests.pages.site import DESKTOP, Company, Visitor, becomes_true
from tests.world import rfc3339

NewVisitor = Callable[..., Visitor]


def test_a_tenant_books_moves_and_cancels_a_visit(company: Company, new_visitor: NewVisitor) -> None:
    company.offers(("boiler", "Boiler check", 90))
    tenant = new_visitor().opens().at("What needs doing?")
    tenant.page.get_by_role("button", name="Leaking tap").click()
    tenant.at("Where is it?").page.get_by_role("button", name="House 1").click()
    tenant.at("When suits you?").holds().fills().press("Book this visit").at("Your visit is booked")

    (booking,) = company.bookings
    assert (booking["customer"]["name"], booking["source"], booking["service_id"]) == ("Ann Example", "web", "leak")

    link = tenant.page.get_by_role("link", name="See your visit").get_attribute("href") or ""
    assert re.search(r"/visit#hfm_", link)
    tenant.page.goto(link)
    tenant.at("Your visit").says("House 1").press("Move it").at("Move your visit")
    tenant.free.nth(3).click()
    tenant.says("Your visit is now on")
    assert becomes_true(lambda: company.bookings[0]["version"] == 2)
    assert company.bookings[0]["start"] != booking["start"]

    tenant.press("Cancel the visit").press("Yes, cancel it").says("Your visit is cancelled.")
    assert company.bookings[0]["status"] == "cancelled"


def test_a_visit_far_ahead_is_moved_from_its_own_day(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?")
    tenant.press("The week after").free.first.wait_for()
    day = tenant.page.locator(".day[data-chosen]").get_attribute("aria-label") or ""
    tenant.holds().fills().press("Book this visit").at("Your visit is booked")
    tenant.page.get_by_role("link", name="See your visit").click()
    tenant.at("Your visit").press("Move it").free.first.wait_for()
    expect(tenant.page.locator(".day[data-chosen]")).to_have_attribute("aria-label", day)
    expect(tenant.page.locator(".chip.mine:visible")).to_have_count(1)


def test_the_calendar_file_says_when_in_utc(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills().press("Book this visit")
    tenant.at("Your visit is booked")
    with tenant.page.expect_download() as saved:
        tenant.press("Add to your calendar")
    text = saved.value.path().read_text()

    start = re.sub(r"[-:]", "", company.bookings[0]["start"])
    assert f"DTSTART:{start}" in text
    assert "SUMMARY:Leaking tap · House 1" in text
    assert all(len(line.encode()) <= 75 for line in text.splitlines())


def test_two_visitors_tap_one_time_and_the_other_gets_three_that_can_be_held(
    company: Company, new_visitor: NewVisitor
) -> None:
    """Bob's page hears nothing of Ann's hold before his tap, as if both came in one moment."""
    bob = new_visitor()
    bob.page.route("**/events?*", lambda route: route.abort())
    last = bob.opens(property="prop-1").at("When suits you?").free.last
    last.wait_for()
    new_visitor().opens(property="prop-1").at("When suits you?").free.last.click()
    becomes_true(lambda: company.ask("GET", "/holds").body["holds"])
    last.click()
    expect(bob.page.get_by_role("alert")).to_contain_text("Somebody else")
    expect(bob.page.get_by_role("alert")).to_be_in_viewport()
    others = bob.page.get_by_role("alert").locator(".alternatives button")
    expect(others).to_have_count(3)
    others.nth(1).click()
    bob.at("Your details")
    assert len(company.ask("GET", "/holds").body["holds"]) == 2


def test_ones_own_hold_stays_visible_and_another_time_replaces_it(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds(2)
    tenant.fills().press("Back to the times").at("When suits you?")
    expect(tenant.page.locator(".chip.mine:visible")).to_have_count(1)
    before = tenant.free.count()
    tenant.holds(3)
    expect(tenant.page.get_by_label("Your name")).to_have_value("Ann Example")
    assert before >= 4
    assert len(company.ask("GET", "/holds").body["holds"]) == 1


def test_a_reload_keeps_the_hold_its_deadline_and_the_typed_text(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills(name="Ann Typed")
    (held,) = company.ask("GET", "/holds").body["holds"]
    before = tenant.left
    tenant.page.reload()
    tenant.at("Your details")

    assert before - 15 <= tenant.left <= before
    expect(tenant.page.get_by_label("Your name")).to_have_value("Ann Typed")
    (again,) = company.ask("GET", "/holds").body["holds"]
    assert (again["hold_id"], again["expires_at"]) == (held["hold_id"], held["expires_at"])


def test_a_hold_that_runs_out_is_said_and_can_be_had_again(company: Company, new_visitor: NewVisitor) -> None:
    company.rules(hold_seconds=2)
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills()
    tenant.says("Your time is no longer kept.")
    expect(tenant.page.get_by_label("Your name")).to_have_value("Ann Example")
    company.rules(hold_seconds=300)
    tenant.page.get_by_role("button", name=re.compile("^Keep .* again$")).click()
    expect(tenant.page.locator(".left:visible")).to_have_count(1)
    tenant.press("Book this visit").at("Your visit is booked")


def test_a_hold_elsewhere_is_seen_at_once_and_its_end_too(company: Company, new_visitor: NewVisitor) -> None:
    for number in (2, 3):
        company.ask("PATCH", f"/technicians/tech-{number}", {"status": "unavailable"})
    ann, bob = (new_visitor().opens(property=f"prop-{number}").at("When suits you?") for number in (1, 2))
    noon = bob.page.get_by_role("button", name=re.compile("12:00$"))
    expect(noon).to_have_count(1)
    company.rules(hold_seconds=7)
    ann.page.get_by_role("button", name=re.compile("12:00$")).click()
    expect(bob.page.locator(".chip.held:visible").filter(has_text="12:00")).to_have_count(1)
    expect(noon).to_have_count(1)


def test_more_time_can_be_had_before_it_runs_out(company: Company, new_visitor: NewVisitor) -> None:
    """The page knows that holds last 300 seconds when the policy makes them shorter."""
    tenant = new_visitor().opens(property="prop-1").at("When suits you?")
    tenant.free.first.wait_for()
    company.rules(hold_seconds=100)
    tenant.holds().press("Keep it longer")
    assert becomes_true(lambda: tenant.left > 100)


def test_offline_at_book_it_is_booked_once_when_the_connection_is_back(
    company: Company, new_visitor: NewVisitor
) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills()
    tenant.context.set_offline(True)
    tenant.press("Book this visit").says("You are offline.")
    tenant.context.set_offline(False)
    tenant.at("Your visit is booked")
    assert len(company.bookings) == 1


def test_an_answer_that_is_lost_ends_with_that_booking(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills()
    lost: list[str] = []

    def lose(route: Route) -> None:
        reply = route.fetch()
        lost.append(reply.json()["booking_id"])
        route.abort()

    tenant.page.route("**/book", lose, times=1)
    tenant.press("Book this visit").at("Your visit is booked").says(lost[0])
    assert [each["booking_id"] for each in company.bookings] == lost


def test_a_reload_after_a_lost_answer_ends_with_that_booking(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills()

    def lose(route: Route) -> None:
        if not company.bookings:
            route.fetch()
        route.abort()

    tenant.page.route("**/book", lose)
    tenant.press("Book this visit").says("This takes longer than usual.")
    tenant.page.unroute("**/book")
    tenant.page.reload()
    tenant.at("Your visit is booked")
    assert len(company.bookings) == 1


def test_a_page_says_so_while_an_answer_takes_long(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills()
    kept: list[Route] = []

    def keep(route: Route) -> None:
        kept.append(route)

    tenant.page.route("**/book", keep)
    tenant.press("Book this visit").says("This takes longer than usual.")
    kept[0].continue_()
    tenant.at("Your visit is booked")
    expect(tenant.page.get_by_text("This takes longer than usual.")).to_be_hidden()


def test_a_double_click_books_once(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills()
    tenant.page.get_by_role("button", name="Book this visit").dblclick()
    tenant.at("Your visit is booked")
    assert len(company.bookings) == 1


def test_what_is_missing_is_said_beside_its_field(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().press("Book this visit")
    tenant.says("Please give your name.").says("Please give a phone number or an e-mail address.")
    name = tenant.page.get_by_label("Your name")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    assert company.bookings == []


def test_a_property_that_is_switched_off_meanwhile_is_no_dead_end(company: Company, new_visitor: NewVisitor) -> None:
    company.rules(phone="+45 33 12 34 56")
    tenant = new_visitor().opens(property="prop-1").at("When suits you?")
    tenant.free.first.wait_for()
    assert company.ask("PATCH", "/properties/prop-1", {"status": "unavailable"}).status == 200
    tenant.free.first.click()
    tenant.says("No visits can be booked at this home at the moment.").says("+45 33 12 34 56")


def test_a_property_that_is_switched_off_while_somebody_types_is_no_dead_end(
    company: Company, new_visitor: NewVisitor
) -> None:
    """What is held is booked all the same. Once it has run out, a sentence says why it cannot be had again."""
    company.rules(phone="+45 33 12 34 56", hold_seconds=2)
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills()
    tenant.says("Your time is no longer kept.")
    assert company.ask("PATCH", "/properties/prop-1", {"status": "unavailable"}).status == 200
    tenant.press("Book this visit")
    tenant.says("No visits can be booked at this home at the moment.").says("+45 33 12 34 56")
    expect(tenant.page.get_by_label("Your name")).to_have_value("Ann Example")
    assert company.bookings == []


def test_on_a_wide_page_all_seven_days_and_the_summary_are_in_sight(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor(viewport=DESKTOP).opens(property="prop-1").at("When suits you?")
    expect(tenant.page.locator(".day:visible")).to_have_count(7)
    tenant.holds()
    expect(tenant.page.locator("aside .left")).to_be_in_viewport()


def test_a_tenant_joins_the_waitlist_where_nothing_is_free(company: Company, new_visitor: NewVisitor) -> None:
    for number in (1, 2, 3):
        company.ask("PATCH", f"/technicians/tech-{number}", {"status": "unavailable"})
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").says("Nothing is free in the days")
    tenant.press("Tell me when something becomes free").at("We tell you when something becomes free")
    tenant.fills().press("Tell me").at("You are on the waitlist")
    (entry,) = company.ask("GET", "/waitlist").body["waitlist"]
    assert (entry["property_id"], entry["customer"]["name"]) == ("prop-1", "Ann Example")


def test_the_page_of_a_visit_says_that_the_office_has_moved_it(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor().opens(property="prop-1").at("When suits you?").holds().fills().press("Book this visit")
    link = tenant.at("Your visit is booked").page.get_by_role("link", name="See your visit").get_attribute("href")
    tenant.page.goto(link or "")
    tenant.at("Your visit").says("House 1")
    (booking,) = company.bookings
    later = rfc3339(datetime.fromisoformat(booking["start"]) + timedelta(hours=3))
    moved = company.ask("PATCH", f"/bookings/{booking['booking_id']}", {"start": later}, If_Match='"1"')
    assert moved.status == 200
    tenant.says("This visit was changed in the meantime.").says(later[11:16])


def test_a_house_is_found_among_many(company: Company, new_visitor: NewVisitor) -> None:
    desk = company.world.services.catalogue_desk
    for number in range(4, 104):
        desk.create_property(company.world.org, PropertyCreate(id=f"prop-{number}", name=f"House {number}"))
    tenant = new_visitor().opens().at("Where is it?").says("There are more.")
    tenant.page.get_by_label("Find your home").fill("house 99")
    expect(tenant.page.locator(".option")).to_have_count(1)
    tenant.page.get_by_label("Find your home").fill("castle")
    tenant.says("Nothing is called “castle”.")
    tenant.page.get_by_label("Find your home").fill("house 99")
    tenant.page.get_by_role("button", name="House 99").click()
    tenant.at("When suits you?").free.first.wait_for()


def test_another_choice_lets_the_hold_go(company: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor(viewport=DESKTOP).opens(property="prop-1").at("When suits you?").holds()
    tenant.press("Change Where").at("Where is it?").page.get_by_role("button", name="House 2").click()
    tenant.at("When suits you?").free.first.wait_for()
    assert becomes_true(lambda: company.ask("GET", "/holds").body["holds"] == [])


def test_nothing_that_is_wrong_with_an_address_is_a_dead_end(company: Company, new_visitor: NewVisitor) -> None:
    new_visitor().opens(property="gone").at("We do not know this home").says("Choose another home")
    tenant = new_visitor().opens(property="prop-1", service="gone", step="details", **{"from": "nonsense"})
    tenant.at("When suits you?").free.first.wait_for()
