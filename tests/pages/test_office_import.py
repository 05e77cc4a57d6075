"""The page on which an admin imports a file: what is wrong shows at once, and nothing is written before it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pages.site import DESKTOP, Company, Visitor
from tests.pages.test_looks import NARROW, faults
from tests.pages.test_office import said, sits
from tests.world import tomorrow

NewVisitor = Callable[..., Visitor]

HOUSES = "id;name;address\nhome-1;Mill House;Quay Street 1\nhome-2;Dock House;\n"


def chooses(page: Page, text: str | bytes, name: str = "file.csv") -> None:
    content = text if isinstance(text, bytes) else text.encode()
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


def homes(company: Company) -> list[str]:
    return [each["id"] for each in company.ask("GET", "/properties").body["properties"]]


@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["narrow", "desktop"])
def test_a_file_is_checked_shown_and_imported(company: Company, new_visitor: NewVisitor, size: Any) -> None:
    person = sits(company, new_visitor, "/desk/import", viewport=size)
    page = person.page
    chooses(page, "\ufeffid,name\nhome-1,\nprop-1,Other\n")
    expect(page.get_by_role("heading", name="2 mistakes")).to_be_visible()
    expect(page.get_by_role("row", name="Give name, which is required.")).to_be_visible()
    expect(page.get_by_role("row", name="allow updates to change it")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    seen = {"mistakes": faults(person)}
    chooses(page, HOUSES.encode("utf-16"), "homes.csv")
    button = page.get_by_role("button", name="Import 2 properties")
    expect(button).to_be_visible()
    expect(page.get_by_role("row", name="Quay Street 1")).to_be_visible()
    seen["checked"] = faults(person)
    assert "home-1" not in homes(company)
    button.click()
    expect(page.get_by_role("heading", name="2 properties are imported")).to_be_visible()
    said(person, "2 rows are imported.")
    assert {"home-1", "home-2"} <= set(homes(company))
    seen["imported"] = faults(person)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert {state: found for state, found in seen.items() if found} == {}
    person.press("Import another file")
    chooses(page, HOUSES)
    person.says("All of it is there already.")


def test_visits_are_pasted_and_imported_by_keys_in_the_named_zone(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/import")
    page = person.page
    page.get_by_label("What is in it").select_option("bookings")
    page.get_by_label("Time zone").fill("Atlantic/Reykjavik")
    page.get_by_text("Paste the rows instead").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Rows, with the names of the columns first").fill(
        "property_id\ttechnician_id\tstart\tduration_minutes\tcustomer_name\n"
        f"prop-1\ttech-1\t{tomorrow(10):%Y-%m-%d %H:%M}\t60\tAlice\n"
    )
    page.get_by_role("button", name="Check the rows").focus()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Import 1 visit")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 visit is imported")).to_be_visible()
    assert [each["start"] for each in company.bookings] == [f"{tomorrow(10):%Y-%m-%dT%H:%M:%SZ}"]


def test_what_is_no_text_is_refused_and_a_sample_can_be_downloaded(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/import")
    page = person.page
    chooses(page, "id,name\nhome-1,J\xf8rgen\n".encode("latin-1"), "old.csv")
    expect(page.get_by_role("alert")).to_have_text("old.csv cannot be read as UTF-8. Save it again as CSV in UTF-8.")
    chooses(page, "", "empty.csv")
    expect(page.get_by_role("alert")).to_contain_text("empty.csv is empty.")
    page.get_by_text("Columns, and a sample file").click()
    expect(page.locator(".facts")).to_contain_text("id, name")
    with page.expect_download() as download:
        person.press("Download a sample file")
    chooses(page, download.value.path().read_bytes())
    expect(page.get_by_role("button", name="Import 2 properties")).to_be_visible()


def test_an_import_without_an_answer_says_so_and_goes_on_when_asked(company: Company, new_visitor: NewVisitor) -> None:
    person = sits(company, new_visitor, "/desk/import")
    page = person.page
    chooses(page, HOUSES)
    button = page.get_by_role("button", name="Import 2 properties")
    expect(button).to_be_visible()
    page.route("**/imports", lambda route: route.fulfill(status=503, body="{}"))
    page.clock.install()
    button.click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.clock.run_for(60_000)
    expect(page.get_by_role("alert")).to_contain_text("What is written stays.")
    page.unroute("**/imports")
    page.get_by_role("button", name="Import 2 properties").click()
    expect(page.get_by_role("heading", name="2 properties are imported")).to_be_visible()
