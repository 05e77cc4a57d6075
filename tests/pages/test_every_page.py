"""What holds on every page that the server has, for tenants and for the office."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from api.pages.views import PAGES
from tests.pages.site import DESKTOP, Company, Visitor

NewVisitor = Callable[..., Visitor]
PHONE_OF_COMPANY = "+45 33 12 34 56"
ADDRESSES = (*(page.path for page in PAGES), "/docs", "/docs/bookings")
HAS_PHONE = tuple(page.path for page in PAGES)
WHAT_IT_MAY_WEIGH = {"checkout": 28_000, "visit": 28_000, "desk": 54_000, "office": 54_000}
"""Bytes of HTML, CSS and JS as they are sent, by shell. Those of the reference are in `test_docs`."""


def test_without_scripts_every_page_says_what_it_is_and_whom_to_call(company: Company, new_visitor: NewVisitor) -> None:
    company.rules(phone=PHONE_OF_COMPANY)
    reader = new_visitor(java_script_enabled=False)
    for address in ADDRESSES:
        reader.opens(address)
        expect(reader.page.locator("html")).to_have_attribute("lang", "en")
        expect(reader.page.get_by_role("heading", level=1)).to_be_visible()
        text = reader.page.locator("body").inner_text()
        assert len(text.split()) > 20, address
        assert (PHONE_OF_COMPANY in text) == (address in HAS_PHONE), address


def test_each_kind_of_page_is_small_and_asks_nobody_else(company: Company, new_visitor: NewVisitor) -> None:
    """At the end the visitor fails where a third party was asked, or the CSP forbade something."""
    for page in {page.shell: page for page in PAGES}.values():
        reader = new_visitor(viewport=DESKTOP).opens(page.path)
        reader.page.locator("h1").first.wait_for()
        files = [size for url, size in reader.bytes.items() if "/static/" in url or url == reader.page.url]
        assert 0 < sum(files) <= WHAT_IT_MAY_WEIGH[page.shell], page.path
