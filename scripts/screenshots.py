"""Makes the pictures of the pages for README and docs: phone and desktop, light and dark.

Needs a running `scripts/server`, Debian's chromium, and the packages of the tests. It books visits of the demo, and
cancels them. The board shows the Monday after next. With HOLDFAST_OUTBOX_FOLDER the server has messages to show:

    .venv/bin/python scripts/screenshots.py [--dev .data/dev.json] [--to docs/images] [--only checkout-time]
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page

from scripts.browser import chromium

SIZES = {"phone": (375, 720), "desktop": (1120, 700)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

Act = Callable[[Page, str], None]

_TODAY = datetime.now(UTC).date()
DAY = _TODAY + timedelta(days=14 - _TODAY.weekday())
VISITS = (
    ("prop-101", "08:00", "leak", "Anna Sigurðardóttir"),
    ("prop-102", "09:00", "boiler-check", "Björn Einarsson"),
    ("prop-107", "09:30", "lock-change", "Carla Madsen"),
    ("prop-108", "11:00", "electrical-inspection", "David Holm"),
    ("prop-103", "14:00", "painting-quote", "Elín Jónsdóttir"),
    ("prop-105", "15:30", "leak", "Freyr Hansson"),
    ("prop-104", "16:00", "lock-change", "Grandi Boathouse"),
)
CREW = {"property_id": "prop-113", "start": f"{DAY}T18:00:00Z", "technicians": 2, "customer": {"name": "Roof check"}}
WISHES = (("prop-101", "08:00", "08:30", "Greta Olsen"), ("prop-103", "14:00", "14:30", "Helgi Pálsson"))
WEBHOOK = {"url": "https://hooks.example.com/holdfast", "kinds": ["booking.created", "booking.cancelled"]}
HOUSES = """id;name;address;area
quay-28;Harbour House;Quay Street 28, Reykjavík;harbour
quay-30;Harbour Lodge;Quay Street 30, Reykjavík;harbour
hill-2;Hill House;Hill Road 2, Kópavogur;south
"""
WRONG = HOUSES.replace("hill-2;", "hill 2;").replace("Harbour Lodge", "")
PAGES = ("customers", "waitlist", "messages", "properties", "services", "people", "policy", "webhooks")
HOLD = {"property_id": "prop-106", "start": f"{DAY}T10:45:00Z", "ttl_seconds": 900, "holder": "the browser of a tenant"}


def _services(page: Page, url: str) -> None:
    page.goto(url)
    page.locator(".option").first.wait_for()


def _times(page: Page, url: str) -> None:
    page.goto(f"{url}/?service=boiler-check&property=prop-101")
    page.locator(".chip.free:visible").first.wait_for()
    page.get_by_role("button", name="The week after").click()
    page.locator(".chip.free:visible").first.wait_for()


def _undo(page: Page) -> None:
    """Gives the time back, so that the next picture shows the same week."""
    if page.get_by_role("button", name="I do not want this time").count():
        page.get_by_role("button", name="I do not want this time").click()
        page.locator(".chip.free:visible").first.wait_for()
    if page.get_by_role("link", name="See your visit").count():
        page.get_by_role("link", name="See your visit").click()
        page.locator(".facts").wait_for()
    if "/visit" in page.url:
        page.get_by_role("button", name="Cancel the visit").click()
        page.get_by_role("button", name="Yes, cancel it").click()
        page.get_by_text("Your visit is cancelled.").last.wait_for()


def _details(page: Page, url: str) -> None:
    _times(page, url)
    page.locator(".chip.free:visible").nth(4).click()
    page.get_by_label("Your name").fill("Anna Sigurðardóttir")
    page.get_by_label("Phone").fill("+354 555 0101")


def _booked(page: Page, url: str) -> None:
    _details(page, url)
    page.get_by_label("What should we know?").fill("The boiler makes a noise like a kettle. Ring at the third floor.")
    page.get_by_role("button", name="Book this visit").click()
    page.locator(".tick").wait_for()


def _visit(page: Page, url: str) -> None:
    _booked(page, url)
    page.get_by_role("link", name="See your visit").click()
    page.locator(".facts").wait_for()


class Office:
    """The desk of the demo: who signs in, and the visits of its day."""

    def __init__(self, dev: Path) -> None:
        self._server = json.loads(dev.read_text())
        people = json.loads((dev.parent / "people.json").read_text())
        self._email, self._password = next((each, word) for each, word in people.items() if each.startswith("anton"))

    @contextmanager
    def day(self) -> Iterator[None]:
        """Visits on `DAY`, until the pictures are made."""
        slots = [
            {
                "property_id": place,
                "start": f"{DAY}T{time}:00Z",
                "service_id": service,
                "customer": {"name": name, "phone": f"+354 555 01{number:02}"},
            }
            for number, (place, time, service, name) in enumerate(VISITS, start=11)
        ]
        made = [self._post("/book", slot)["booking_id"] for slot in [*slots, CREW]]
        held = self._post("/hold", HOLD, "checkout")
        waiting = [self._post("/waitlist", wish)["waitlist_id"] for wish in _wishes()]
        hook = self._post("/webhooks", WEBHOOK, "admin")["webhook_id"]
        try:
            yield
        finally:
            for booking_id in made:
                self._post(f"/bookings/{booking_id}/cancel", {})
            self._ask("DELETE", f"/hold/{held['hold_id']}", None, "checkout")
            for waitlist_id in waiting:
                self._ask("DELETE", f"/waitlist/{waitlist_id}", None, "desk")
            self._ask("DELETE", f"/webhooks/{hook}", None, "admin")

    def board(self, page: Page, url: str) -> None:
        page.goto(f"{url}/desk?date={DAY}")
        page.locator("#grid, #email").first.wait_for()
        if page.locator("#email").count():
            page.get_by_label("E-mail").fill(self._email)
            page.get_by_label("Password").fill(self._password)
            page.get_by_role("button", name="Sign in").click()
        page.locator(".entry").first.wait_for()
        page.get_by_text("Skúlagata").first.wait_for()

    def visit(self, page: Page, url: str) -> None:
        self.board(page, url)
        page.locator(".entry", has_text="Björn").click()
        page.locator("#panel .facts").wait_for()

    def week(self, page: Page, url: str) -> None:
        self.board(page, url)
        page.get_by_role("button", name="Week").click()
        page.locator(".week-load").wait_for()

    def technicians(self, page: Page, url: str) -> None:
        self.board(page, url)
        page.goto(f"{url}/desk/technicians")
        page.get_by_text("Sigrún").first.wait_for()

    def page(self, name: str) -> Act:
        """How a further page of the office is opened."""

        def act(page: Page, url: str) -> None:
            self.board(page, url)
            page.goto(f"{url}/desk/{name}")
            page.locator("main .records, main .empty, main form").first.wait_for()

        return act

    def checked(self, text: str) -> Act:
        """How the page of imports looks once this file is checked."""

        def act(page: Page, url: str) -> None:
            self.page("import")(page, url)
            file = {"name": "properties.csv", "mimeType": "text/csv", "buffer": text.encode()}
            page.locator("#file").set_input_files(file)  # type: ignore[arg-type]  # a FilePayload is a dict
            page.locator("#result").wait_for()

        return act

    def _post(self, path: str, body: Any, role: str = "desk") -> Any:
        return self._ask("POST", path, body, role)

    def _ask(self, method: str, path: str, body: Any, role: str) -> Any:
        headers = {"Authorization": f"Bearer {self._server['keys'][role]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._server["url"] + path, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request) as reply:  # noqa: S310
            return json.loads(reply.read() or b"null")


def _pictures(office: Office) -> dict[str, Act]:
    desk = {
        "desk": office.board,
        "desk-visit": office.visit,
        "desk-week": office.week,
        "desk-technicians": office.technicians,
        **{f"desk-{name}": office.page(name) for name in PAGES},
        "desk-import": office.checked(HOUSES),
        "desk-import-mistakes": office.checked(WRONG),
    }
    return {**PICTURES, **desk, "docs": _reference}


def _wishes() -> Iterator[dict[str, Any]]:
    """Who waits for a time that a visit of the day takes."""
    for place, begin, end, name in WISHES:
        window = {"from": f"{DAY}T{begin}:00Z", "to": f"{DAY}T{end}:00Z", "duration_minutes": 30}
        yield {"property_id": place, **window, "customer": {"name": name, "phone": "+354 555 0199"}}


def _reference(page: Page, url: str) -> None:
    page.goto(f"{url}/docs")
    page.get_by_role("heading").first.wait_for()


PICTURES: dict[str, Act] = {
    "checkout-service": _services,
    "checkout-time": _times,
    "checkout-details": _details,
    "checkout-booked": _booked,
    "visit": _visit,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write `<name>-<size>-<scheme>.png` for each picture. The exit status is 0."""
    parser = argparse.ArgumentParser(description="Make the pictures of the pages with a running scripts/server.")
    parser.add_argument("--dev", type=Path, default=ROOT / ".data" / "dev.json", help="written by scripts/server")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images", help="folder of the pictures")
    parser.add_argument("--only", default="", help="those whose names begin so")
    options = parser.parse_args(arguments)
    url, office = json.loads(options.dev.read_text())["url"], Office(options.dev)
    options.to.mkdir(parents=True, exist_ok=True)
    wanted = {name: act for name, act in _pictures(office).items() if name.startswith(options.only)}
    with office.day(), chromium() as browser:
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    locale="en-GB",
                    timezone_id="Atlantic/Reykjavik",
                    reduced_motion="reduce",
                )
                for name, act in wanted.items():
                    page = context.new_page()
                    act(page, url)
                    page.mouse.move(0, 0)
                    page.screenshot(path=options.to / f"{name}-{size}-{scheme}.png")
                    _undo(page)
                    page.close()
                context.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
