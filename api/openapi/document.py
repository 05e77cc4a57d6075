"""The OpenAPI 3.1 document, made from the declared endpoints: nothing is described by hand twice."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from flask import request
from pydantic_core import to_json

from api.http.conditions import entity_tags
from api.http.cookies import PLAIN, SECURE
from api.http.endpoint import Ask, Endpoint, Reply
from api.openapi.components import schemas_of
from api.openapi.operations import examples_of_problems, operation
from api.openapi.webhooks import webhooks_of
from api.routes.ops import routes as ops

Json = dict[str, Any]

CACHE = "public, max-age=300"
"""The document changes only with a new version of the server."""
VERSION = "0.1.0"  # as in pyproject.toml, which the image does not contain; a test compares both
INFO: Json = {
    "title": "Holdfast",
    "version": VERSION,
    "summary": "Hold a property and a technician for a slot, then book it.",
    "description": (
        "A visit needs a property and a technician. A client *holds* both for a slot while the customer checks out, "
        "and then *books* it. Of many clients that ask for one slot exactly one wins; the others are refused with "
        "409. Times in replies are UTC. Fields and query parameters that are not described are refused. Errors are "
        "problem documents (RFC 9457): match on `code`, and show `detail` to a customer. New members and codes may "
        "come: ignore those that you do not know."
    ),
    "license": {"name": "MIT", "identifier": "MIT"},
    "contact": {"name": "The operator of this server, who also gives out API keys"},
}

HEADERS: dict[str, tuple[str, Json]] = {
    "X-Request-Id": ("Names this request in the operator's log; yours if you sent a plain one.", {"type": "string"}),
    "Location": ("Where the thing that was made can be read.", {"type": "string"}),
    "ETag": ("The version, in quotes.", {"type": "string", "pattern": '^"[0-9]+"$'}),
    "Retry-After": ("Seconds after which trying again may help.", {"type": "integer", "minimum": 1}),
    "Idempotency-Replayed": ("`true` where this is the first answer again.", {"type": "string", "const": "true"}),
    "WWW-Authenticate": ("How to authenticate.", {"type": "string", "const": "Bearer"}),
}


def description_route(endpoints: list[Endpoint]) -> Endpoint:
    """GET /openapi.json over these endpoints and itself; the document is made once."""
    made: list[tuple[bytes, str]] = []

    def describe_api(_ask: Ask[None]) -> Reply:
        """Describes every endpoint as OpenAPI 3.1. The reply has an `ETag` and may be kept for five minutes."""
        text, tag = made[0]
        headers = (("ETag", f'"{tag}"'),)
        if request.if_none_match.star_tag or tag in entity_tags(request.headers.get("If-None-Match", "")):
            return Reply(304, cache=CACHE, headers=headers)
        return Reply(200, text, cache=CACHE, headers=headers)

    own = Endpoint(
        method="GET",
        path="/openapi.json",
        summary="This document",
        view=describe_api,
        tag=ops.tag,
        roles=None,
        replies={200: None, 304: None},
    )
    text = to_json(openapi([*endpoints, own]))
    made.append((text, blake2b(text, digest_size=16).hexdigest()))
    return own


def openapi(endpoints: Iterable[Endpoint]) -> Json:
    """The whole document."""
    endpoints = list(endpoints)
    refs, schemas = schemas_of(endpoints)
    paths: Json = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation(endpoint, refs)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "tags": [tag._asdict() for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": paths,
        "webhooks": webhooks_of(refs),
        "components": {
            "schemas": schemas,
            "examples": examples_of_problems(endpoints),
            "headers": {name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of one org and role, or the manage token of one booking.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": PLAIN,
                    "description": (
                        f"The cookie that `POST /session` sets; over https its name is `{SECURE}`. It serves as a key "
                        "of the role of the person. What is not a GET also needs the header `X-Holdfast: 1`, and an "
                        "`Origin` that is the address of this server."
                    ),
                },
            },
        },
    }
