"""From a declared endpoint to a Flask view: admit, parse, run the view (once per idempotency key), reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from api.http.bodies import read_body
from api.http.compression import compress
from api.http.endpoint import Ask, Endpoint, Reply
from api.http.guards import KEYLESS, Gate
from api.http.parsing import Parser
from api.http.replies import FinalResponse, Replies
from api.http.request_log import EXCHANGE
from api.http.turns import Turns
from api.server.porch import PORCH
from models.access import Caller, IdempotencyClaim
from models.errors import Unauthenticated
from services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFLIGHT_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Holder, X-Request-Id"
PREFLIGHT_SECONDS = "7200"
EVERY_METHOD = "DELETE, GET, HEAD, PATCH, POST"


def bind(app: Flask, services: Services, endpoints: list[Endpoint]) -> Gate:
    """Makes every endpoint answer, HEAD where there is GET, and OPTIONS on every path. The gate that admits to them."""
    turns = Turns(services.settings.request_seconds)
    app.extensions[PORCH] = turns.porch
    gate = Gate(services, turns)
    paths: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.flask_rule, []).append(endpoint)
        _route(app, endpoint.flask_rule, endpoint.name, endpoint.method, Runner(endpoint, services, gate, turns))
    app.before_request(_strays(gate))
    for rule, group in paths.items():
        _route(app, rule, f"OPTIONS {rule}", "OPTIONS", _options(group))
    return gate


def _route(app: Flask, rule: str, name: str, method: str, view: Callable[..., Response]) -> None:
    app.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)


def _strays(gate: Gate) -> Callable[[], Response | None]:
    """Counts requests that no endpoint answers, because there is no such path or it has no such method.

    A preflight is answered even there: only then may the page read the 404.
    """

    def stray() -> Response | None:
        if request.routing_exception is None:
            return None
        if isinstance(request.routing_exception, NotFound) and _is_preflight(request.environ):
            return FinalResponse(b"", 204, _preflight(EVERY_METHOD))
        gate.count(request.environ)
        return None

    return stray


def _is_preflight(environ: WSGIEnvironment) -> bool:
    return environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def _preflight(methods: str) -> list[tuple[str, str]]:
    return [
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", PREFLIGHT_HEADERS),
        ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
    ]


class Runner:
    """The Flask view of one endpoint."""

    def __init__(self, endpoint: Endpoint, services: Services, gate: Gate, turns: Turns) -> None:
        self._endpoint = endpoint
        self._view = endpoint.view
        self._once = endpoint.idempotency == "once"
        self._has_body = endpoint.has_body
        self._admit = None if endpoint.roles is None else gate.admission(endpoint.roles)
        self._gate = gate
        self._parse = Parser(endpoint, services).parse
        self._replies = Replies(endpoint)
        self._turns = turns

    def __call__(self, **ids: str) -> Response:
        environ, endpoint = request.environ, self._endpoint
        exchange = environ[EXCHANGE]
        exchange.endpoint = endpoint
        if self._admit is None:
            return self._serve_keyless(environ, ids)
        # The key comes first, so that the server does not wait for the body of a stranger.
        caller = exchange.caller = self._admit(environ, ids)
        # A body comes as slowly as its client likes: it is awaited before a turn is taken and the clock starts.
        body = read_body(environ, endpoint.most_bytes) if self._has_body else b""
        turn = self._turns.keyed(environ) if endpoint.seconds is None else self._turns.long(environ, endpoint.seconds)
        try:
            with turn:
                return self._serve(environ, caller, ids, body)
        except Unauthenticated:
            self._gate.ended(caller)
            raise

    def _serve_keyless(self, environ: WSGIEnvironment, ids: dict[str, str]) -> Response:
        body = read_body(environ) if self._has_body else b""
        if self._endpoint.keyless == "free":
            return self._serve(environ, KEYLESS, ids, body)
        gate, is_secret = self._gate, self._endpoint.keyless == "secret"
        with gate.secret(environ, hashes=self._endpoint.hashes) if is_secret else gate.keyless(environ):
            return self._serve(environ, KEYLESS, ids, body)

    def _serve(self, environ: WSGIEnvironment, caller: Caller, ids: dict[str, str], body: bytes) -> Response:
        # A hash may take longer than a request has: then each call to a store has the time of a single call.
        turns = self._turns
        with turns.trouble.watch() if self._endpoint.hashes else turns.asking(environ):
            ask = self._parse(environ, caller, ids, body)
            if self._once and ask.idempotency is not None:
                return self._replies.response(self._run_once(ask, ask.idempotency, ids))
            response = self._replies.response(self._view(ask, **ids))
        if self._endpoint.method == "GET":
            return compress(response, environ.get("HTTP_ACCEPT_ENCODING", ""), keyless=self._admit is None)
        return response

    def _run_once(self, ask: Ask[Any], claim: IdempotencyClaim, ids: dict[str, str]) -> Reply:
        recall, fresh = self._endpoint.recall, list[Reply]()

        def act() -> tuple[int, dict[str, Any]]:
            reply = self._view(ask, **ids)
            fresh.append(reply)
            body = self._replies.body(reply)
            if not isinstance(body, dict):
                body = {}
            return reply.status, {name: body[name] for name in recall.kept if name in body} if recall else body

        status, kept, replayed = ask.services.idempotency.once(
            ask.caller, claim, act, longer_seconds=self._endpoint.seconds or 0.0
        )
        if not replayed:
            return fresh[0]
        return Reply(status, recall.again(ask, kept) if recall else kept, replayed=True)


def _options(group: list[Endpoint]) -> Callable[..., Response]:
    """The OPTIONS view of a path: the methods that it answers to, and for browsers the CORS preflight."""
    allowed = sorted({"OPTIONS", *_methods(group)})
    for_browsers = [endpoint for endpoint in group if endpoint.for_browsers]
    headers = [("Allow", ", ".join(allowed))]
    if for_browsers:
        headers += _preflight(", ".join(sorted(_methods(for_browsers))))
    known_as = (for_browsers or group)[0]

    def answer(**_ids: str) -> Response:
        request.environ[EXCHANGE].endpoint = known_as
        return FinalResponse(b"", 204, headers)

    return answer


def _methods(group: list[Endpoint]) -> set[str]:
    methods: set[str] = {endpoint.method for endpoint in group}
    return methods | {"HEAD"} if "GET" in methods else methods
