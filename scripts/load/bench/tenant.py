"""A tenant's way through the checkout on a slow phone: when it is there, how soon it answers, and what it weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from playwright.sync_api import Browser, Page, Request, ViewportSize

from scripts.load.bench.holdfast import Seat
from scripts.load.bench.probes import WATCH, answers, slow, vitals
from scripts.load.report import percentile

LOADS, BOOKED = 5, 3
SERVICES: Final = {"boiler": 60, "tap": 60, "lock": 45, "paint": 30, "power": 90}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
LONG_MS: Final = 60_000


@dataclass
class Tenant:
    """largest: ms until the largest text is there, of loads of a page. answers: ms to the next picture after each tap
    or key. bytes: of HTML, CSS and JS as they were sent; requests: all of them, of one load."""

    largest: dict[str, list[float]] = field(default_factory=dict)
    jumps: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    bytes: int = 0
    requests: int = 0

    @property
    def slowest_page(self) -> float:
        """The median of the loads of the page that takes longest."""
        return max(median(each) for each in self.largest.values())

    def as_data(self) -> dict[str, Any]:
        return {
            "lcp_ms": {name: round(median(each)) for name, each in self.largest.items()},
            "cls": round(max(self.jumps), 4),
            "inp_p95_ms": percentile(self.answers, 0.95),
            "interactions": len(self.answers),
            "bytes": self.bytes,
            "requests": self.requests,
        }


def measure(browser: Browser, seats: Sequence[Seat]) -> Tenant:
    """Loads the pages anew each time, and then books some visits, with a slow processor all the time."""
    found = Tenant()
    target = seats[0].target
    for name, minutes in SERVICES.items():
        body = {"id": name, "name": f"{name.capitalize()} check", "duration_minutes": minutes, "public": True}
        target.demand(201, "POST", "/services", body=body)
    key, url = target.keys["checkout"], f"{target.url}/"
    chosen = f"{url}?key={key}&service=boiler"
    pages = {"services": f"{url}?key={key}", "homes": chosen, "week": f"{chosen}&property={seats[0].property_id}"}
    for name, address in pages.items():
        found.largest[name] = [_load(browser, address, found) for _ in range(LOADS)]
    for number in range(BOOKED):
        _book(browser, f"{chosen}&property={seats[number].property_id}", found)
    return found


def _open(browser: Browser) -> Page:
    page = browser.new_context(viewport=PHONE, locale="en-GB", timezone_id="UTC", has_touch=True).new_page()
    page.context.set_default_timeout(LONG_MS)
    page.add_init_script(WATCH)
    slow(page)
    return page


def _load(browser: Browser, address: str, found: Tenant) -> float:
    page, done = _open(browser), list[Request]()

    def note(request: Request) -> None:
        done.append(request)

    page.on("requestfinished", note)
    page.goto(address)
    page.locator(".option, .chip.free:visible").first.wait_for()
    page.wait_for_timeout(500)
    largest, jumped = vitals(page)
    found.jumps.append(jumped)
    found.bytes = sum(each.sizes()["responseBodySize"] for each in done if _is_file(each))
    found.requests = max(found.requests, len(done))
    page.context.close()
    return largest


def _is_file(request: Request) -> bool:
    return request.resource_type in ("document", "script", "stylesheet")


def _book(browser: Browser, address: str, found: Tenant) -> None:
    page = _open(browser)
    page.goto(address)
    page.locator(".chip.free:visible").first.wait_for()
    page.get_by_role("button", name="The week after").tap()
    page.locator(".chip.free:visible").first.wait_for()
    for day in (2, 4):
        page.locator(".day-tab").nth(day).tap()
        page.locator(".chip.free:visible").first.wait_for()
    page.locator(".chip.free:visible").nth(4).tap()
    for label, text in (("Your name", "Ann Example"), ("Phone", "+4520123456"), ("What should we know?", "It drips.")):
        page.get_by_label(label).tap()
        page.keyboard.type(text)
    page.get_by_role("button", name="Book this visit").tap()
    page.locator(".tick").wait_for()
    page.wait_for_timeout(500)
    found.answers += answers(page)
    found.jumps.append(vitals(page)[1])
    page.context.close()
