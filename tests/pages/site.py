"""A real server with its stores, a browser, and visitors: what the tests of the pages work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from models.catalogue import PolicyPatch, TechnicianCreate
from models.service import ServiceCreate
from scripts.dev_server.child import wait_until
from tests.system.drills.installation import Answer, Api, Installation
from tests.world import World

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
PATIENCE_MS = 20_000
"""How long a page may take for what it does at once on an idle machine."""

WATCH = "addEventListener('securitypolicyviolation', event => console.error('CSP ' + event.violatedDirective))"


@dataclass
class Company:
    """An org whose checkout is tested, and its API."""

    api: Api
    world: World

    @property
    def key(self) -> str:
        return self.world.keys["checkout"]

    def ask(self, method: str, path: str, body: Any = None, role: str = "desk", **headers: str) -> Answer:
        return self.api.ask(method, path, self.world.keys[role], body, **headers)

    def rules(self, **policy: Any) -> None:
        """Changes the policy."""
        self.world.services.catalogue_desk.patch_policy(self.world.org, PolicyPatch(**policy))

    def offers(self, *services: tuple[str, str, int]) -> None:
        """Adds public services: (id, name, minutes)."""
        for service_id, name, minutes in services:
            made = ServiceCreate(id=service_id, name=name, duration_minutes=minutes, public=True, price_text="90 euros")
            self.world.services.service_desk.create(self.world.org, made)

    def hires(self, technician: TechnicianCreate) -> None:
        self.world.services.catalogue_desk.create_technician(self.world.org, technician)

    @property
    def bookings(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.ask("GET", "/bookings").body["bookings"]
        return listed

    def address(self, path: str = "/", **query: str) -> str:
        asked = "&".join(f"{name}={value}" for name, value in {"key": self.key, **query}.items())
        return f"http://127.0.0.1:{self.api.port}{path}?{asked}"


@dataclass
class Visitor:
    """One browser with one tab.

    host: the origin of the site that embeds the checkout, if one does. bytes: of the body of each reply as it was sent,
    by address. At its end it fails if a script failed, the CSP forbade a thing, or a third party was asked.
    """

    context: BrowserContext
    page: Page
    company: Company
    host: str = ""
    faults: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(f"{error}"))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.text.startswith("CSP ") else None)
        self.page.on("request", self._note)
        self.page.on("requestfinished", self._weigh)

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def _weigh(self, request: Request) -> None:
        self.bytes[request.url] = request.sizes()["responseBodySize"]

    def opens(self, path: str = "/", **query: str) -> Visitor:
        self.page.goto(self.company.address(path, **query))
        return self

    def at(self, title: str) -> Visitor:
        """Waits for the step with this heading."""
        expect(self.page.get_by_role("heading", name=title, level=1)).to_be_visible()
        return self

    def press(self, name: str) -> Visitor:
        self.page.get_by_role("button", name=name, exact=True).click()
        return self

    @property
    def free(self) -> Locator:
        """The free times that can be seen."""
        return self.page.locator(".chip.free:visible")

    def holds(self, index: int = 0) -> Visitor:
        """Taps a free time."""
        self.free.nth(index).click()
        return self.at("Your details")

    def fills(self, name: str = "Ann Example", phone: str = "+45 20 12 34 56") -> Visitor:
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("Phone").fill(phone)
        return self

    def says(self, text: str) -> Visitor:
        expect(self.page.get_by_text(text).first).to_be_visible()
        return self

    @property
    def left(self) -> int:
        """The seconds of the countdown."""
        minutes, _, seconds = self.page.locator(".left:visible").first.inner_text().partition(":")
        return int(minutes) * 60 + int(seconds)

    @property
    def strangers(self) -> list[str]:
        own = f"http://127.0.0.1:{self.company.api.port}/"
        known = (own, "data:", "blob:", *([self.host] if self.host else []))
        return [each.url for each in self.requests if not each.url.startswith(known)]

    def closes(self) -> None:
        self.context.close()
        assert self.faults == []
        assert self.strangers == []


def visitor(browser: Browser, company: Company, *, script: str = "", host: str = "", **options: Any) -> Visitor:
    """A visitor with a browser of their own. script: runs before each page. host: the site that embeds the checkout.
    options: of the browser's context."""
    wanted = {"viewport": PHONE, "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce"} | options
    context = browser.new_context(**wanted)
    context.set_default_timeout(PATIENCE_MS)
    if wanted.get("java_script_enabled", True):
        context.add_init_script(WATCH + ";" + script)
    made = Visitor(context, context.new_page(), company, host)
    made.watch()
    return made


def becomes_true(condition: Any) -> bool:
    return bool(wait_until(condition, seconds=PATIENCE_MS / 1000))


@dataclass
class Site:
    """The installation of a run of tests, and its one API process."""

    installation: Installation
    api: Api

    def company(self) -> Company:
        """A new org: three houses, three technicians who always work, and one service."""
        made = Company(self.api, World(self.installation.world.services))
        made.offers(("leak", "Leaking tap", 60))
        return made
