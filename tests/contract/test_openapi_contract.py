"""schemathesis over the whole OpenAPI document, nothing left out, as an admin on real servers.

It sends what the document allows and what it forbids, and holds every reply against the document: status, headers,
content type, body. What no JSON Schema can say (the grid, the present, the policy) may be refused with 400 although the
document allows it; `only_what_no_schema_says` holds such refusals to the codes that are about those.
"""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema

from api import app_over
from models.catalogue import PropertyCreate, TechnicianCreate
from tests.world import World

EXAMPLES_PER_OPERATION = 30

BEYOND_SCHEMAS = {
    "off_grid",
    "past_start",
}
"""Codes of faults in requests that the document allows."""

CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"database": "none"},
        "checks": {
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "400", "404", "409", "410", "412", "422", "429"],
            },
        },
    }
)


@pytest.fixture
def described(world: World) -> BaseSchema:
    """The document as the app serves it, with what its examples speak of in the catalogue."""
    desk = world.services.catalogue_desk
    desk.create_property(world.org, PropertyCreate(id="prop-101", name="Mill House"))
    desk.create_technician(world.org, TechnicianCreate(id="tech-7", name="Nina"))
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app_over(world.services), config=CONFIG)
    schema.config.headers = world.auth("admin")
    return schema


def only_what_no_schema_says(_ctx: CheckContext, response: Response, case: Case) -> None:
    """A 400 to what the document allows names only faults that it cannot describe."""
    if response.status_code == 400 and case.meta is not None and case.meta.generation.mode.is_positive:
        faults = response.json()["errors"]
        assert {fault["code"] for fault in faults} <= BEYOND_SCHEMAS, faults


schema = schemathesis.pytest.from_fixture("described")


@pytest.mark.timeout(240)
@schema.parametrize()
@settings(
    max_examples=EXAMPLES_PER_OPERATION,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_reply_is_as_the_document_says(case: Case) -> None:
    case.call_and_validate(additional_checks=[only_what_no_schema_says])
