"""schemathesis over the whole OpenAPI document, nothing left out, as an admin on real servers.

It sends what the document allows and what it forbids, and holds every reply against the document: status, headers,
content type, body. What no JSON Schema can say (the grid, the present, the policy) may be refused with 400 although the
document allows it; `only_what_no_schema_says` holds such refusals to the codes that are about those.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response

from api.app import all_endpoints, app_over
from api.http.problem_codes import PROBLEM_TYPE
from api.openapi.document import description_route, openapi
from models.catalogue import PropertyCreate, TechnicianCreate
from models.service import ServiceCreate
from tests.world import World

EXAMPLES_PER_OPERATION = 30

BEYOND_SCHEMAS = {
    "bad_country",  # of two letters, but no country
    "bad_cursor",  # one that we did not give out
    "bad_email",  # every spelling with one @ is taken; most texts have none
    "bad_if_match",  # schemathesis takes the quotes off a version and calls it allowed
    "bad_parent",  # an id, but of no building
    "bad_phone",  # every spelling of 3 to 15 digits is taken; most texts have others
    "bad_row",  # most texts are a file with mistakes
    "bad_rule",  # most texts are no recurrence
    "bad_shift",  # hours that end before they begin
    "bad_span",  # time off, or a window, that ends before it starts
    "bad_text",  # a NUL
    "bad_time",  # of the right form, but before the first year of UTC
    "bad_timezone",  # of the right length, but no zone
    "bad_url",  # an address, but not a public one of https
    "has_units",  # and so cannot be a unit
    "inconsistent",  # rules of the policy that do not fit each other
    "not_together",  # two parameters of which a stream has one
    "malformed_csv",  # a text that is no table
    "no_visit_fits",  # in a window that is too short
    "not_an_occurrence",  # of the rule
    "off_grid",
    "origins_not_allowed",  # for a key that is not publishable
    "overlapping_shifts",
    "past_start",
    "repeated",  # a start, or a parameter and the header that stands in its place
    "same",  # a customer that is to be merged with itself
    "too_far_ahead",
    "too_long",  # for the policy
    "window_over",
}
"""Codes of faults in requests that the document allows."""

ANSWERS = ["2xx", "400", "404", "409", "410", "412", "422", "429"]
"""The statuses that a request may get although the document allows it."""

CONFIG = {
    # The same requests in every run, so that a red one can be repeated. For a search: more examples, without this.
    "generation": {"database": "none", "deterministic": True},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ANSWERS},
        "missing_required_header": {"expected-statuses": ["400", "401", "428"]},
    },
}
ALSO = {
    "POST /session": "401",
    "POST /session/password": "403",
    "POST /sms/inbound": "403",
    "POST /sms/status": "403",
}
"""Operations with one more status: the passwords, keys and signatures that schemathesis makes up are wrong, and a key
has no password to change."""
ENDPOINTS = all_endpoints()
DESCRIBED = [*ENDPOINTS, description_route(ENDPOINTS)]
NAMES = [f"{each.method} {each.path}" for each in DESCRIBED]


def only(operation: str) -> SchemathesisConfig:
    """How schemathesis asks this operation, and that it asks no other."""
    own: list[dict[str, Any]] = [{"include-name": [name for name in NAMES if name != operation], "enabled": False}]
    if operation in ALSO:
        statuses = {"expected-statuses": [*ANSWERS, ALSO[operation]]}
        own.append({"include-name": operation, "checks": {"positive_data_acceptance": statuses}})
    return SchemathesisConfig.from_dict(CONFIG | {"operations": own})


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi(DESCRIBED)


@pytest.fixture(params=NAMES)
def described(request: pytest.FixtureRequest, document: dict[str, Any], world: World) -> Any:
    """The document, of which one operation is asked. Schemathesis makes its requests only once the test of it runs.

    They go to a world whose catalogue has what the document's examples speak of.
    """
    request.node._nodeid = request.node.nodeid  # schemathesis reads it by the name that it had before pytest 9.2
    desk = world.services.catalogue_desk
    desk.create_property(world.org, PropertyCreate(id="prop-101", name="Mill House"))
    service = ServiceCreate(id="boiler-check", name="Boiler check", duration_minutes=90)
    world.services.service_desk.create(world.org, service)
    desk.create_technician(world.org, TechnicianCreate(id="tech-7", name="Nina"))
    schema = schemathesis.openapi.from_dict(document, config=only(request.param))
    schema.app = app_over(world.services)
    return schema


def only_what_no_schema_says(_ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """A 400 to what the document allows names only faults that it cannot describe."""
    if response.status_code == 400 and case.meta is not None and case.meta.generation.mode.is_positive:
        faults = response.json()["errors"]
        assert {fault["code"] for fault in faults} <= BEYOND_SCHEMAS, faults


def only_codes_that_are_described(_ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """The code of a refusal is among those that the document has for this operation and status.

    A status that the document does not have, such as 405 for another method, is left to schemathesis' own checks.
    """
    described = case.operation.definition.raw["responses"].get(str(response.status_code))
    if response.status_code >= 400 and described is not None:
        assert response.json()["code"] in described["content"][PROBLEM_TYPE]["examples"], response.json()


CHECKS = [only_what_no_schema_says, only_codes_that_are_described]


@schemathesis.pytest.from_fixture("described").parametrize()
@settings(max_examples=EXAMPLES_PER_OPERATION, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_reply_is_as_the_document_says(case: Case[Any], world: World) -> None:
    headers = {**world.auth("admin"), "Accept-Encoding": "identity"}  # the test client does not decompress
    case.call_and_validate(headers=headers, additional_checks=CHECKS)
