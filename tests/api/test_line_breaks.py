"""A line break behind a value makes another value, which is refused unless the field is made for text of several lines.

In Python's regular expressions `$` also matches before a last line break. So each pattern is tried with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple

import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from api.app import all_endpoints
from api.http.endpoint import Endpoint
from tests.api.any_endpoint import ask
from tests.api.test_owasp import inner_models
from tests.api.town import Town, body_of, fault_codes
from tests.world import World

Json = dict[str, Any]

MAY_END_SO = {
    "address",
    "description",
    "internal_note",
    "metadata",
    "price_text",
    "reason",
    "phone",
    "holder",
    "notes",
    "key",
    "password",
    "current_password",
    "new_password",
    "q",
    "csv",
}
"""Fields of any text, the phone, of which the digits count, what is searched for, secrets, and files."""
DECODED = {"cursor", "token"}
"""Fields that a service reads; below they have a test of their own."""
UNREAD = {"phone_e164"}
TRIMMED = {"display_name", "email", "external_reference", "name", "reserved_by", "rrule"}
"""Fields of which blanks around the value are dropped, so that the value is stored without the line break."""
SAMPLES = {
    "address": "Elm Street 1",
    "country": "DK",
    "cursor": "YQ",
    "display_name": "Acme",
    "email": "alice@example.com",
    "from": "2026-12-05",
    "holder": "web-5f1c9a7be2d04c6b",
    "name": "Alice",
    "origins": "https://www.example.com",
    "phone": "+45 12 34 56 78",
    "reserved_by": "Dr. Who",
    "password": "correct horse battery",
    "new_password": "correct horse battery",
    "rrule": "FREQ=WEEKLY;COUNT=4",
    "timezone": "Europe/Copenhagen",
    "times_in": "Europe/Copenhagen",
    "to": "2026-12-05",
    "token": "hfc_" + "a" * 32,
    "updated_since": "2026-12-05",
}
"""Values of fields whose schema has no pattern, or one that says less than the field demands."""
SHIFT = ["08:00", "17:00"]
FORMATS = {"date": "2026-12-05", "date-time": "2026-12-05T10:00:00Z"}
FEWEST = 60
"""There are at least so many cases."""


class Case(NamedTuple):
    """A field of a model, a value that it takes, and the same value with a line break at the end of a text in it."""

    name: str
    field: TypeAdapter[Any]
    good: Any
    bad: Any


def models() -> list[type[BaseModel]]:
    asked = [model for endpoint in all_endpoints() for model in (endpoint.body, endpoint.query) if model is not None]
    every = {each for model in asked for each in (model, *inner_models(model))}
    return sorted(every, key=lambda model: model.__name__)


def cases(model: type[BaseModel]) -> Iterator[Case]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            continue
        field = adapter(info)
        pairs_of = pairs(field.json_schema(), info.alias or name)
        yield from (Case(name, field, good, bad) for good, bad in pairs_of)


def adapter(info: FieldInfo) -> TypeAdapter[Any]:
    kind = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation  # type: ignore[index]
    return TypeAdapter(kind, config=ConfigDict(strict=True))


def pairs(schema: Json, name: str) -> Iterator[tuple[Any, Any]]:
    """Values that fit a schema, each with its twin. A model within the schema is a case of its own."""
    for option in schema.get("anyOf", []):
        yield from pairs(option, name)
    if schema.get("type") == "string":
        good = sample(schema, name)
        yield good, f"{good}\n"
    if schema.get("type") == "array" and schema.get("minItems") == len(SHIFT):
        yield from ((SHIFT, [*SHIFT[:at], f"{SHIFT[at]}\n", *SHIFT[at + 1 :]]) for at in range(len(SHIFT)))
    elif schema.get("type") == "array":
        yield from (([good], [bad]) for good, bad in pairs(schema["items"], name))
    if isinstance(schema.get("additionalProperties"), dict):
        for good, bad in pairs(schema["additionalProperties"], name):
            yield {"mon": good}, {"mon": bad}


def sample(schema: Json, name: str) -> str:
    if "format" in schema:
        return FORMATS.get(schema["format"], SAMPLES.get(name, "x"))
    if name in SAMPLES:
        return SAMPLES[name]
    if "enum" in schema or "const" in schema:
        return str([*schema.get("enum", []), schema.get("const")][0])
    if "pattern" in schema:
        return matching(schema["pattern"])
    return "x"


@cache
def matching(pattern: str) -> str:
    quick = settings(phases=[Phase.generate], database=None, deadline=None)
    return find(st.from_regex(pattern, fullmatch=True), lambda text: text.strip() == text != "", settings=quick)


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_no_field_takes_a_line_break_behind_its_value(model: type[BaseModel]) -> None:
    for case in cases(model):
        case.field.validate_json(to_json(case.good))
        if case.name in TRIMMED:
            assert case.field.validate_json(to_json(case.bad)) == case.good, case
        elif case.name not in MAY_END_SO | DECODED | UNREAD:
            assert not takes(case.field, case.bad), case


def test_a_cursor_and_a_token_are_read_to_their_end(fake_world: World) -> None:
    town = Town(fake_world)
    url = body_of(town.call("POST", "/technicians/tech-1/calendar", key="desk"))["calendar_url"]
    cursor = body_of(town.call("GET", "/properties?limit=1", key="desk"))["next_cursor"]
    assert [town.call("GET", url + end, key=None).status_code for end in ("", "%0A")] == [200, 404]
    paths = [f"/properties?limit=1&cursor={cursor}{end}" for end in ("", "%0A")]
    assert [town.call("GET", path, key="desk").status_code for path in paths] == [200, 400]
    assert fault_codes(town.call("GET", "/properties?limit=1%0A", key="desk")) == {("limit", "wrong_type")}


def test_every_field_with_a_pattern_is_among_them() -> None:
    """The negative control: a pattern that `$` ends in Python's way would let the line break through."""
    assert sum(1 for model in models() for _ in cases(model)) >= FEWEST
    assert re.match("^[a-z]+$", "acme\n")
    assert takes(TypeAdapter(Annotated[str, AfterValidator(lambda text: re.match("^[a-z]+$", text)[0])]), "acme\n")


def takes(field: TypeAdapter[Any], value: Any) -> bool:
    try:
        field.validate_json(to_json(value))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("endpoint", [each for each in all_endpoints() if each.path_names], ids=lambda each: each.name)
def test_no_path_takes_a_line_break_behind_an_id(fake_world: World, endpoint: Endpoint) -> None:
    town = Town(fake_world)
    path = endpoint.path.format_map(dict.fromkeys(endpoint.path_names, "acme%0A"))
    if endpoint.query is not None and endpoint.roles is None:
        path += "?token=" + SAMPLES["token"]
    names = {(name, "bad_id") for name in endpoint.path_names}
    assert fault_codes(ask(town, endpoint, path, "admin")) >= names
