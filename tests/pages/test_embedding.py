"""The checkout within a page of another site: on its key's origins alone, and without storage of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from models.access import Role
from tests.pages.site import Company, Visitor

NewVisitor = Callable[..., Visitor]


NO_STORAGE_IN_FRAMES = """
if (parent !== window) Object.defineProperty(window, "sessionStorage", {
  get() { throw new DOMException("refused", "SecurityError"); } });
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A site of somebody else: its origin, and the folder of its pages. `localhost` is another site than 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}", tmp_path
    server.shutdown()
    thread.join()
    server.server_close()


PAGE = """<!doctype html><title>Homes</title><h1>Homes</h1>
<script>
  var heard = [];
  const hear = event => heard.push(event.type);
  for (const kind of ["held", "booked"]) document.addEventListener("holdfast:" + kind, hear);
</script>
<script src="http://127.0.0.1:PORT/embed.js" data-key="KEY" data-property="prop-1"></script>
"""


def embed(company: Company, folder: Path, *origins: str) -> None:
    """Writes the page of the other site, with a key for these origins."""
    key = company.world.services.access.create_key(company.world.org, Role.CHECKOUT, origins=origins).key
    (folder / "book.html").write_text(PAGE.replace("PORT", str(company.api.port)).replace("KEY", key))


def test_a_visit_is_booked_in_a_page_of_another_site_which_hears_of_it(
    company: Company, new_visitor: NewVisitor, homes: tuple[str, Path]
) -> None:
    origin, folder = homes
    embed(company, folder, origin)
    page = new_visitor(host=origin).page
    page.goto(f"{origin}/book.html")
    frame = page.frame_locator("iframe")
    frame.locator(".chip.free:visible").first.click()
    frame.get_by_label("Your name").fill("Ann Framed")
    frame.get_by_label("Phone").fill("20123456")
    page.wait_for_function("heard.join() === 'holdfast:held'")
    page.wait_for_function("document.querySelector('iframe').offsetHeight !== 640")

    frame.get_by_role("button", name="Book this visit").click()
    page.wait_for_function("heard.join() === 'holdfast:held,holdfast:booked'")
    assert company.bookings[0]["customer"]["name"] == "Ann Framed"


def test_without_storage_in_the_frame_the_page_around_it_keeps_the_hold(
    company: Company, new_visitor: NewVisitor, homes: tuple[str, Path]
) -> None:
    """A browser that refuses storage to frames of other sites throws when a script asks for it."""
    origin, folder = homes
    embed(company, folder, origin)
    page = new_visitor(host=origin, script=NO_STORAGE_IN_FRAMES).page
    page.goto(f"{origin}/book.html")
    frame = page.frame_locator("iframe")
    frame.locator(".chip.free:visible").first.click()
    frame.get_by_label("Your name").fill("Ann Framed")
    page.reload()
    frame.get_by_role("button", name="Go on").click()
    expect(frame.get_by_label("Your name")).to_have_value("Ann Framed")
    assert len(company.ask("GET", "/holds").body["holds"]) == 1


def test_the_frame_reads_nothing_else_that_the_page_around_it_keeps(
    company: Company, new_visitor: NewVisitor, homes: tuple[str, Path]
) -> None:
    origin, folder = homes
    embed(company, folder, origin)
    page = new_visitor(host=origin).page
    page.goto(f"{origin}/book.html")
    page.frame_locator("iframe").locator(".chip.free:visible").first.wait_for()
    page.evaluate("sessionStorage.setItem('secret', 's'); sessionStorage.setItem('holdfast.own', 'o')")
    ask = """ids => new Promise(resolve => {
      const found = [];
      addEventListener("message", event => found.push(event.data.text) === ids.length && resolve(found));
      for (const id of ids) parent.postMessage({ holdfast: "ask", id }, "*");
    })"""
    assert page.frames[1].evaluate(ask, ["secret", "holdfast.own"]) == [None, "o"]


def test_a_page_that_the_key_does_not_name_shows_nothing(
    company: Company, new_visitor: NewVisitor, homes: tuple[str, Path]
) -> None:
    origin, folder = homes
    embed(company, folder, "https://others.example")
    page = new_visitor(host=origin).page
    page.goto(f"{origin}/book.html")
    page.wait_for_function("document.querySelector('iframe') !== null")
    page.frame_locator("iframe").locator("h1").wait_for(state="attached")  # the browser's own page, which refuses
    expect(page.frame_locator("iframe").locator("#columns")).to_have_count(0)
