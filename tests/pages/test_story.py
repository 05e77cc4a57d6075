"""Three people at once: a tenant books on a phone, the desk moves the visit, and a text message takes the next slot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.pages.breakable import LONG, BreakableSite
from tests.pages.hands import Hands, Keys, Mouse
from tests.pages.site import DESKTOP, Company, Visitor, visitor
from tests.pages.test_desk import DAY, PASSWORD
from tests.world import rfc3339, tomorrow

Faults = Mapping[str, Callable[[], object]]
TEXT_DAY = f"{tomorrow():%-d %b}"


@dataclass
class Cast:
    """A tenant with a page on a phone, somebody at the desk, and the hands of both. faults: what fails when."""

    site: BreakableSite
    company: Company
    tenant: Visitor
    desk: Visitor
    hands: Hands
    faults: Faults

    def moment(self, name: str) -> None:
        self.faults.get(name, lambda: None)()

    def card(self, name: str) -> Locator:
        """What the board shows of somebody."""
        return self.desk.page.locator(".entry", has_text=name)

    def press(self, person: Visitor, name: str | re.Pattern[str], role: Any = "button") -> None:
        self.hands.press(person.page, person.page.get_by_role(role, name=name).first)


def shows(wanted: Locator, text: str) -> None:
    expect(wanted).to_contain_text(text, timeout=LONG * 1000)


def sits_down(cast: Cast) -> None:
    email = f"dora@{cast.company.world.org}.example"
    body = {"id": "dora", "name": "Dora", "email": email, "role": "desk", "password": PASSWORD}
    assert cast.company.ask("POST", "/users", body, role="admin").status == 201
    page = cast.desk.page
    page.goto(cast.company.address("/desk", date=DAY))
    cast.hands.write(page, "E-mail", email)
    cast.hands.write(page, "Password", PASSWORD)
    cast.press(cast.desk, "Sign in")
    expect(page.locator("#grid")).to_be_visible()


def books(cast: Cast) -> None:
    """The tenant books ten o'clock, and the board shows each step of it."""
    tenant = cast.tenant.opens(**{"from": DAY}).at("Where is it?")
    cast.press(tenant, "House 1")
    cast.press(tenant.at("When suits you?"), re.compile("10:00$"))
    tenant.at("Your details")
    shows(cast.desk.page.locator(".entry.held"), "Held: web")
    cast.moment("held")
    cast.hands.write(tenant.page, "Your name", "Ann Example")
    cast.hands.write(tenant.page, "Phone", "20 12 34 56")
    cast.press(tenant, "Book this visit")
    expect(tenant.page.get_by_role("heading", name="Your visit is booked")).to_be_visible(timeout=LONG * 1000)
    cast.moment("booked")
    shows(cast.card("Ann Example"), "10:00–11:00")
    expect(cast.desk.page.locator(".entry.held")).to_have_count(0)
    assert "10:00" in cast.site.sent(cast.company, "confirmation")["text"]


def is_moved(cast: Cast) -> None:
    """The desk moves the visit an hour. The tenant's page says so, and so does a message."""
    cast.press(cast.tenant, "See your visit", role="link")
    cast.tenant.at("Your visit").says("10:00")
    cast.moment("visiting")
    cast.hands.move_an_hour_later(cast.desk.page, cast.card("Ann Example"))
    shows(cast.desk.page.locator("#log"), "Ann Example is on")
    shows(cast.tenant.page.get_by_role("status"), "This visit was changed in the meantime.")
    shows(cast.tenant.page.locator("main"), "11:00")
    message = cast.site.sent(cast.company, "moved")
    assert "11:00" in message["text"]
    assert message["text"] in (cast.site.outbox / f"{message['message_id']}.txt").read_text()
    cast.moment("moved")


def texts(cast: Cast) -> None:
    """Somebody asks by text for the hour of that visit, and takes the next one."""
    phone = cast.site.phone(cast.company)
    assert "1 Leaking tap" in phone.send(f"BOOK prop-1 {TEXT_DAY} 11:00")
    offered = phone.send("1")
    assert "11:00 is taken. Free: 1 " in offered
    assert "12:00 at House 1 is kept for you" in phone.send(f"{TEXT_DAY} 12:00")
    shows(cast.desk.page.locator(".entry.held"), "Held: text")
    cast.moment("texting")
    assert phone.send("YES") == "Which name shall we book it under?"
    assert "Booked: " in phone.send("Erik Example")
    shows(cast.card("Erik Example"), "12:00–13:00")
    shows(cast.card("Ann Example"), "11:00–12:00")


def ends_well(company: Company) -> None:
    """Both visits are there once, where the pages say."""
    found = {each["customer"]["name"]: (each["property_id"], each["start"]) for each in company.bookings}
    assert len(company.bookings) == 2
    assert found == {
        "Ann Example": ("prop-1", rfc3339(tomorrow(11))),
        "Erik Example": ("prop-1", rfc3339(tomorrow(12))),
    }
    assert company.world.double_booked() == []


Play = Callable[..., None]


@pytest.fixture
def play(breakable: BreakableSite, browser: Browser) -> Iterator[Play]:
    """Plays the whole story; at its end each page is asked whether all went well on it."""
    people: list[Visitor] = []

    def story(hands: Hands, faults: Faults | None = None) -> None:
        company = breakable.company()
        tenant, desk = visitor(browser, company), visitor(browser, company, viewport=DESKTOP)
        people.extend((tenant, desk))
        cast = Cast(breakable, company, tenant, desk, hands, faults or {})
        sits_down(cast)
        books(cast)
        is_moved(cast)
        texts(cast)
        ends_well(company)

    yield story
    for person in people:
        person.closes()


@pytest.mark.parametrize("hands", [Mouse(), Keys()], ids=["mouse", "keys"])
def test_a_tenant_books_the_desk_moves_the_visit_and_a_text_takes_the_next_slot(play: Play, hands: Hands) -> None:
    play(hands)


def test_the_same_goes_well_while_redis_the_workers_and_the_relay_are_killed(
    play: Play, breakable: BreakableSite
) -> None:
    redis = breakable.installation.redis

    def kill_the_others() -> None:
        breakable.relay.kill()
        breakable.relay.start()
        breakable.kill_workers()

    def lose_what_redis_has() -> None:
        breakable.installation.world.services.redis.flushall()
        breakable.kill_workers()

    faults = {
        "held": redis.kill,
        "booked": redis.start,
        "visiting": breakable.kill_workers,
        "moved": kill_the_others,
        "texting": lose_what_redis_has,
    }
    play(Mouse(), faults)
