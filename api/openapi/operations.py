"""One operation of the document: what is sent, what comes back, and everything that may be refused."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from pydantic import BaseModel

from api.http.endpoint import Endpoint
from api.http.problem_codes import PROBLEM_TYPE, PROBLEMS, document
from api.http.problems import ALWAYS_RETRYABLE
from api.openapi.components import SCHEMAS, properties_of
from api.openapi.examples import example_of
from models.access import STAFF
from models.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    RateLimited,
    Refusal,
    RequestInProgress,
    RequestTimeout,
    StoreUnavailable,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from models.examples import BODIES, MEMBERS
from models.fields import ID_PATTERN
from models.glossary import described

Json = dict[str, Any]
Refs = dict[type[BaseModel], Json]

IF_MATCH_PATTERN = r'^((W/)?"[0-9]{1,9}((--?|;)(gzip|br|zstd|deflate))?"|\*)$'
FORM_TYPE = "application/x-www-form-urlencoded"
MAY_BE_EMPTY = "It may be left out, be empty, or be `null`."
SCHEMAS_OF_MEDIA: dict[str, Json] = {
    "application/json": {"type": "object"},
    # OpenAPI has no word of its own for an event of a stream before 3.2. Tools take this as the schema of each event.
    "text/event-stream": {
        "type": "object",
        "description": "One event of the stream.",
        "properties": {
            "id": {"type": "string", "description": "The id of the event, for `Last-Event-ID`."},
            "event": {"type": "string", "description": "The kind of the event."},
            "data": {"type": "string", "description": "What happened, as JSON."},
        },
        "required": ["event", "data"],
    },
}
"""What a reply without a model is, by its media type."""
WITHOUT_BODY = {204: "It is done; there is no body.", 304: "It has not changed since the `ETag` that was named."}


def operation(endpoint: Endpoint, refs: Refs) -> Json:
    """The operation of an endpoint. refs: the references of the models' schemas."""
    found: Json = {
        "operationId": endpoint.view.__name__,
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "tags": [endpoint.tag.name],
        "security": _security(endpoint),
        "parameters": _parameters(endpoint),
        "responses": {**_successes(endpoint, refs), **_problems(endpoint)},
    }
    if endpoint.body is not None:
        found["requestBody"] = _body(endpoint, endpoint.body, refs)
    if endpoint.form is not None:
        content = {FORM_TYPE: {"schema": refs[endpoint.form], "examples": BODIES.get(endpoint.form, {})}}
        found["requestBody"] = {"description": _about(endpoint.form), "required": True, "content": content}
    return found


def _security(endpoint: Endpoint) -> list[Json]:
    """Either of these credentials is enough. People who sign in are staff."""
    if endpoint.roles is None:
        return []
    return [{"bearer": []}] if endpoint.roles.isdisjoint(STAFF) else [{"bearer": []}, {"session": []}]


def _description(endpoint: Endpoint) -> str:
    about = _about(endpoint.view)
    if endpoint.roles is None:
        return f"{about} No key is needed."
    roles = ", ".join(f"`{role.value}`" for role in sorted(endpoint.roles))
    return f"{about} For the roles {roles}."


def _body(endpoint: Endpoint, model: type[BaseModel], refs: Refs) -> Json:
    about = _about(model)
    if not endpoint.body_required:
        # The schema does not allow null, because generated clients that know of it send their own word for nothing.
        about = f"{about} {MAY_BE_EMPTY}"
    content = {"schema": refs[model], "examples": BODIES.get(model, {})}
    return {"description": about, "required": endpoint.body_required, "content": {"application/json": content}}


def _about(documented: Any) -> str:
    """The first paragraph of a docstring."""
    return " ".join(cleandoc(documented.__doc__ or "").partition("\n\n")[0].split())


def _parameters(endpoint: Endpoint) -> list[Json]:
    return [*_in_path(endpoint), *_in_query(endpoint), *_in_headers(endpoint)]


def _in_path(endpoint: Endpoint) -> list[Json]:
    schema = {"type": "string", "pattern": ID_PATTERN}
    return [
        {"name": name, "in": "path", "required": True, "description": described(["path"], name), "schema": schema}
        for name in endpoint.path_names
    ]


def _in_query(endpoint: Endpoint) -> list[Json]:
    if endpoint.query is None:
        return []
    properties, required = properties_of(endpoint.query)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": schema.pop("description"),
            "schema": schema,
        }
        for name, schema in properties.items()
    ]


def _in_headers(endpoint: Endpoint) -> list[Json]:
    found: list[Json] = [
        {
            **each,
            "name": endpoint.query_headers[each["name"]],
            "in": "header",
            "description": f"In place of the parameter `{each['name']}`, so that it stands in no log of a proxy.",
        }
        for each in _in_query(endpoint)
        if each["name"] in endpoint.query_headers
    ]
    if endpoint.idempotency != "none":
        text = (
            "A key that you choose for this request, such as a UUID. Send the same key with each repeat: within 24 "
            "hours the request is carried out once, and a repeat gets the first answer. A refusal keeps no key."
        )
        schema: Json = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!#-~]([ -~]*[!-~])?$"}
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


def _successes(endpoint: Endpoint, refs: Refs) -> Json:
    return {str(status): _success(endpoint, status, model, refs) for status, model in endpoint.replies.items()}


def _success(endpoint: Endpoint, status: int, model: type[BaseModel] | None, refs: Refs) -> Json:
    headers = ["X-Request-Id"]
    headers += ["Location"] if endpoint.location is not None else []
    headers += ["ETag"] if endpoint.etag else []
    headers += ["Idempotency-Replayed"] if endpoint.idempotency != "none" else []
    text = _about(model) if model is not None else WITHOUT_BODY.get(status, f"{endpoint.summary}.")
    reply: Json = {"description": text, "headers": _headers(headers)}
    if model is not None:
        content: Json = {"schema": refs[model]}
        if (example := example_of(endpoint.name, status, model)) is not None:
            content["example"] = example
        reply["content"] = {"application/json": content}
    elif status not in (204, 304):
        media = endpoint.content_type.partition(";")[0]
        reply["content"] = {media: {"schema": SCHEMAS_OF_MEDIA.get(media, {"type": "string"})}}
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
    if endpoint.has_body:
        sentences[RequestTimeout.code] = RequestTimeout.sentence
        sentences[TooLarge.code] = TooLarge(endpoint.most_bytes).detail
    if endpoint.body is not None:
        sentences[UnsupportedMediaType.code] = UnsupportedMediaType.sentence
    found: dict[int, dict[str, str]] = {}
    for code, sentence in sentences.items():
        found.setdefault(PROBLEMS[code][0], {})[code] = sentence
    return found


def examples_of_problems(endpoints: list[Endpoint]) -> Json:
    """One problem document for each code that an endpoint may refuse with."""
    sentences = {
        code: text for endpoint in endpoints for codes in refusals_of(endpoint).values() for code, text in codes.items()
    }
    return {
        code: {"summary": PROBLEMS[code][1], "value": document(code, text, **MEMBERS.get(code, {}))}
        for code, text in sorted(sentences.items())
    }


def _problems(endpoint: Endpoint) -> Json:
    return {str(status): _problem(status, codes) for status, codes in sorted(refusals_of(endpoint).items())}


def _problem(status: int, codes: dict[str, str]) -> Json:
    headers = ["X-Request-Id"]
    headers += ["Retry-After"] if ALWAYS_RETRYABLE.intersection(codes) else []
    headers += ["WWW-Authenticate"] if status == 401 else []
    content = {
        # A plain reference, because generators of code drop errors that narrow a schema for each status.
        "schema": {"$ref": SCHEMAS.format(model="Problem")},
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
    }
    return {
        "description": "; ".join(f"{PROBLEMS[code][1]} (`{code}`)" for code in codes) + ".",
        "headers": _headers(headers),
        "content": {PROBLEM_TYPE: content},
    }


def _headers(names: list[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
