"""Names that are markup, or one word of 200 letters, stand on every page as text, and no page grows wider for them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from api.pages.views import OFFICE
from models.catalogue import PolicyPatch, PropertyPatch, TechnicianPatch
from models.service import ServicePatch
from tests.pages.site import PHONE, Company, Visitor
from tests.pages.test_desk import DAY
from tests.pages.test_office import sits
from tests.world import rfc3339, tomorrow

NewVisitor = Callable[..., Visitor]
MARKUP = "<img src=x onerror=document.title=1>"
HOSTILE = MARKUP + "\u05d0\u200f" + "W" * (200 - len(MARKUP) - 2)


def stands_as_text(page: Page, width: int = PHONE["width"]) -> None:
    expect(page.locator("body")).to_contain_text(MARKUP)
    assert page.evaluate("document.querySelectorAll('img, script:not([src]), iframe').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def makes_all_hostile(company: Company) -> str:
    """Renames everything of the org, and books a visit. Gives its manage token."""
    services, org = company.world.services, company.world.org
    desk = services.catalogue_desk
    desk.patch_property(org, "prop-1", PropertyPatch(name=HOSTILE, address=HOSTILE))
    desk.patch_technician(org, "tech-1", TechnicianPatch(name=HOSTILE))
    desk.patch_policy(org, PolicyPatch(display_name=HOSTILE))
    services.service_desk.patch(org, "leak", ServicePatch(name=HOSTILE, price_text=MARKUP))
    slot = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(tomorrow(10)), "service_id": "leak"}
    customer = {"name": HOSTILE, "email": "a@example.com"}
    made = company.ask("POST", "/book", {**slot, "customer": customer, "description": HOSTILE}, role="bot")
    assert made.status == 201, made.body
    waiting = {"property_id": "prop-1", "from": rfc3339(tomorrow(10)), "to": rfc3339(tomorrow(34))}
    assert company.ask("POST", "/waitlist", {**waiting, "customer": customer}).status == 201
    return str(made.body["manage_token"])


def test_hostile_names_are_text_in_the_checkout_and_on_the_page_of_a_visit(
    company: Company, new_visitor: NewVisitor
) -> None:
    token = makes_all_hostile(company)
    tenant = new_visitor().opens()
    stands_as_text(tenant.page)
    tenant.opens(property="prop-1", **{"from": DAY}).at("When suits you?").free.first.wait_for()
    stands_as_text(tenant.page)
    tenant.holds().fills(name=MARKUP)
    stands_as_text(tenant.page)
    tenant.press("Book this visit").at("Your visit is booked")
    stands_as_text(tenant.page)
    tenant.page.goto(company.address("/visit") + f"#{token}")
    tenant.at("Your visit").says(MARKUP)
    stands_as_text(tenant.page)


def test_hostile_names_are_text_at_the_desk_and_in_the_office(company: Company, new_visitor: NewVisitor) -> None:
    makes_all_hostile(company)
    company.world.find_customers()
    person = sits(company, new_visitor, "/desk/technicians", viewport=PHONE)
    page = person.page
    for name in ("technicians", "customers", "waitlist", "properties", "services"):
        assert name in OFFICE
        page.goto(company.address(f"/desk/{name}"))
        stands_as_text(page)
    page.goto(company.address("/desk/properties") + "#prop-1")
    page.get_by_role("heading", name=MARKUP).wait_for()
    stands_as_text(page)
    page.goto(company.address("/desk", date=DAY))
    stands_as_text(page)
