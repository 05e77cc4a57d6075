"""Makes the pictures of the pages for README and docs: phone and desktop, light and dark.

Needs a running `scripts/server`, Debian's chromium, and the packages of the tests. It books visits of the demo, and
cancels them:

    .venv/bin/python scripts/screenshots.py [--dev .data/dev.json] [--to docs/images] [--only checkout-time]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
SIZES = {"phone": (375, 720), "desktop": (1120, 700)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

Act = Callable[[Page, str], None]


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
    if page.locator(".facts").count():
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
    parser.add_argument("--only", choices=sorted(PICTURES), help="one of them")
    options = parser.parse_args(arguments)
    url = json.loads(options.dev.read_text())["url"]
    options.to.mkdir(parents=True, exist_ok=True)
    wanted = {options.only: PICTURES[options.only]} if options.only else PICTURES
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
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
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
