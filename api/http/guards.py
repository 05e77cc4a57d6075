"""Who may call an endpoint, how often, and which repeated requests are one."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from hashlib import blake2b
from json import JSONEncoder
from typing import TYPE_CHECKING, Any

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from api.http.endpoint import Endpoint
from models.access import Caller, IdempotencyClaim, Role
from models.errors import BookingNotFound, Fault, Forbidden, RateLimited, Unauthenticated
from services import Services
from services.observability import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LONGEST_BEARER = 512

NOBODY = Caller(org="", role=Role.CUSTOMER, key_id="")
"""The caller of an endpoint that needs no key. All of them share its key_id, so their rate goes by address alone."""

_BARE_KEY = re.compile(r"[\x20-\x7e]{1,255}\Z")
_QUOTED_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"\Z')
_ESCAPED = re.compile(r'\\(["\\])')
_canonical = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Gate:
    """Admits requests: key, role, rate. One per app."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._access = services.access
        self._proxies = settings.trusted_proxies
        self._limiter = RateLimiter(settings.rate_limit_per_minute, services.metrics)

    def admit(self, endpoint: Endpoint, environ: WSGIEnvironment, ids: dict[str, str]) -> Caller:
        """The caller, with its address. Raises Unauthenticated, Forbidden, RateLimited, BookingNotFound."""
        if endpoint.roles is None:
            if not endpoint.unmetered:
                self._limiter.spend(replace(NOBODY, address=client_address(environ, self._proxies)))
            return NOBODY
        address = client_address(environ, self._proxies)
        known = self._access.authenticate(bearer(environ))
        caller = Caller(known.org, known.role, known.key_id, address, known.booking_id)
        self._limiter.spend(caller)
        if caller.role not in endpoint.roles:
            raise Forbidden
        if caller.booking_id is not None and ids.get("booking_id") != caller.booking_id:
            raise BookingNotFound
        return caller


class RateLimiter:
    """So many requests a minute per key, or none, and client address, counted in this process. None where it is 0."""

    def __init__(self, per_minute: int, metrics: Metrics) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage()) if per_minute else None
        self._metrics = metrics

    def spend(self, caller: Caller) -> None:
        """Counts one request. Raises RateLimited. A broken limiter lets everybody through, and shows in the metrics."""
        if self._limit is None or self._limiter is None:
            return
        try:
            allowed = self._limiter.hit(self._limit, caller.key_id, caller.address)
            resets_at = self._limiter.get_window_stats(self._limit, caller.key_id, caller.address).reset_time
        except Exception as error:  # whatever is wrong with it, a limiter is no reason to turn customers away
            structlog.get_logger().warning("rate limiter failed", error=type(error).__name__)
            self._metrics.limiter_failures.inc()
            return
        if not allowed:
            raise RateLimited(retry_after_seconds=max(1, math.ceil(resets_at - time.time())))


def bearer(environ: WSGIEnvironment) -> str:
    """The bearer token of a request. Raises Unauthenticated."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_BEARER or not token.isascii():
        raise Unauthenticated
    return str(token)


def client_address(environ: WSGIEnvironment, trusted_proxies: int) -> str:
    """Who is at the other end. Each trusted proxy appended the address it saw to X-Forwarded-For; what stands before
    those was written by the client and proves nothing."""
    if trusted_proxies:
        forwarded = [address.strip() for address in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(forwarded) >= trusted_proxies and forwarded[-trusted_proxies]:
            return str(forwarded[-trusted_proxies])
    return str(environ.get("REMOTE_ADDR", ""))


def idempotency_key(header: str) -> tuple[str, list[Fault]]:
    """(key, faults) of an Idempotency-Key header: bare, or the draft's quoted string."""
    key = header.strip()
    quoted = _QUOTED_KEY.match(key)
    if quoted is not None:
        key = _ESCAPED.sub(r"\1", quoted[1])
    if _BARE_KEY.match(key) is None or (quoted is None and key.startswith('"')):
        return "", [
            Fault("Idempotency-Key", "bad_idempotency_key", "Give Idempotency-Key as 1 to 255 printable characters.")
        ]
    return key, []


def claim(key: str, method: str, path: str, document: Any) -> IdempotencyClaim:
    """The promise that a request makes with its key. Key order and whitespace of the body make no difference."""
    asked = f"{method} {path}\n{_canonical(document)}"
    return IdempotencyClaim(key, blake2b(asked.encode(), digest_size=16).hexdigest())
