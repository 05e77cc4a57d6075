"""Strict reading of what clients send: bodies, queries, path ids, headers. Names everything that is wrong at once."""

from __future__ import annotations

import re
from functools import cache
from json import JSONDecoder
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from models.errors import Fault, InvalidRequest
from models.faults import LONGEST_FIELD, MOST_FAULTS, faults_of, unknown_field
from models.fields import ID_PATTERN, ID_SENTENCE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BODY_LIMIT_BYTES = 65_536

_ID = re.compile(ID_PATTERN.rstrip("$") + r"\Z")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})\Z", re.ASCII)
_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"\Z')
_VERSION = re.compile(r"[1-9][0-9]{0,8}\Z", re.ASCII)

NO_SUCH_VERSION = -1


def read_body(environ: WSGIEnvironment) -> bytes:
    """The request's body, of which no more than the limit is ever read. Raises RequestEntityTooLarge."""
    length = environ.get("CONTENT_LENGTH")
    if not length and not environ.get("wsgi.input_terminated"):
        return b""
    expected = int(length) if length and length.isdecimal() else BODY_LIMIT_BYTES + 1
    if length and expected > BODY_LIMIT_BYTES:
        raise RequestEntityTooLarge
    try:
        body = bytes(environ["wsgi.input"].read(expected))
    except Exception as error:  # each server has errors of its own for broken chunks and for connections that were cut
        raise InvalidRequest(
            Fault("body", "malformed_body", "Send the body again, because it did not arrive whole.")
        ) from error
    if len(body) > BODY_LIMIT_BYTES:
        raise RequestEntityTooLarge
    return body


def require_json(environ: WSGIEnvironment) -> None:
    """Raises UnsupportedMediaType unless the body is said to be JSON."""
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type != "application/json" and content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequest(Fault("body", "malformed_json", "Give each field once; one of them is given twice."))
    return members


_decode_unique = JSONDecoder(object_pairs_hook=_unique).decode


def parse_json(model: type[BaseModel], body: bytes) -> tuple[BaseModel | None, Any, list[Fault]]:
    """(parsed, the plain JSON, faults): parsed is None where there are faults; the JSON is None where it is malformed.

    A field given twice is refused: two readers would take different ones.
    """
    try:
        # pydantic first: it bounds the depth, so that the plain decoder behind it cannot be sent into deep recursion.
        parsed = model.__pydantic_validator__.validate_json(body)
        return parsed, _decode_unique(body.decode()), []
    except ValidationError as error:
        faults = faults_of(error)
        return None, None if faults[0].code == "malformed_json" else from_json(body), faults
    except InvalidRequest as error:
        return None, None, list(error.faults)


def parse_query(model: type[BaseModel] | None, query: str) -> tuple[BaseModel | None, list[Fault]]:
    """(parsed, faults) of a raw query string; without a model every parameter is unknown."""
    try:
        pairs = parse_qsl(query.encode("latin-1").decode(), True, errors="strict", max_num_fields=MOST_FAULTS)
    except ValueError:
        return None, [
            Fault(
                "query",
                "malformed_query",
                "Send the query string percent-encoded, in UTF-8.",
            )
        ]
    given = dict(pairs)
    faults = [Fault(name, "repeated", f"Give {name} only once.") for name in sorted(_repeated(pairs))]
    if model is None:
        return None, faults + [unknown_field(name) for name in given]
    # A model may know its fields by another name as well; clients know the described one.
    described = query_fields(model)
    faults += [unknown_field(name) for name in given if name not in described]
    try:
        parsed = model.__pydantic_validator__.validate_python(
            {
                name: int(value) if described[name] and _WHOLE.match(value) else value
                for name, value in given.items()
                if name in described
            }
        )
    except ValidationError as error:
        return None, faults + faults_of(error)
    return (None if faults else parsed), faults


def _repeated(pairs: list[tuple[str, str]]) -> set[str]:
    names = [name for name, _ in pairs]
    return {name[:LONGEST_FIELD] for name in names if names.count(name) > 1}


@cache
def query_fields(model: type[BaseModel]) -> dict[str, bool]:
    """The names of a query model's fields as clients write them, and whether each is an integer.

    A query is all text: what the model wants as an integer becomes one where it is written as one.
    """
    properties: dict[str, Any] = model.model_json_schema()["properties"]
    return {
        name: any(option.get("type") == "integer" for option in schema.get("anyOf", [schema]))
        for name, schema in properties.items()
    }


def parse_path(ids: dict[str, str]) -> list[Fault]:
    """Faults of the ids in a path."""
    return [
        Fault(name, "bad_id", ID_SENTENCE.replace("{field}", name))
        for name, value in ids.items()
        if not _ID.match(value)
    ]


def parse_if_match(header: str | None) -> tuple[int | None, list[Fault]]:
    """(expected version, faults) of an If-Match header.

    `*` is any version. `W/"3"` counts as `"3"`: a compressing proxy weakens our tags, and a version names the booking's
    state, not the bytes of a reply. A well-formed tag that is no version of ours matches nothing.
    """
    if header is None or header.strip() == "*":
        return None, []
    tag = _ENTITY_TAG.match(header.strip())
    if tag is None:
        return None, [
            Fault("If-Match", "bad_if_match", 'Give If-Match as one version in quotes, such as "3", or as *.')
        ]
    return int(tag[1]) if _VERSION.match(tag[1]) else NO_SUCH_VERSION, []
