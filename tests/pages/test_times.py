"""Times on the pages: a wrong clock, a visitor far away, and the days on which clocks change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from models.catalogue import PropertyCreate
from tests.pages.site import Company, Visitor, becomes_true
from tests.world import tomorrow

NewVisitor = Callable[..., Visitor]

YEAR = tomorrow().year + 1
MONDAY = next(day for day in (date(YEAR, 1, 11) + timedelta(days=each) for each in range(7)) if day.weekday() == 0)
"""A Monday in winter that is ahead."""


def clock_change(month: int) -> date:
    """The last Sunday of a month, on which clocks change in Copenhagen."""
    last = date(YEAR, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


SPRING, AUTUMN = clock_change(3), clock_change(10)
FAST = """
const Right = Date, ahead = 7 * 60_000;
Date = class extends Right {
  constructor(...given) { super(...(given.length ? given : [Right.now() + ahead])); }
  static now() { return Right.now() + ahead; }
};
"""


@pytest.fixture
def copenhagen(company: Company) -> Company:
    """A company with a house in Copenhagen, whose visits can be booked far ahead."""
    house = PropertyCreate(id="nyhavn", name="Nyhavn", timezone="Europe/Copenhagen")
    company.world.services.catalogue_desk.create_property(company.world.org, house)
    company.rules(horizon_days=730)
    return company


def seconds_left(company: Company) -> float:
    (held,) = company.ask("GET", "/holds").body["holds"]
    return (datetime.fromisoformat(held["expires_at"]) - datetime.now(UTC)).total_seconds()


def test_the_countdown_is_true_where_the_visitors_clock_is_seven_minutes_fast(
    company: Company, new_visitor: NewVisitor
) -> None:
    tenant = new_visitor(script=FAST).opens(property="prop-1").at("When suits you?").holds()

    def is_true() -> bool:
        """A page on a busy machine may be late once."""
        before, shown, after = seconds_left(company), tenant.left, seconds_left(company)
        return after - 1.5 <= shown <= before + 1.5

    assert becomes_true(is_true)


def test_a_visitor_in_new_york_sees_the_times_of_the_house_and_their_own_below(
    copenhagen: Company, new_visitor: NewVisitor
) -> None:
    tenant = new_visitor(timezone_id="America/New_York").opens(property="nyhavn", **{"from": str(MONDAY)})
    tenant.at("When suits you?").says("Times are in Copenhagen time. Below each: your time in New York.")
    tenant.page.get_by_role("button", name=f"Monday {MONDAY.day} January 10:00 for you 04:00").click()
    tenant.at("Your details").fills().press("Book this visit").at("Your visit is booked")
    assert copenhagen.bookings[0]["start"] == f"{MONDAY}T09:00:00Z"
    tenant.says(f"Monday {MONDAY.day} January, 10:00–11:00").says(f"Mon {MONDAY.day} Jan 04:00 in New York")


def test_a_visitor_in_the_zone_of_the_house_sees_one_time(copenhagen: Company, new_visitor: NewVisitor) -> None:
    tenant = new_visitor(timezone_id="Europe/Copenhagen").opens(property="nyhavn").at("When suits you?")
    tenant.free.first.wait_for()
    expect(tenant.page.locator(".chip small")).to_have_count(0)


def night(tenant: Visitor, day: str) -> list[str]:
    """The times at night of a day, as they are written."""
    section = tenant.page.locator(f".day[aria-label='{day}']")
    section.locator("summary").click()
    written = [" ".join(text.split()) for text in section.locator(".night .chip").all_inner_texts()]
    return [text.removeprefix(f"{day} ") for text in written]


@pytest.mark.parametrize(
    ("first", "month", "shown"),
    [
        (SPRING, "March", ["01:30", "03:00"]),
        (AUTUMN, "October", ["01:30", "02:00 CEST", "02:30 CEST", "02:00 CET", "02:30 CET", "03:00"]),
    ],
    ids=["spring", "autumn"],
)
def test_on_days_when_clocks_change_each_time_is_said_once_and_exists(
    copenhagen: Company, new_visitor: NewVisitor, first: date, month: str, shown: list[str]
) -> None:
    tenant = new_visitor(timezone_id="Europe/Copenhagen").opens(property="nyhavn", **{"from": str(first)})
    times = night(tenant.at("When suits you?"), f"Sunday {first.day} {month}")
    at = times.index("01:30")
    assert times[at : at + len(shown)] == shown


@pytest.mark.parametrize(
    ("language", "title", "written"),
    [
        ("da", "Hvornår passer det?", f"mandag den {MONDAY.day}. januar"),
        ("is", "Hvenær hentar þér?", f"mánudagur {MONDAY.day}. janúar"),
    ],
    ids=["da", "is"],
)
def test_dates_are_written_in_the_visitors_language(
    copenhagen: Company, new_visitor: NewVisitor, language: str, title: str, written: str
) -> None:
    tenant = new_visitor().opens(property="nyhavn", lang=language, **{"from": str(MONDAY)}).at(title)
    expect(tenant.page.locator("html")).to_have_attribute("lang", language)
    expect(tenant.page.locator(".day[data-chosen]")).to_have_attribute("aria-label", written)
