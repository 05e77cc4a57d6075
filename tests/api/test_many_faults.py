"""More faults than an answer names, at every endpoint that reads a body."""

from __future__ import annotations

from typing import Any

import pytest

from api.app import all_endpoints
from api.http.endpoint import Endpoint
from models.access import Role
from models.faults import MOST_FAULTS
from tests.api.town import Town, refused

UNKNOWN: dict[str, Any] = {f"unknown_{number}": number for number in range(MOST_FAULTS + 50)}
WITH_BODY = [endpoint for endpoint in all_endpoints() if endpoint.body is not None]
A_WRONG_FIELD = [
    pytest.param(endpoint, name, id=f"{endpoint.name} {name}")
    for endpoint in WITH_BODY
    for name in sorted(field.alias or own for own, field in endpoint.body.model_fields.items())
]


def path_of(endpoint: Endpoint) -> str:
    return endpoint.path.format_map(dict.fromkeys(endpoint.path_names, "some-id"))


@pytest.mark.parametrize(("endpoint", "name"), A_WRONG_FIELD)
def test_a_wrong_field_behind_a_hundred_unknown_ones_is_a_400(town: Town, endpoint: Endpoint, name: str) -> None:
    key = min(endpoint.roles or {Role.ADMIN}, key=[Role.ADMIN, *Role].index)
    unreadable = {"no": "such field"} if name != "customer" else UNKNOWN
    for body in ({**UNKNOWN, name: unreadable}, {name: unreadable, **UNKNOWN}):
        reply = town.call(endpoint.method, path_of(endpoint), body, key=key, If_Match='"1"')
        assert len(refused(reply, 400, "invalid_request")["errors"]) >= MOST_FAULTS


@pytest.mark.parametrize("path", ["/waitlist", "/bookings/some-id"])
def test_members_of_a_member_that_fill_the_answer_hide_no_other_wrong_field(town: Town, path: str) -> None:
    method = "POST" if path == "/waitlist" else "PATCH"
    body = {"customer": {"name": "Alice", **UNKNOWN}, "offer_minutes": "x", "suggest": "zz", "start": 1, "from": 2}
    refused(town.call(method, path, body, key="admin", If_Match='"1"'), 400, "invalid_request")


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=lambda endpoint: endpoint.name)
def test_fields_that_are_wrong_only_together_are_a_400(town: Town, endpoint: Endpoint) -> None:
    body = {
        "from": "2100-01-02T00:00:00Z",
        "to": "2100-01-01T00:00:00Z",
        "time_off": [{"start": "2100-01-02T00:00:00Z", "end": "2100-01-01T00:00:00Z"}],
        "unknown": 1,
    }
    reply = town.call(endpoint.method, path_of(endpoint), body, key="admin", If_Match='"1"')
    refused(reply, 400, "invalid_request")
