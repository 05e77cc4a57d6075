"""The OpenAPI 3.1 document, made from the declared endpoints: nothing is described by hand twice."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from flask import request
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json

from api.http.endpoint import Ask, Endpoint, Reply
from api.http.problem_codes import PROBLEM_TYPE, PROBLEMS, document
from api.http.problems import ALWAYS_RETRYABLE
from api.openapi import examples
from api.openapi.schemas import Problem
from models.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    RateLimited,
    Refusal,
    RequestInProgress,
    RequestTimeout,
    StoreUnavailable,
    Unauthenticated,
    UnsupportedMediaType,
)
from models.fields import ID_PATTERN

Json = dict[str, Any]

CACHE = "public, max-age=300"
"""The document changes only with a new version of the server."""
VERSION = "0.1.0"  # as in pyproject.toml, which the image does not contain; a test compares both
INTRODUCTION = (
    "Hold a property and a technician for a slot, then book it. Times out are UTC. Unknown fields and query parameters "
    "are refused. Errors are RFC 9457 problem documents with a stable `code`."
)
IF_MATCH_PATTERN = r'^((W/)?"[0-9]{1,9}((--?|;)(gzip|br|zstd|deflate))?"|\*)$'
_BOUNDS = {"ge": "minimum", "le": "maximum"}
_TEMPLATE = "#/components/schemas/{model}"

HEADERS: dict[str, tuple[str, Json]] = {
    "X-Request-Id": ("Names this request in the operator's log; yours if you sent a plain one.", {"type": "string"}),
    "Location": ("Where the thing that was made can be read.", {"type": "string"}),
    "ETag": ("The version, in quotes.", {"type": "string", "pattern": '^"[0-9]+"$'}),
    "Retry-After": ("Seconds after which trying again may help.", {"type": "integer", "minimum": 1}),
    "Idempotency-Replayed": ("`true` where this is the first answer again.", {"type": "string", "const": "true"}),
    "Allow": ("The methods that this address answers to.", {"type": "string"}),
    "WWW-Authenticate": ("How to authenticate.", {"type": "string", "const": "Bearer"}),
}


def description_route(endpoints: list[Endpoint]) -> Endpoint:
    """GET /openapi.json over these endpoints and itself; the document is made once."""
    made: list[tuple[bytes, str]] = []

    def describe(_ask: Ask[None]) -> Reply:
        text, tag = made[0]
        headers = (("ETag", f'"{tag}"'),)
        if request.if_none_match.contains_weak(tag):
            return Reply(304, cache=CACHE, headers=headers)
        return Reply(200, text, cache=CACHE, headers=headers)

    own = Endpoint(
        method="GET",
        path="/openapi.json",
        summary="This document",
        view=describe,
        tag="Operations",
        roles=None,
        replies={200: None, 304: None},
    )
    text = to_json(openapi([*endpoints, own]))
    made.append((text, blake2b(text, digest_size=16).hexdigest()))
    return own


def openapi(endpoints: Iterable[Endpoint]) -> Json:
    """The whole document."""
    endpoints = list(endpoints)
    refs, schemas = _schemas(endpoints)
    paths: Json = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": VERSION, "description": INTRODUCTION},
        "tags": [{"name": name} for name in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": {name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of one org and role, or the manage token of one booking.",
                }
            },
        },
    }


def _schemas(endpoints: list[Endpoint]) -> tuple[dict[type[BaseModel], Json], Json]:
    """Every model's reference, and the schemas: as for validation, so that optional members stay optional."""
    models: list[type[BaseModel]] = [Problem]
    for endpoint in endpoints:
        named = [endpoint.body, endpoint.query, *endpoint.replies.values()]
        models += [model for model in named if model is not None and model not in models]
    mapping, definitions = models_json_schema([(model, "validation") for model in models], ref_template=_TEMPLATE)
    return {model: mapping[model, "validation"] for model in models}, _standard(definitions["$defs"])


def _standard(schema: Any) -> Any:
    """JSON Schema's own words for the bounds that pydantic writes as `ge` and `le` behind a validator; and a field
    that may be left out needs no `default: null`, which is often no value that may be given."""
    if isinstance(schema, dict):
        said = {name: value for name, value in schema.items() if (name, value) != ("default", None)}
        return {_BOUNDS.get(name, name): _standard(value) for name, value in said.items()}
    return [_standard(item) for item in schema] if isinstance(schema, list) else schema


def _operation(endpoint: Endpoint, refs: dict[type[BaseModel], Json]) -> Json:
    operation: Json = {
        "operationId": endpoint.view.__module__.rpartition(".")[2] + "_" + endpoint.view.__name__,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "security": [] if endpoint.roles is None else [{"bearer": []}],
        "parameters": _parameters(endpoint),
        "responses": {**_successes(endpoint, refs), **_problems(endpoint)},
    }
    if endpoint.roles is not None:
        operation["description"] = "For " + ", ".join(f"`{role.value}`" for role in sorted(endpoint.roles)) + "."
    if endpoint.body is not None:
        content: Json = {"schema": refs[endpoint.body]}
        if endpoint.name in examples.BODIES:
            content["examples"] = examples.BODIES[endpoint.name]
        operation["requestBody"] = {"required": endpoint.body_required, "content": {"application/json": content}}
    return operation


def _parameters(endpoint: Endpoint) -> list[Json]:
    plain_id = {"type": "string", "pattern": ID_PATTERN}
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": plain_id} for name in endpoint.path_names
    ]
    if endpoint.query is not None:
        # With its definitions inlined by pydantic there is nothing to refer to: queries hold no models.
        schema = _standard(endpoint.query.model_json_schema())
        required = schema.get("required", [])
        for name, described in schema["properties"].items():
            found.append({"name": name, "in": "query", "required": name in required, "schema": _of_text(described)})
    if endpoint.idempotency != "none":
        text = "A key that you choose for this request. It is carried out once a key within 24 hours."
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!#-~]([ -~]*[!-~])?$"}
        found.append({"name": "Idempotency-Key", "in": "header", "description": text, "schema": schema})
    if endpoint.if_match != "none":
        text = (
            'The ETag that you read, as you got it, or `*`. What proxies make of one is taken too, such as `W/"1"` and '
            '`"1-gzip"`. Refused with 412 if it is not the newest.'
        )
        schema = {"type": "string", "pattern": IF_MATCH_PATTERN, "examples": ['"1"']}
        needed = endpoint.if_match == "required"
        found.append({"name": "If-Match", "in": "header", "required": needed, "description": text, "schema": schema})
    return found


def _of_text(schema: Json) -> Json:
    """A query parameter's schema: it can be left out, but there is no way to write null."""
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    if len(options) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **options[0]}


def _successes(endpoint: Endpoint, refs: dict[type[BaseModel], Json]) -> Json:
    return {str(status): _success(endpoint, status, model, refs) for status, model in endpoint.replies.items()}


def _success(endpoint: Endpoint, status: int, model: type[BaseModel] | None, refs: dict[type[BaseModel], Json]) -> Json:
    headers = ["X-Request-Id"]
    headers += ["Location"] if endpoint.location is not None else []
    headers += ["ETag"] if endpoint.etag else []
    headers += ["Idempotency-Replayed"] if endpoint.idempotency != "none" else []
    text = (model.__doc__ or endpoint.summary).partition("\n")[0] if model is not None else endpoint.summary
    reply: Json = {"description": text, "headers": _headers(headers)}
    if model is not None:
        content: Json = {"schema": refs[model]}
        if (endpoint.name, status) in examples.REPLIES:
            content["example"] = examples.REPLIES[endpoint.name, status]
        reply["content"] = {"application/json": content}
    elif status not in (204, 304):
        media = endpoint.content_type.partition(";")[0]
        reply["content"] = {media: {"schema": {"type": "object" if media == "application/json" else "string"}}}
    return reply


def refusals_of(endpoint: Endpoint) -> dict[int, dict[str, str]]:
    """Everything that an endpoint may refuse: status -> code -> sentence."""
    kinds: list[type[Refusal]] = [InvalidRequest, *endpoint.refusals]
    if endpoint.roles is not None:
        kinds += [Unauthenticated, Forbidden]
    if endpoint.keyless != "free":
        kinds += [RateLimited, StoreUnavailable]
    if endpoint.idempotency != "none":
        kinds += [IdempotencyKeyReused, RequestInProgress]
    sentences = {kind.code: kind.sentence for kind in kinds}
    if endpoint.path_names:
        sentences["not_found"] = "There is nothing at this address."
    if endpoint.body is not None:
        sentences[RequestTimeout.code] = RequestTimeout.sentence
        sentences["too_large"] = "The request body is larger than 64 KiB."
        sentences[UnsupportedMediaType.code] = UnsupportedMediaType.sentence
    found: dict[int, dict[str, str]] = {}
    for code, sentence in sentences.items():
        found.setdefault(PROBLEMS[code][0], {})[code] = sentence
    return found


def _problems(endpoint: Endpoint) -> Json:
    return {str(status): _problem(status, codes) for status, codes in sorted(refusals_of(endpoint).items())}


def _problem(status: int, codes: dict[str, str]) -> Json:
    headers = ["X-Request-Id"]
    headers += ["Retry-After"] if ALWAYS_RETRYABLE.intersection(codes) else []
    headers += ["WWW-Authenticate"] if status == 401 else []
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": list(codes)}}}
    shown = {code: {"value": document(code, text, **examples.MEMBERS.get(code, {}))} for code, text in codes.items()}
    schema = {"allOf": [{"$ref": _TEMPLATE.format(model="Problem")}, narrowed]}
    return {
        "description": "; ".join(PROBLEMS[code][1] for code in codes) + ".",
        "headers": _headers(headers),
        "content": {PROBLEM_TYPE: {"schema": schema, "examples": shown}},
    }


def _headers(names: list[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
