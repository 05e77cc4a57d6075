"""Around every request, however it ends: its id, its line in the log, its time in the metrics, CORS.

One WSGI wrapper outside Flask, so that it also sees what Flask refuses. The line never holds bodies, names, holders,
keys, tokens, addresses or query strings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Histogram

from models.access import Caller
from services.observability import Metrics, current_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from api.http.endpoint import Endpoint

EXCHANGE = "holdfast.exchange"
NOWHERE = "/.."
"""A path without a route, for paths like `//readyz`: Werkzeug takes that for `/readyz`, past the rules of a proxy."""

EXPOSED_HEADERS = "Location, ETag, Retry-After, X-Request-Id, Idempotency-Replayed, Date"
CORS_HEADERS = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", EXPOSED_HEADERS)]
"""The publishable key is used in browsers of any site. With `*` they send no cookie there, so it gives away nothing."""

_PLAIN_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


class Exchange:
    """What is learnt of one request while it is worked on."""

    __slots__ = ("caller", "code", "endpoint", "request_id", "started", "status")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.started = perf_counter()
        self.endpoint: Endpoint | None = None
        self.caller: Caller | None = None
        self.code: str | None = None
        self.status = 0


class RequestLog:
    """Wraps the Flask app."""

    def __init__(self, app: WSGIApplication, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = structlog.get_logger("holdfast").bind()
        self._timers: dict[tuple[str, str, int], Histogram] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        exchange = Exchange(given if _PLAIN_REQUEST_ID.match(given) else os.urandom(12).hex())
        environ[EXCHANGE] = exchange
        if environ["PATH_INFO"].startswith("//"):
            environ["PATH_INFO"] = NOWHERE
        token = current_request.set(exchange.request_id)

        def begin(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers += [("X-Request-Id", exchange.request_id), ("X-Content-Type-Options", "nosniff")]
            # A page may also read that nothing answers at an address, or not to this method.
            if "HTTP_ORIGIN" in environ and (exchange.endpoint is None or exchange.endpoint.for_browsers):
                headers.extend(CORS_HEADERS)
            exchange.status = int(status[:3])
            return start_response(status, headers, exc_info)

        try:
            return self._app(environ, begin)
        finally:
            self._record(exchange, environ["REQUEST_METHOD"])
            current_request.reset(token)

    def _record(self, exchange: Exchange, method: str) -> None:
        seconds = perf_counter() - exchange.started
        # A method is the client's word: one that we do not know must not stand in a log, nor become a label of its own.
        method = method if method in _METHODS else "other"
        rule = exchange.endpoint.path if exchange.endpoint is not None else "unmatched"
        self._timer(rule, method, exchange.status // 100).observe(seconds)
        line: dict[str, Any] = {
            "request_id": exchange.request_id,
            "method": method,
            "url_rule": rule,
            "status": exchange.status,
            "ms": round(seconds * 1000, 2),
        }
        caller = exchange.caller
        if caller is not None:
            line["org"], line["role"], line["key_id"] = caller.org, caller.role, caller.shown_id
        if exchange.code is not None:
            line["code"] = exchange.code
            self._metrics.refusals.labels(exchange.code).inc()
        self._log.info("request", **line)

    def _timer(self, rule: str, method: str, status_class: int) -> Histogram:
        key = (rule, method, status_class)
        timer = self._timers.get(key)
        if timer is None:
            timer = self._metrics.request_seconds.labels(rule, method, f"{status_class}xx")
            self._timers[key] = timer
        return timer
