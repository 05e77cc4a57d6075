"""The sentences that clients read have one voice, whatever is wrong with a request."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from api.app import all_endpoints
from models import errors
from models.errors import Fault, Refusal
from models.examples import BODIES
from models.faults import SENTENCES, faults_of

ROOT = Path(__file__).parents[2]
JARGON = ("should be a valid", "Input should", "pattern", "dictionary", "instance", "integer", "boolean", "type=")
WRONG: tuple[Any, ...] = (
    *(None, True, 7, -1, 1.5, 10**9, 10**30, "", "x" * 5000, "a b", "a@b@c", "nul \0", "2026-12-05T10:00:00", "24:30"),
    *("2026-02-30", "2026-02-30T10:00:00Z", "2020-01-01T00:00:00Z", "0001-01-01T00:00:00+23:00", "Mars/Base"),
    *([], {}, [[]], ["x"], [{}], {"name": 7}, {"sun": [["10:00", "09:00"]]}, {"someday": []}, [["09:00"]]),
    *(list(range(2000)), [{"start": "now", "end": 7}], [0], {"mon": [["08:00", "8 am"]], "tue": "all day"}),
)
"""Values that are wrong for one field or another."""


def models() -> list[type[BaseModel]]:
    """Every model that a request is read with."""
    seen = {model for endpoint in all_endpoints() for model in (endpoint.body, endpoint.query) if model is not None}
    return sorted(seen, key=lambda model: model.__name__)


def good(model: type[BaseModel]) -> dict[str, Any]:
    """A request that the model takes."""
    if model in BODIES:
        return dict(next(iter(BODIES[model].values()))["value"])
    needed = {"from": "2026-12-05", "to": "2026-12-06", "property_id": "prop-101", "token": "hfc_1"}
    needed |= {"booking_id": "bk_1", "kind": "confirmation"}
    schema = model.model_json_schema()
    choices = {name: field["enum"][0] for name, field in schema["properties"].items() if "enum" in field}
    return {name: (needed | choices)[name] for name in schema.get("required", [])}


def wrong(model: type[BaseModel]) -> Iterator[Any]:
    """Requests with something wrong: a body of another kind, each field replaced, left out, or not known."""
    yield from ([], 7, "text", None, {})
    fine = good(model)
    for name in model.model_json_schema()["properties"]:
        yield {other: value for other, value in fine.items() if other != name}
        yield from ({**fine, name: value} for value in WRONG)
        if isinstance(fine.get(name), dict):
            yield from ({**fine, name: {**fine[name], part: value}} for part in customer_parts() for value in WRONG)
    yield {**fine, "colour": "red"}


def customer_parts() -> list[str]:
    return ["name", "phone", "email", "colour"]


def found(model: type[BaseModel], body: bytes) -> list[tuple[str, Fault]]:
    """(pydantic's word, our fault) of everything that is wrong with a body."""
    try:
        model.__pydantic_validator__.validate_json(body)
    except ValidationError as error:
        kinds = [each["type"] for each in error.errors()]
        return list(zip(kinds, faults_of(error), strict=False))
    return []


def in_voice(sentence: str) -> bool:
    """Whether it is one sentence with a capital and a full stop, without a regular expression or pydantic's words."""
    one = re.fullmatch(r"[A-Z].*\.", sentence) is not None and not re.search(r"\. [A-Z]", sentence)
    return one and not re.search(r"[\\^$\[\]{}]", sentence) and not any(word in sentence for word in JARGON)


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_each_fault_of_a_request_is_a_sentence_of_ours(model: type[BaseModel]) -> None:
    assert found(model, to_json(good(model))) == []
    seen = 0
    for body in wrong(model):
        for kind, fault in found(model, to_json(body)):
            assert in_voice(fault.message), (kind, fault)
            seen += 1
    assert seen > 20
    (malformed,) = found(model, b'{"property_id":')
    assert in_voice(malformed[1].message)


def test_the_table_of_sentences_has_each_finding_that_comes_up_and_no_other() -> None:
    kinds = {kind for model in models() for body in wrong(model) for kind, _ in found(model, to_json(body))}
    kinds |= {kind for model in models() for kind, _ in found(model, b"[")}
    ours = {kind for kind in kinds if kind not in SENTENCES}
    assert ours == {
        *("bad_clock", "bad_country", "bad_date", "bad_email", "bad_id", "bad_phone", "bad_rule", "bad_shift"),
        *("bad_span", "bad_text", "bad_time", "conflicting", "inconsistent"),
        *("bad_origin", "bad_timezone", "bad_url", "naive_time"),
    }
    assert set(SENTENCES) - {"bool_type"} <= kinds  # the CSV import reads true and false


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/book", "Give hold_id, or property_id and start."),
        ("/customers/erase", "Give phone or email."),
    ],
)
def test_a_body_without_either_of_two_fields_gets_a_sentence_that_names_both(path: str, sentence: str) -> None:
    (model,) = [endpoint.body for endpoint in all_endpoints() if endpoint.name == f"POST {path}"]
    assert model is not None
    body = {"customer": {"name": "Alice"}} if path == "/book" else {}
    assert [fault.message for _, fault in found(model, to_json(body))] == [sentence]


def test_a_phone_number_is_described_in_words() -> None:
    (booked,) = [endpoint.body for endpoint in all_endpoints() if endpoint.name == "POST /book"]
    assert booked is not None
    body = {"hold_id": "h_1", "customer": {"name": "Alice", "phone": "call me"}}
    ((_, fault),) = found(booked, to_json(body))
    assert fault.message == (
        "Give customer.phone as 3 to 15 digits, such as +1 555 0100, "
        "and then an extension if there is one, such as ext. 5."
    )


def written(path: Path) -> Iterator[tuple[str, str, bool]]:
    """(where, sentence, of a field) of each fault and refusal that a file writes; what is filled in stands as X."""
    tree = ast.parse(path.read_text())
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    refusals = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Refusal)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        of_field = node.func.id in ("Fault", "PydanticCustomError")
        arguments = node.args[-1:] if of_field else node.args[:1] if node.func.id in refusals else []
        for argument in arguments:
            value = named.get(argument.id) if isinstance(argument, ast.Name) else argument
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield f"{path.name}:{node.lineno}", value.value.replace("{field}", "X"), of_field
            elif isinstance(value, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "X" for part in value.values]
                yield f"{path.name}:{node.lineno}", "".join(parts), of_field


def test_each_sentence_in_the_source_has_the_same_voice() -> None:
    files = [path for room in ("api", "services", "models") for path in (ROOT / room).rglob("*.py")]
    sentences = [each for path in files for each in written(path)]
    assert len(sentences) > 60
    for where, sentence, of_field in sentences:
        if of_field:
            assert in_voice(sentence), (where, sentence)
        else:
            assert re.fullmatch(r"[A-Z].*\.", sentence), (where, sentence)
