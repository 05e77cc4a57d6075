"""From a declared endpoint to a Flask view: admit, parse, run the view (once per idempotency key), reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from api.http.endpoint import Ask, Endpoint, Reply
from api.http.guards import Gate
from api.http.parsing import Parser, read_body
from api.http.replies import FinalResponse, Replies
from api.http.request_log import EXCHANGE
from models.access import Caller, IdempotencyClaim
from models.errors import StoreUnavailable
from services import Services
from services.stores.faults import StoreTrouble

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

TURN_SECONDS = 0.3
"""How often a request that waits for a turn checks whether waiting is in vain."""
PREFLIGHT_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id"
PREFLIGHT_SECONDS = "7200"

AT_ONCE = 16
"""Requests that one worker works on at a time; the others wait their turn here, where waiting costs nothing.

With a thousand at once, each would wait so long between two steps that stores seem stalled and time-outs strike. More
than this gains nothing: a worker has one processor, and a store answers a few of them while it works on the others.
"""
KEYLESS_AT_ONCE = 2
"""How many of those may be requests to endpoints without a key, so that the other turns stay for requests with one."""


class Turns:
    """The turns of one app, and the memory of its stores' failures."""

    def __init__(self) -> None:
        self.all = BoundedSemaphore(AT_ONCE)
        self.keyless = BoundedSemaphore(KEYLESS_AT_ONCE)
        self.trouble = StoreTrouble()

    @contextmanager
    def to_look_up(self) -> Iterator[None]:
        """A keyless turn around one look into MongoDB for a key that this process does not know."""
        self.take(self.keyless)
        try:
            with self.trouble.watch_request():
                yield
        finally:
            self.keyless.release()

    def take(self, turns: BoundedSemaphore) -> None:
        """Waits as long as it takes while requests end. Raises StoreUnavailable behind those that wait for a store."""
        while not turns.acquire(timeout=TURN_SECONDS):
            if self.trouble.lately():
                raise StoreUnavailable


def bind(app: Flask, services: Services, endpoints: list[Endpoint]) -> None:
    """Makes every endpoint answer, HEAD where there is GET, and OPTIONS on every path."""
    turns = Turns()
    gate = Gate(services, turns.to_look_up)
    paths: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.flask_rule, []).append(endpoint)
        _route(app, endpoint.flask_rule, endpoint.name, endpoint.method, Runner(endpoint, services, gate, turns))
    for rule, group in paths.items():
        _route(app, rule, f"OPTIONS {rule}", "OPTIONS", _options(group))


def _route(app: Flask, rule: str, name: str, method: str, view: Callable[..., Response]) -> None:
    app.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)


class Runner:
    """The Flask view of one endpoint."""

    def __init__(self, endpoint: Endpoint, services: Services, gate: Gate, turns: Turns) -> None:
        self._endpoint = endpoint
        self._view = endpoint.view
        self._once = endpoint.idempotency == "once"
        self._admit = gate.admission(endpoint)
        self._parse = Parser(endpoint, services).parse
        self._replies = Replies(endpoint)
        self._turns = turns

    def __call__(self, **ids: str) -> Response:
        environ, endpoint, turns = request.environ, self._endpoint, self._turns
        environ[EXCHANGE].endpoint = endpoint
        # The key comes first: nobody awaits the body of a stranger.
        caller = self._admit(environ, ids)
        if caller.org:
            environ[EXCHANGE].caller = caller
        # A body comes as slowly as its client likes: it is awaited before a turn is taken and the clock starts.
        body = read_body(environ) if endpoint.body is not None else b""
        if endpoint.roles is not None:
            return self._serve_in_turn(environ, caller, ids, body)
        if endpoint.unmetered:
            return self._serve(environ, caller, ids, body)
        turns.take(turns.keyless)
        try:
            return self._serve_in_turn(environ, caller, ids, body)
        finally:
            turns.keyless.release()

    def _serve_in_turn(self, environ: WSGIEnvironment, caller: Caller, ids: dict[str, str], body: bytes) -> Response:
        turns = self._turns
        turns.take(turns.all)
        try:
            return self._serve(environ, caller, ids, body)
        finally:
            turns.all.release()

    def _serve(self, environ: WSGIEnvironment, caller: Caller, ids: dict[str, str], body: bytes) -> Response:
        with self._turns.trouble.watch_request():
            ask = self._parse(environ, caller, ids, body)
            if self._once and ask.idempotency is not None:
                return self._replies.response(self._run_once(ask, ask.idempotency, ids))
            return self._replies.response(self._view(ask, **ids))

    def _run_once(self, ask: Ask[Any], claim: IdempotencyClaim, ids: dict[str, str]) -> Reply:
        recall, fresh = self._endpoint.recall, list[Reply]()

        def act() -> tuple[int, dict[str, Any]]:
            reply = self._view(ask, **ids)
            fresh.append(reply)
            body = self._replies.body(reply)
            if not isinstance(body, dict):
                body = {}
            return reply.status, {name: body[name] for name in recall.kept} if recall else body

        status, kept, replayed = ask.services.idempotency.once(ask.caller, claim, act)
        if not replayed:
            return fresh[0]
        return Reply(status, recall.again(ask, kept) if recall else kept, replayed=True)


def _options(group: list[Endpoint]) -> Callable[..., Response]:
    """The OPTIONS view of a path: the methods that it answers to, and for browsers the CORS preflight."""
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
