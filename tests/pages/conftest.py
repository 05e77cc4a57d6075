"""One server and one browser for all tests of the pages; each test has an org of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from scripts.browser import chromium
from tests.pages.breakable import BreakableSite, breakable_site
from tests.pages.site import PATIENCE_MS, Company, Site, Visitor, visitor
from tests.system.drills.installation import private_installation
from tests.world import PATIENT

NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with private_installation(tmp_path_factory.mktemp("pages"), PATIENT) as installation:
        yield Site(installation, installation.api())


@pytest.fixture(scope="session")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BreakableSite]:
    """Another one, whose parts a test may kill. It leaves them well."""
    with breakable_site(tmp_path_factory.mktemp("breakable")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with the file, because its event loop is in the way of tests that run one of their own."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as started:
        yield started


@pytest.fixture
def company(site: Site) -> Company:
    return site.company()


@pytest.fixture
def new_visitor(browser: Browser, company: Company) -> Iterator[NewVisitor]:
    """Makes visitors, and at the end of the test asks each whether all went well."""
    made: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        made.append(visitor(browser, company, **options))
        return made[-1]

    yield make
    for each in made:
        each.closes()
