"""Admission: the caller behind a request, whether it may call the endpoint, and how often."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from api.http.addresses import normal_address
from api.http.endpoint import Endpoint
from api.server.strangers import KNOWN_KEY
from models.access import Caller, Role
from models.errors import BookingNotFound, Forbidden, RateLimited, Unauthenticated
from services import Services
from services.observability import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LONGEST_BEARER = 512

KEYLESS = Caller(org="", role=Role.CUSTOMER, key_id="")
"""The caller of an endpoint that needs no key. All requests share its key_id, so their rate goes by address alone."""

Admit = Callable[["WSGIEnvironment", dict[str, str]], Caller]
"""(environ, ids of the path) -> the caller with its address. Raises Unauthenticated, Forbidden, RateLimited,
BookingNotFound."""


class Gate:
    """Admits requests: key, role, rate. One per app. turn_to_look_up: entered around each look into MongoDB."""

    def __init__(self, services: Services, turn_to_look_up: Callable[[], AbstractContextManager[None]]) -> None:
        settings = services.settings
        self._access = services.access
        self._turn_to_look_up = turn_to_look_up
        self._proxies = settings.trusted_proxies
        self._limiter = RateLimiter(settings.rate_limit_per_minute, services.metrics)

    def admission(self, endpoint: Endpoint) -> Admit:
        """How requests to an endpoint are admitted."""
        if endpoint.roles is not None:
            return self._with_key(endpoint.roles)
        return (lambda _environ, _ids: KEYLESS) if endpoint.unmetered else self._by_address

    def _by_address(self, environ: WSGIEnvironment, _ids: dict[str, str]) -> Caller:
        self._limiter.spend(replace(KEYLESS, address=client_address(environ, self._proxies)))
        return KEYLESS

    def _with_key(self, roles: frozenset[Role]) -> Admit:
        def admit(environ: WSGIEnvironment, ids: dict[str, str]) -> Caller:
            known = self._known(bearer(environ))
            if KNOWN_KEY in environ:
                environ[KNOWN_KEY]()
            caller = known.at(client_address(environ, self._proxies))
            self._limiter.spend(caller)
            if not caller.may_call_from(environ.get("HTTP_ORIGIN")):
                raise Forbidden("Use this key on the pages that it was made for.")
            if caller.role not in roles:
                raise Forbidden
            if caller.booking_id is not None and ids.get("booking_id") != caller.booking_id:
                raise BookingNotFound
            return caller

        return admit

    def _known(self, token: str) -> Caller:
        known = self._access.known(token)
        if known is None:
            with self._turn_to_look_up():
                known = self._access.authenticate(token)  # another request may have read it meanwhile
        return known


class RateLimiter:
    """Counts requests in this process, by key (or none) and client address. per_minute: the limit; 0 is no limit."""

    def __init__(self, per_minute: int, metrics: Metrics) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage()) if per_minute else None
        self._metrics = metrics

    def spend(self, caller: Caller) -> None:
        """Counts one request. Raises RateLimited. A broken limiter admits every request, and the metrics show it."""
        if self._limit is None or self._limiter is None:
            return
        try:
            allowed = self._limiter.hit(self._limit, caller.key_id, caller.address)
            resets_at = self._limiter.get_window_stats(self._limit, caller.key_id, caller.address).reset_time
        except Exception as error:  # whatever is wrong with it, a limiter is no reason to refuse customers
            structlog.get_logger().warning("rate_limiter_failed", error=type(error).__name__)
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
    """The address at the other end, in the form in which limits count it; "" where there is none.

    Each trusted proxy appended the address that it saw to X-Forwarded-For. The client wrote what stands before those.
    """
    if trusted_proxies:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= trusted_proxies and forwarded[-trusted_proxies].strip():
            return normal_address(forwarded[-trusted_proxies])
    return normal_address(environ.get("REMOTE_ADDR", ""))
