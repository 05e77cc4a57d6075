"""From a declared endpoint to a Flask view: admit, parse, run the view (once per idempotency key), reply."""

from __future__ import annotations

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from pydantic import BaseModel
from pydantic_core import to_json

from api.http import guards, parsing
from api.http.endpoint import Ask, Endpoint, Reply
from api.http.replies import FinalResponse
from api.http.request_log import EXCHANGE
from models.access import Caller, IdempotencyClaim
from models.errors import Fault, InvalidRequest, PreconditionRequired, StoreUnavailable
from services import Services
from services.stores.connections import request_limit
from services.stores.faults import StoreTrouble

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

TURN_SECONDS = 0.3
"""How often somebody who waits for a turn looks whether it is worth waiting."""
PREFLIGHT_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id"
PREFLIGHT_SECONDS = "7200"

AT_ONCE = 16
"""Requests that one worker works on at a time; the others wait their turn here, where waiting costs nothing.

With a thousand at once, each would wait so long between two steps that stores seem stalled and time-outs strike. More
than this gains nothing: a worker has one processor, and a store answers a few of them while it works on the others.
"""
KEYLESS_AT_ONCE = 2
"""How many of those may have come without a key: whoever they are, the other turns are left to those with one."""


def bind(app: Flask, services: Services, endpoints: list[Endpoint]) -> None:
    """Makes every endpoint answer, HEAD where there is GET, and OPTIONS on every path."""
    gate, trouble = guards.Gate(services), StoreTrouble()
    turns, keyless = BoundedSemaphore(AT_ONCE), BoundedSemaphore(KEYLESS_AT_ONCE)
    paths: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.flask_rule, []).append(endpoint)
        runner = Runner(endpoint, services, gate, turns=turns, keyless=keyless, trouble=trouble)
        _route(app, endpoint.flask_rule, endpoint.name, endpoint.method, runner)
    for rule, group in paths.items():
        _route(app, rule, f"OPTIONS {rule}", "OPTIONS", _options(group))


def _route(app: Flask, rule: str, name: str, method: str, view: Callable[..., Response]) -> None:
    app.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)


class Runner:
    """The Flask view of one endpoint. turns: of all requests; keyless: of those without a key, taken first."""

    def __init__(
        self,
        endpoint: Endpoint,
        services: Services,
        gate: guards.Gate,
        *,
        turns: BoundedSemaphore,
        keyless: BoundedSemaphore,
        trouble: StoreTrouble,
    ) -> None:
        self._endpoint = endpoint
        self._services = services
        self._gate = gate
        self._turns = turns
        self._keyless = keyless
        self._trouble = trouble

    def __call__(self, **ids: str) -> Response:
        environ, endpoint = request.environ, self._endpoint
        environ[EXCHANGE].endpoint = endpoint
        # A body comes as slowly as its client likes: it is awaited before a turn is taken and the clock starts.
        body = parsing.read_body(environ) if endpoint.body is not None else b""
        if endpoint.roles is not None:
            return self._serve_in_turn(environ, ids, body)
        if endpoint.unmetered:
            with request_limit(), self._trouble.watch():
                return self._serve(environ, ids, body)
        self._take(self._keyless)
        try:
            return self._serve_in_turn(environ, ids, body)
        finally:
            self._keyless.release()

    def _serve_in_turn(self, environ: WSGIEnvironment, ids: dict[str, str], body: bytes) -> Response:
        self._take(self._turns)
        try:
            with request_limit(), self._trouble.watch():
                return self._serve(environ, ids, body)
        finally:
            self._turns.release()

    def _take(self, turns: BoundedSemaphore) -> None:
        """Waits as long as it takes while requests end, but not behind those that wait for a store in vain."""
        while not turns.acquire(timeout=TURN_SECONDS):
            if self._trouble.lately():
                raise StoreUnavailable

    def _serve(self, environ: WSGIEnvironment, ids: dict[str, str], body: bytes) -> Response:
        endpoint = self._endpoint
        caller = self._gate.admit(endpoint, environ, ids)
        if caller is not guards.NOBODY:
            environ[EXCHANGE].caller = caller
        ask = self._parse(environ, caller, ids, body)
        if endpoint.idempotency == "once" and ask.idempotency is not None:
            return self._render(self._run_once(ask, ask.idempotency, ids))
        return self._render(endpoint.view(ask, **ids))

    def _run_once(self, ask: Ask[Any], claim: IdempotencyClaim, ids: dict[str, str]) -> Reply:
        recall, fresh = self._endpoint.recall, list[Reply]()

        def act() -> tuple[int, dict[str, Any]]:
            reply = self._endpoint.view(ask, **ids)
            fresh.append(reply)
            body = reply.body if isinstance(reply.body, dict) else {}
            return reply.status, {name: body[name] for name in recall.kept} if recall else body

        status, kept, replayed = self._services.idempotency.once(ask.caller, claim, act)
        if not replayed:
            return fresh[0]
        return Reply(status, recall.again(ask, kept) if recall else kept, replayed=True)

    def _parse(self, environ: WSGIEnvironment, caller: Caller, ids: dict[str, str], body: bytes) -> Ask[Any]:
        endpoint = self._endpoint
        faults = parsing.parse_path(ids) if ids else []
        ask: Ask[Any] = Ask(self._services, caller, None)
        query = environ.get("QUERY_STRING")
        if query or endpoint.query is not None:
            ask.given, found = parsing.parse_query(endpoint.query, query or "")
            faults += found
        document: Any = None
        if endpoint.body is not None:
            ask.given, document, found = self._parse_body(environ, caller, endpoint.body, body)
            faults += found
        if endpoint.if_match != "none":
            ask.expected_version, found = parsing.parse_if_match(environ.get("HTTP_IF_MATCH"))
            faults += found
        if endpoint.idempotency != "none" and "HTTP_IDEMPOTENCY_KEY" in environ:
            key, found = guards.idempotency_key(environ["HTTP_IDEMPOTENCY_KEY"])
            faults += found
            ask.idempotency = guards.claim(key, endpoint.method, environ.get("PATH_INFO", ""), document)
        if faults:
            raise InvalidRequest(*faults)
        if endpoint.if_match == "required" and "HTTP_IF_MATCH" not in environ:
            raise PreconditionRequired
        return ask

    def _parse_body(
        self, environ: WSGIEnvironment, caller: Caller, model: type[BaseModel], body: bytes
    ) -> tuple[BaseModel | None, Any, list[Fault]]:
        """As parsing.parse_json, with the endpoint's review."""
        if not body and not environ.get("CONTENT_TYPE"):
            if not self._endpoint.body_required:
                return model(), None, []
            return None, None, [Fault("body", "missing", "Send a JSON body, which is required.")]
        parsing.require_json(environ)
        if not body and not self._endpoint.body_required:
            return model(), None, []
        parsed, document, faults = parsing.parse_json(model, body)
        review = self._endpoint.review
        if review is not None and isinstance(document, dict) and (faults or review.suspects(caller, parsed)):
            faulty = frozenset(fault.field.partition(".")[0] for fault in faults)
            faults += review.faults(self._services, caller, document, faulty)
        return parsed, document, faults

    def _render(self, reply: Reply) -> Response:
        endpoint, body = self._endpoint, reply.body
        headers = [("Cache-Control", reply.cache), *reply.headers]
        if isinstance(body, dict):
            if endpoint.location is not None:
                headers.append(("Location", endpoint.location.format_map(body)))
            if endpoint.etag:
                headers.append(("ETag", f'"{body["version"]}"'))
            if reply.replayed:
                headers.append(("Idempotency-Replayed", "true"))
            body = to_json(body)
        return FinalResponse(body or b"", reply.status, headers, endpoint.content_type)


def _options(group: list[Endpoint]) -> Callable[..., Response]:
    """The OPTIONS view of a path: what it answers to, and for browsers the CORS preflight."""
    allowed = sorted({"OPTIONS", *_methods(group)})
    for_browsers = [endpoint for endpoint in group if endpoint.for_browsers]
    headers = [("Allow", ", ".join(allowed))]
    if for_browsers:
        headers += [
            ("Access-Control-Allow-Methods", ", ".join(sorted(_methods(for_browsers)))),
            ("Access-Control-Allow-Headers", PREFLIGHT_HEADERS),
            ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
        ]
    known_as = (for_browsers or group)[0]

    def answer(**_ids: str) -> Response:
        request.environ[EXCHANGE].endpoint = known_as
        return FinalResponse(b"", 204, headers)

    return answer


def _methods(group: list[Endpoint]) -> set[str]:
    methods: set[str] = {endpoint.method for endpoint in group}
    return methods | {"HEAD"} if "GET" in methods else methods
