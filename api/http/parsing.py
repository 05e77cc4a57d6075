"""Strict reading of what clients send: bodies, queries, path ids. One answer names everything that is wrong."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from api.http.bodies import BodyRead, read_form, read_json
from api.http.conditions import claim, idempotency_key, parse_if_match, scoped
from api.http.endpoint import Ask, Endpoint
from models.access import Caller
from models.errors import Fault, InvalidRequest, PreconditionRequired
from models.faults import LONGEST_FIELD, MOST_FAULTS, faults_of, unknown_field
from models.fields import ID_PATTERN, ID_SENTENCE
from services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_ID = re.compile(ID_PATTERN.rstrip("$") + r"\Z")
_TRUTH = {"true": True, "false": False}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})\Z", re.ASCII)


class Parser:
    """Reads the requests of one endpoint."""

    def __init__(self, endpoint: Endpoint, services: Services) -> None:
        self._endpoint = endpoint
        self._services = services
        self._query = _query_parser(endpoint.query)
        self._query_headers = {
            name: f"HTTP_{header.upper().replace('-', '_')}" for name, header in endpoint.query_headers.items()
        }

    def parse(self, environ: WSGIEnvironment, caller: Caller, ids: dict[str, str], body: bytes) -> Ask[Any]:
        """What the view is asked. Raises InvalidRequest, PreconditionRequired, UnsupportedMediaType."""
        endpoint = self._endpoint
        ask: Ask[Any] = Ask(self._services, caller, None)
        document: Any = None
        faults = _path_faults(ids) if ids else []
        query = environ.get("QUERY_STRING")
        if query or endpoint.query is not None:
            headers = [(name, environ[key]) for name, key in self._query_headers.items() if key in environ]
            ask.given, found = self._query.parse(query or "", headers)
            faults += found
        if endpoint.body is not None:
            read = read_json(endpoint.body, environ, body, required=endpoint.body_required)
            ask.given, document = read.parsed, read.document
            faults += read.faults + self._reviewed(caller, read)
        if endpoint.form is not None:
            ask.given = read_form(endpoint.form, body)
        if endpoint.if_match != "none":
            ask.expected_version, found = parse_if_match(environ.get("HTTP_IF_MATCH"))
            faults += found
        if endpoint.idempotency != "none" and "HTTP_IDEMPOTENCY_KEY" in environ:
            key, found = idempotency_key(environ["HTTP_IDEMPOTENCY_KEY"])
            faults += found
            key, found = scoped(key, caller, ids, document)
            faults += found
            ask.idempotency = claim(key, endpoint.method, environ.get("PATH_INFO", ""), document)
        if faults:
            raise InvalidRequest(*faults)
        if endpoint.if_match == "required" and "HTTP_IF_MATCH" not in environ:
            raise PreconditionRequired
        return ask

    def _reviewed(self, caller: Caller, read: BodyRead) -> list[Fault]:
        """The faults that the endpoint's review finds besides."""
        review = self._endpoint.review
        if review is None or not isinstance(read.document, dict):
            return []
        if not read.faults and (review.suspects is None or not review.suspects(caller, read.parsed)):
            return []
        try:
            return review.faults(self._services, caller, read.document, read.faulty)
        except ValidationError:  # fields that are wrong only together: what was found without the review says so
            return []


class _QueryParser:
    """Reads the queries of one endpoint; without a model every parameter is unknown.

    A query is all text: what the model wants as an integer, a truth value or a list becomes one where it is written as
    one. A model may know its fields by another name as well; clients know the described one. A model that ignores
    further fields does so here.
    """

    def __init__(self, model: type[BaseModel] | None) -> None:
        self._model = model
        self._ignores_others = model is not None and model.model_config.get("extra") == "ignore"
        properties: dict[str, Any] = model.model_json_schema()["properties"] if model else {}
        self._kinds = {
            name: {option.get("type") for option in schema.get("anyOf", [schema])}
            for name, schema in properties.items()
        }

    def parse(self, query: str, headers: list[tuple[str, str]]) -> tuple[BaseModel | None, list[Fault]]:
        """(parsed, faults) of a raw query string, and of headers that stand in place of parameters."""
        try:
            pairs = parse_qsl(query.encode("latin-1").decode(), True, errors="strict", max_num_fields=MOST_FAULTS)
            pairs += [(name, value.encode("latin-1").decode()) for name, value in headers]
        except ValueError:
            return None, [Fault("query", "malformed_query", "Send the query string percent-encoded, in UTF-8.")]
        if self._ignores_others:
            pairs = [(name, value) for name, value in pairs if name in self._kinds]
        given: dict[str, list[str]] = {}
        for name, value in pairs:
            given.setdefault(name, []).append(value)
        faults = [Fault(name, "repeated", f"Give {name} only once.") for name in self._repeated(given)]
        faults += [unknown_field(name) for name in given if name not in self._kinds]
        if self._model is None:
            return None, faults
        try:
            parsed = self._model.__pydantic_validator__.validate_python(
                {name: _meant(values, self._kinds[name]) for name, values in given.items() if name in self._kinds}
            )
        except ValidationError as error:
            return None, faults + [_of_parameter(fault) for fault in faults_of(error)]
        return (None if faults else parsed), faults

    def _repeated(self, given: dict[str, list[str]]) -> list[str]:
        lists = {name for name, kinds in self._kinds.items() if "array" in kinds}
        return sorted({name[:LONGEST_FIELD] for name, values in given.items() if len(values) > 1 and name not in lists})


@cache
def _query_parser(model: type[BaseModel] | None) -> _QueryParser:
    """The parser of a model, which keeps nothing of a query. Its JSON Schema takes a millisecond to make."""
    return _QueryParser(model)


def _meant(values: list[str], kinds: set[str]) -> Any:
    if "array" in kinds:
        return values
    value = values[-1]
    if "integer" in kinds and _WHOLE.match(value):
        return int(value)
    return _TRUTH.get(value.lower(), value) if "boolean" in kinds else value


def _of_parameter(fault: Fault) -> Fault:
    """The fault of a parameter, also where one of its several values is wrong."""
    name, _, _ = fault.field.partition(".")
    return Fault(name, fault.code, fault.message.replace(fault.field, name))


def _path_faults(ids: dict[str, str]) -> list[Fault]:
    return [
        Fault(name, "bad_id", ID_SENTENCE.replace("{field}", name))
        for name, value in ids.items()
        if not _ID.match(value)
    ]
