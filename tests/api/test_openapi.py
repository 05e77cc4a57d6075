"""GET /openapi.json: whole, consistent, and its examples true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from api.app import all_endpoints
from api.http.problem_codes import PROBLEMS
from api.openapi.document import openapi
from api.openapi.operations import refusals_of
from models.hold import HoldReply, HoldRequest
from tests.api.stubs import SLOT, Send

DOCUMENT = openapi(all_endpoints())
METHODS = {"get", "post", "patch", "delete"}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": DOCUMENT["components"], **schema}
    )


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_needs_no_key_and_describes_itself(send: Send) -> None:
    reply = send("GET", "/openapi.json", key=None)
    assert (reply.status_code, reply.content_type) == (200, "application/json")
    assert reply.get_json()["openapi"].startswith("3.1")
    assert set(reply.get_json()["paths"]) == {*DOCUMENT["paths"], "/openapi.json"}


def test_every_route_of_the_app_is_in_it(send: Send) -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert {(endpoint.method, endpoint.path) for endpoint in all_endpoints()} == described


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_body_has_examples_that_fit_its_schema() -> None:
    for name, operation in operations():
        if "requestBody" not in operation:
            continue
        [content] = operation["requestBody"]["content"].values()
        assert content["examples"], name
        for example in content["examples"].values():
            validator(content["schema"]).validate(example["value"])


def test_every_reply_has_an_example_that_fits_its_schema() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            for media, content in response.get("content", {}).items():
                if media == "application/json":
                    assert "example" in content, (name, status)
                    validator(content["schema"]).validate(content["example"])


def test_every_code_has_an_example_that_fits_the_schema_of_problems() -> None:
    problems = validator({"$ref": "#/components/schemas/Problem"})
    for code, example in DOCUMENT["components"]["examples"].items():
        problems.validate(example["value"])
        assert example["value"]["code"] == code
    described = {code for each in all_endpoints() for codes in refusals_of(each).values() for code in codes}
    assert set(DOCUMENT["components"]["examples"]) == described


def test_problems_stand_under_their_status_with_their_codes() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            for media, content in response.get("content", {}).items():
                if media == "application/problem+json":
                    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                    assert content["examples"], name
                    assert {PROBLEMS[code][0] for code in content["examples"]} == {int(status)}, name
                    assert all(f"`{code}`" in response["description"] for code in content["examples"])


def test_it_says_which_endpoints_need_no_key(send: Send) -> None:
    open_to_all = {name for name, operation in operations() if not operation["security"]}
    feed = "GET /technicians/{technician_id}/calendar.ics"
    assert open_to_all == {
        "GET /healthz",
        "GET /readyz",
        "POST /session",
        feed,
        "POST /sms/inbound",
        "POST /sms/status",
    }


def test_a_reply_fits_its_schema(send: Send) -> None:
    reply = send("POST", "/hold", json=SLOT).get_json()
    validator({"$ref": "#/components/schemas/HoldReply"}).validate(reply)
    assert set(HoldReply.model_fields) - set(reply) == {"booking_id", "service_id"}


@pytest.mark.parametrize("name", ["HoldRequest", "BookHeld", "BookDirectly", "ReasonRequest", "PolicyPatch"])
def test_unknown_fields_are_refused_by_the_schema_too(name: str) -> None:
    assert DOCUMENT["components"]["schemas"][name]["additionalProperties"] is False


def test_what_a_body_requires_is_what_the_model_requires() -> None:
    schema = DOCUMENT["components"]["schemas"]["HoldRequest"]
    assert set(schema["required"]) == {name for name, field in HoldRequest.model_fields.items() if field.is_required()}


def test_the_description_of_the_api_is_sent_once_to_a_client_that_keeps_it(send: Send) -> None:
    first = send("GET", "/openapi.json", key=None)
    tag = first.headers["ETag"]
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "public, max-age=300")
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = send("GET", "/openapi.json", key=None, headers={"If-None-Match": known})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag), known
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert send("GET", "/openapi.json", key=None, headers={"If-None-Match": '"other"'}).data == first.data
