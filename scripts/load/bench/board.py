"""The board of the desk with many technicians: drawn, kept true and dragged on, in milliseconds of the main thread."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from playwright.sync_api import Browser, Page, ViewportSize

from scripts.load.bench.holdfast import ALICE, Seat
from scripts.load.bench.probes import MainThread, ages
from scripts.load.bench.sides import DIRECT, expect
from scripts.load.bench.slots import first_day
from scripts.load.client.pump import Pump
from scripts.load.client.target import Target, Unreachable
from scripts.load.client.wire import request_bytes

VISITS: Final = 8
"""Of each technician, an hour each, every second hour from five o'clock."""
FIRST_HOUR: Final = 5
TURNS, CHANGES, FRAMES, HOLDS = 5, 20, 60, 30
SETTLE_MS: Final = 2_500
EACH_MS: Final = 120
LATER, EARLIER = "Later", "Earlier"
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}


@dataclass(frozen=True)
class Board:
    """technicians: on it. render, update, frame: milliseconds of the main thread. seen: ms until others see a hold."""

    technicians: int
    render: float
    update: float
    frame: float
    seen: Sequence[float]

    @property
    def visits(self) -> int:
        return self.technicians * VISITS

    def as_data(self) -> dict[str, Any]:
        times = {"render_ms": self.render, "update_ms": self.update, "drag_frame_ms": self.frame}
        return {"technicians": self.technicians, "visits": self.visits} | {
            name: round(each, 1) for name, each in times.items()
        }


def furnish(pump: Pump, seats: Sequence[Seat]) -> datetime:
    """Books the visits of a day. Gives the day. Raises Unreachable."""
    day = first_day()
    hours = [day + timedelta(hours=FIRST_HOUR + 2 * number) for number in range(VISITS)]
    bodies = [(seat, {**seat.at(start), "customer": ALICE}) for start in hours for seat in seats]
    expect(DIRECT, pump.fire([request_bytes("POST", "/book", key=s.target.keys["desk"], body=b) for s, b in bodies]))
    return day


def measure(browser: Browser, seats: Sequence[Seat], day: datetime) -> Board:
    """Opens the board of the day before, and measures. Raises Unreachable."""
    target = seats[0].target
    page = _signed_in(browser, target, day - timedelta(days=1))
    thread = MainThread(page)
    rest = thread.rest_per_second() / 1000
    renders = [_render(page, thread, len(seats)) - rest * SETTLE_MS for _ in range(TURNS)]
    _turn(page, LATER)
    page.wait_for_timeout(SETTLE_MS)
    update = _update(page, thread, target, day) - rest * EACH_MS
    frame = _drag(page, thread)
    seen = ages(page, _holds(seats, day), HOLDS)
    page.context.close()
    return Board(len(seats), median(renders), update, frame, seen)


def _signed_in(browser: Browser, target: Target, day: datetime) -> Page:
    email, password = f"dora@{target.org}.example", secrets.token_urlsafe(16)
    person = {"id": "dora", "name": "Dora", "email": email, "role": "desk", "password": password}
    target.demand(201, "POST", "/users", body=person)
    page = browser.new_context(viewport=DESKTOP, locale="en-GB", timezone_id="UTC").new_page()
    page.goto(f"{target.url}/desk?date={day:%Y-%m-%d}")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#grid").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    return page


def _turn(page: Page, button: str) -> None:
    """Presses a button without Playwright's search by role, which makes the main thread work, and slow for long."""
    page.evaluate("name => document.querySelector(`[aria-label=${name}]`).click()", button)


def _render(page: Page, thread: MainThread, technicians: int) -> float:
    """Turns to the full day, and back."""
    spent = thread.of(lambda: _turn(page, LATER), SETTLE_MS)
    if page.locator(".entry").count() != technicians * VISITS:
        raise Unreachable(f"the board shows {page.locator('.entry').count()} visits")
    _turn(page, EARLIER)
    page.wait_for_timeout(SETTLE_MS)
    return spent


def _update(page: Page, thread: MainThread, target: Target, day: datetime) -> float:
    """Others move visits by a quarter of an hour. Once to warm up, then again."""
    span = f"from={day:%Y-%m-%d}&to={day + timedelta(days=1):%Y-%m-%d}"

    def move_all() -> None:
        for visit in target.demand(200, "GET", f"/board?{span}", role="desk")["visits"][:CHANGES]:
            later = datetime.fromisoformat(visit["start"]) + timedelta(minutes=15)
            body = {"start": later.isoformat()}
            path, version = f"/bookings/{visit['booking_id']}", f'"{visit["version"]}"'
            target.demand(200, "PATCH", path, role="desk", body=body, If_Match=version)
            page.wait_for_timeout(EACH_MS)

    return [thread.of(move_all, EACH_MS) / CHANGES for _ in ("warm up", "measure")][-1]


def _drag(page: Page, thread: MainThread) -> float:
    """Drags a visit over the board and puts it back."""
    card = page.locator(".entry").first
    card.scroll_into_view_if_needed()
    box: Any = card.bounding_box()
    x, y = box["x"] + 30, box["y"] + 10
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 20, steps=4)

    def move() -> None:
        for step in range(FRAMES):
            page.mouse.move(x + 8 * (step % 40), y + 20 + 3 * step)

    spent = thread.of(move, 0) / FRAMES
    page.mouse.move(x, y)
    page.mouse.up()
    return spent


def _holds(seats: Sequence[Seat], day: datetime) -> Callable[[int], object]:
    def hold(number: int) -> object:
        seat = seats[number % len(seats)]
        start = day + timedelta(hours=number // len(seats))
        body = {**seat.at(start), "holder": f"bench-page-{number:04d}"}
        return seat.target.demand(201, "POST", "/hold", role="desk", body=body)

    return hold
