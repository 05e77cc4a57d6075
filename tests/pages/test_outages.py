"""Pages that stay open while the server dies, starts again, or loses what Redis had: each ends as a new one begins."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, Route, expect

from scripts.dev_server.child import wait_until
from tests.pages.breakable import LONG, BreakableSite
from tests.pages.site import Company, Visitor
from tests.pages.test_desk import DAY, booked, sits
from tests.world import rfc3339, tomorrow

NewVisitor = Callable[..., Visitor]
BOARD = ".entry"
WEEK = ".day[data-chosen] .chip"


@pytest.fixture
def company(breakable: BreakableSite) -> Company:
    """Of the site whose parts may be killed; so are the visitors of this file."""
    return breakable.company()


def held(company: Company, hour: int, number: int) -> None:
    """A hold of somebody on the web."""
    slot = {"property_id": f"prop-{number}", "technician_id": f"tech-{number}", "start": rfc3339(tomorrow(hour))}
    made = company.ask("POST", "/hold", {**slot, "holder": f"{hour}" * 8}, role="checkout")
    assert made.status == 201, made.body


def chooses_a_time(company: Company, new_visitor: NewVisitor) -> Visitor:
    tenant = new_visitor().opens(property="prop-1", **{"from": DAY}).at("When suits you?")
    tenant.free.first.wait_for()
    return tenant


def shown(page: Page, what: str) -> list[str]:
    """What stands on a page, without what counts down."""
    found: list[str] = page.evaluate(
        """what => [...document.querySelectorAll(what)].map(node => [node.className, node.ariaDisabled,
        ...[...node.querySelectorAll('time, b, .where, .chip > *')].map(part => part.textContent)].join()).sort()""",
        what,
    )
    return found


def is_as_loaded_now(page: Page, what: str) -> None:
    """Waits until a page shows what another tab shows that has just loaded it."""
    fresh = page.context.new_page()
    fresh.goto(page.url)
    fresh.locator(what).first.wait_for(state="attached")

    def are_equal() -> bool:
        page.wait_for_timeout(100)
        return shown(page, what) == shown(fresh, what)

    assert wait_until(are_equal, seconds=LONG), set(shown(page, what)) ^ set(shown(fresh, what))
    fresh.close()


def test_where_the_server_dies_after_the_insert_the_page_ends_with_that_booking(
    company: Company, breakable: BreakableSite, new_visitor: NewVisitor
) -> None:
    """The first request to book goes to a server that dies; what the page sends again goes to another one."""
    doomed = breakable.installation.api("after_insert")
    tenant = chooses_a_time(company, new_visitor).holds().fills()
    keys: list[str] = []

    def send(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            return route.continue_()
        with pytest.raises(Error):  # the connection breaks
            route.fetch(url=f"http://127.0.0.1:{doomed.port}/book")
        assert len(company.world.bookings()) == 1
        return route.abort()

    tenant.page.route("**/book", send)
    tenant.press("Book this visit").at("Your visit is booked")
    doomed.child.kill()
    (booking,) = company.bookings
    tenant.says(booking["booking_id"])
    assert len(keys) > 1
    assert len(set(keys)) == 1


@pytest.mark.parametrize("how", ["its workers are killed", "it is killed", "it is stopped"])
def test_pages_lose_and_double_nothing_while_the_server_starts_again(
    company: Company, breakable: BreakableSite, new_visitor: NewVisitor, how: str
) -> None:
    desk, tenant = sits(company, new_visitor), chooses_a_time(company, new_visitor)
    booked(company, 8)
    expect(desk.page.locator(BOARD)).to_have_count(1)
    if how == "its workers are killed":
        breakable.kill_workers()
    elif how == "it is killed":
        breakable.restart()
    else:
        breakable.api.child.stop()
        breakable.restart()
    booked(company, 10, technician_id="tech-2", customer={"name": "Erik Example"})
    held(company, 12, 2)
    booked(company, 14, technician_id="tech-3", customer={"name": "Freja Example"})
    expect(desk.page.locator(BOARD)).to_have_count(4, timeout=LONG * 1000)
    is_as_loaded_now(desk.page, BOARD)
    is_as_loaded_now(tenant.page, WEEK)


def test_pages_show_what_is_left_when_redis_has_lost_all(
    company: Company, breakable: BreakableSite, new_visitor: NewVisitor
) -> None:
    """A hold is lost with Redis, a booking is not."""
    booked(company, 8)
    held(company, 12, 1)
    held(company, 14, 2)
    desk, tenant = sits(company, new_visitor), chooses_a_time(company, new_visitor)
    expect(desk.page.locator(".entry.held")).to_have_count(2)
    expect(tenant.page.locator(".chip.held:visible")).not_to_have_count(0)
    breakable.installation.world.services.redis.flushall()
    expect(desk.page.locator(".entry.held")).to_have_count(0, timeout=LONG * 1000)
    expect(tenant.page.locator(".chip.held:visible")).to_have_count(0, timeout=LONG * 1000)
    is_as_loaded_now(desk.page, BOARD)
    is_as_loaded_now(tenant.page, WEEK)


def test_a_stream_goes_on_behind_the_id_of_its_last_ping(company: Company, new_visitor: NewVisitor) -> None:
    hello = f'id: 1-0\nevent: hello\ndata: {{"now_ms": {int(time.time() * 1000)}, "id": "1-0"}}\n\n'
    visitor = new_visitor()
    visitor.page.route(
        "**/events?*",
        lambda route: route.fulfill(content_type="text/event-stream", body=f"{hello}: ping\nid: 7-0\n\n"),
    )
    with visitor.page.expect_request(lambda request: request.headers.get("last-event-id") == "7-0"):
        visitor.opens(property="prop-1")
