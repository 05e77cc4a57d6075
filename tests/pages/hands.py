"""The two ways in which a person works with a page: with a mouse, or with the keyboard alone."""

from __future__ import annotations

from typing import Any, Protocol

from playwright.sync_api import Locator, Page

from tests.pages.site import PATIENCE_MS

MOST_STEPS = 120
IS_FOCUSED = "node => node === document.activeElement"


class Hands(Protocol):
    """What a person does on a page."""

    def press(self, page: Page, wanted: Locator) -> None:
        """Presses a button, or follows a link."""

    def write(self, page: Page, label: str, text: str) -> None:
        """Writes into the field with this label."""

    def move_an_hour_later(self, page: Page, card: Locator) -> None:
        """Moves a visit on the board."""


class Mouse:
    """Clicks and drags."""

    def press(self, _page: Page, wanted: Locator) -> None:
        wanted.click()

    def write(self, page: Page, label: str, text: str) -> None:
        page.get_by_label(label, exact=True).fill(text)

    def move_an_hour_later(self, page: Page, card: Locator) -> None:
        card.scroll_into_view_if_needed()
        box: Any = card.bounding_box()
        x, y = box["x"] + 30, box["y"] + 10
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + box["height"] / 2, steps=4)
        page.mouse.move(x, y + box["height"], steps=4)
        page.mouse.up()


class Keys:
    """Reaches everything with Tab, and what is on the board with the arrows."""

    def press(self, page: Page, wanted: Locator) -> None:
        self._reach(page, wanted, "Tab")
        page.keyboard.press("Enter")

    def write(self, page: Page, label: str, text: str) -> None:
        self._reach(page, page.get_by_label(label, exact=True), "Tab")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)

    def move_an_hour_later(self, page: Page, card: Locator) -> None:
        self._reach(page, page.locator("#grid [tabindex='0']"), "Tab")
        while page.locator(".lane:focus-within").locator(card).count() == 0:
            page.keyboard.press("ArrowRight")
        for _ in range(3):
            page.keyboard.press("ArrowUp")
        self._reach(page, card, "ArrowDown")
        for key in ("m", *["ArrowDown"] * 4, "Enter"):
            page.keyboard.press(key)

    def _reach(self, page: Page, wanted: Locator, key: str) -> None:
        """Presses a key until what is wanted has the focus."""
        wanted.wait_for(timeout=PATIENCE_MS)
        for _ in range(MOST_STEPS):
            if wanted.evaluate(IS_FOCUSED):
                return
            page.keyboard.press(key)
        raise AssertionError(f"{key} does not reach {wanted}.")
