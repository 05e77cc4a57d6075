"""The document explains itself to somebody who has read nothing else, and code generators can use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.app import all_endpoints
from api.openapi.components import schemas_of
from api.openapi.document import description_route, openapi
from models import glossary
from tests.api.test_openapi import validator

ENDPOINTS = [*all_endpoints(), description_route(all_endpoints())]
DOCUMENT = openapi(ENDPOINTS)
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: operation for methods in DOCUMENT["paths"].values() for operation in methods.values()
}
VERBS = {
    *(
        "add",
        "begin",
        "end",
        "book",
        "cancel",
        "change",
        "check",
        "complete",
        "confirm",
        "describe",
        "erase",
        "export",
        "extend",
        "follow",
        "import",
        "join",
    ),
    *("leave", "list", "make", "mark", "merge", "place", "read", "reassign", "release", "remove", "reserve", "restore"),
    *("revoke", "rotate", "send", "show", "swap", "take"),
}
SLOT = {"property_id": "prop-101", "start": "2026-12-05T10:00:00Z"}
ALICE = {"customer": {"name": "Alice Example"}}


def fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for model, schema in SCHEMAS.items():
        for name, field in schema.get("properties", {}).items():
            yield model, name, field


def parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in OPERATIONS.items():
        for parameter in operation["parameters"]:
            yield name, parameter


def is_a_sentence(text: str) -> bool:
    return text[:1].isupper() or text[:1] == "`" if text.endswith(".") else False


def fits(schema: str, value: dict[str, Any]) -> bool:
    return validator({"$ref": f"#/components/schemas/{schema}"}).is_valid(value)


def test_every_field_is_described() -> None:
    assert len(list(fields())) > 200
    missing = [f"{model}.{name}" for model, name, field in fields() if not is_a_sentence(field.get("description", ""))]
    assert missing == [], "Describe these in models/glossary."


def test_every_parameter_is_described() -> None:
    missing = [
        f"{operation}.{each['name']}"
        for operation, each in parameters()
        if not is_a_sentence(each.get("description", ""))
    ]
    assert missing == [], "Describe these in models/glossary."


def test_every_operation_tag_schema_and_response_is_described() -> None:
    described: dict[str, dict[str, Any]] = {f"tag {each['name']}": each for each in DOCUMENT["tags"]}
    described |= {f"header {name}": each for name, each in DOCUMENT["components"]["headers"].items()}
    for name, operation in OPERATIONS.items():
        about = operation["description"]
        assert not about.startswith(("For the roles", " ")), f"Give the view {name} a docstring."
        described[name] = operation
        described |= {f"{name} {status}": each for status, each in operation["responses"].items()}
        if "requestBody" in operation:
            described[f"body of {name}"] = operation["requestBody"]
    assert [name for name, each in described.items() if not each.get("description", "").endswith(".")] == []


def test_a_field_without_an_entry_is_seen() -> None:
    """The negative control: a name that the glossary does not have has no description."""
    assert glossary.described(["HoldRequest"], "access_notes") == ""
    assert not is_a_sentence(glossary.described(["HoldRequest"], "access_notes"))


def test_every_entry_of_the_glossary_describes_something() -> None:
    shown = {each["description"] for _, _, each in fields()} | {each["description"] for _, each in parameters()}
    unused = [name for name, text in glossary.WORDS.items() if not any(each.startswith(text) for each in shown)]
    assert unused == []


def test_what_a_base_says_of_a_field_comes_before_the_word_alone() -> None:
    own, word = glossary.WORDS["BookingReply.status"], glossary.WORDS["status"]
    assert glossary.described(["OwnBookingReply", "BookingReply"], "status") == own != word
    assert SCHEMAS["OwnBookingReply"]["properties"]["status"]["description"] == own


def test_operation_ids_are_unique_and_begin_with_a_verb() -> None:
    ids = [endpoint.view.__name__ for endpoint in ENDPOINTS]
    assert sorted(ids) == sorted(set(ids))
    assert [each for each in ids if each.partition("_")[0] not in VERBS] == []


def test_a_body_that_may_be_left_out_says_that_it_may_be_empty() -> None:
    optional = [each["requestBody"] for each in OPERATIONS.values() if "requestBody" in each]
    optional = [each for each in optional if not each["required"]]
    assert optional
    assert all("be empty, or be `null`" in each["description"] for each in optional)


def test_no_field_has_a_default_that_would_make_it_required() -> None:
    assert [f"{model}.{name}" for model, name, field in fields() if "default" in field] == []
    assert "default" not in SCHEMAS["HoldRequest"]["properties"]["fallback"]
    assert '"none"' in SCHEMAS["HoldRequest"]["properties"]["fallback"]["description"]


@pytest.mark.parametrize(
    ("body", "fitting"),
    [
        ({"hold_id": "h_1", **ALICE}, True),
        ({"hold_id": "h_1", **SLOT, **ALICE}, True),
        ({**SLOT, **ALICE}, True),
        ({**SLOT, **ALICE, "hold_id": None}, True),
        ({"hold_id": "h_1"}, False),
        (SLOT, False),
        ({"property_id": "prop-101", **ALICE}, False),
        ({"hold_id": None, **ALICE}, False),
        ({**SLOT, **ALICE, "colour": "red"}, False),
    ],
)
def test_a_booking_is_one_of_two_whole_forms(body: dict[str, Any], fitting: bool) -> None:
    assert fits("BookRequest", body) is fitting
    assert [set(SCHEMAS[form]["required"]) for form in ("BookHeld", "BookDirectly")] == [
        {"hold_id", "customer"},
        {"property_id", "start", "customer"},
    ]


def test_a_person_is_named_in_one_way() -> None:
    assert fits("PersonRequest", {"phone": "+1 555 0100"})
    assert fits("PersonRequest", {"phone": None, "email": "alice@example.com"})
    assert not fits("PersonRequest", {"phone": "+1 555 0100", "email": "alice@example.com"})
    assert not fits("PersonRequest", {})


def test_it_names_its_server_licence_and_contact() -> None:
    assert DOCUMENT["servers"][0]["url"] == "/"
    assert DOCUMENT["info"]["license"]["identifier"] == "MIT"
    assert DOCUMENT["info"]["contact"]["name"]


def test_every_schema_is_of_use() -> None:
    _, schemas = schemas_of(ENDPOINTS)
    assert not [name for name in schemas if name.endswith("Query")]
