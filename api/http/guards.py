"""Admission: the caller behind a request, whether it may call the endpoint, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from api.http.addresses import normal_address
from api.http.cookies import refuse_forged, session_token
from api.http.limits import Limits
from api.http.turns import Turns
from api.server.strangers import KNOWN_KEY
from models.access import SESSION_PREFIX, Caller, Role
from models.catalogue import Policy
from models.errors import BookingNotFound, Forbidden, StoreUnavailable, Unauthenticated
from services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LONGEST_BEARER = 512

KEYLESS = Caller(org="", role=Role.CUSTOMER, key_id="")
"""The caller of an endpoint that needs no key."""

Admit = Callable[["WSGIEnvironment", dict[str, str]], Caller]
"""(environ, ids of the path) -> the caller with its address. Raises Unauthenticated, Forbidden, RateLimited,
BookingNotFound, StoreUnavailable."""


class Gate:
    """Admits requests: key, role, rate. One per app."""

    def __init__(self, services: Services, turns: Turns) -> None:
        self._access = services.access
        self._turns = turns
        self._proxies = services.settings.trusted_proxies
        self._limits = Limits(services, turns)

    def admission(self, roles: frozenset[Role]) -> Admit:
        """How requests to an endpoint for these roles are admitted: from memory, wherever the key is known."""

        def admit(environ: WSGIEnvironment, ids: dict[str, str]) -> Caller:
            caller = self._caller(environ)
            self._limits.spend(caller, environ)
            # Only browsers send an Origin. A key without origins may be used on every page, each key on our own.
            if caller.origins and environ.get("HTTP_ORIGIN", "") not in {"", *caller.origins} and not _is_own(environ):
                raise Forbidden("Use this key on the pages that it was made for.")
            if caller.session_id:
                refuse_forged(environ)
            if caller.role not in roles:
                raise Forbidden
            if caller.booking_id is not None and ids.get("booking_id", caller.booking_id) != caller.booking_id:
                raise BookingNotFound
            return caller

        return admit

    def count(self, environ: WSGIEnvironment) -> None:
        """Counts a request that needs no key: against the key that it shows, or without a known one the address.

        Raises RateLimited.
        """
        try:
            caller = self._caller(environ)
        except Unauthenticated:  # it is counted
            return
        except StoreUnavailable:  # MongoDB alone knows the key
            self._limits.spend_keyless(client_address(environ, self._proxies))
        else:
            self._limits.spend(caller, environ)

    @contextmanager
    def keyless(self, environ: WSGIEnvironment) -> Iterator[None]:
        """Counts a request to an endpoint without a key, around which it is a turn. RateLimited, StoreUnavailable."""
        self.count(environ)
        with self._turns.keyless(environ):
            yield

    @contextmanager
    def secret(self, environ: WSGIEnvironment, *, hashes: bool) -> Iterator[None]:
        """As `keyless`, for a request that shows a secret of its own: it counts only where it is refused.

        hashes: as in Endpoint.
        """
        turn = self._turns.hashing if hashes else self._turns.keyless
        with self._limits.unless_known(client_address(environ, self._proxies)), turn(environ):
            yield

    def ended(self, caller: Caller) -> None:
        """Counts a request whose manage token has ended, as one with an unknown key. Raises RateLimited."""
        self._limits.spend_keyless(caller.address)

    def shown(self, environ: WSGIEnvironment, key: str) -> Caller | None:
        """The caller of a key in the address of a page; None for another text. Raises RateLimited, StoreUnavailable."""
        try:
            known = self._access.known(key)
            return known or self._look_up(environ, client_address(environ, self._proxies), key)
        except Unauthenticated:
            return None

    def policy(self, environ: WSGIEnvironment, org: str) -> Policy:
        """The policy of an org; the defaults while no store answers."""
        return self._limits.policy(org, environ)

    def _caller(self, environ: WSGIEnvironment) -> Caller:
        address = client_address(environ, self._proxies)
        try:
            token = credential(environ)
            known = self._access.known(token)
        except Unauthenticated:
            self._limits.spend_keyless(address)
            raise
        if known is None:
            known = self._look_up(environ, address, token)
        if KNOWN_KEY in environ:
            environ[KNOWN_KEY]()
        return replace(known, address=address)

    def _look_up(self, environ: WSGIEnvironment, address: str, token: str) -> Caller:
        turns = self._turns
        with self._limits.unless_known(address), turns.keyless(environ), turns.asking(environ):
            return self._access.authenticate(token)  # another request may have read it meanwhile


def credential(environ: WSGIEnvironment) -> str:
    """The bearer token of a request, or without one the token of its session. Raises Unauthenticated."""
    header = environ.get("HTTP_AUTHORIZATION")
    return session_token(environ) if header is None else _bearer(header)


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_BEARER or not token.isascii():
        raise Unauthenticated
    if token.startswith(SESSION_PREFIX):  # it counts in its cookie alone
        raise Unauthenticated
    return token


def _is_own(environ: WSGIEnvironment) -> bool:
    """Whether a page of this server sends the request. A browser lets no other page name this host as its origin."""
    return bool(environ["HTTP_ORIGIN"].partition("://")[2] == environ.get("HTTP_HOST"))


def client_address(environ: WSGIEnvironment, trusted_proxies: int) -> str:
    """The address at the other end, in the form in which limits count it; "" where there is none.

    Each trusted proxy appended the address that it saw to X-Forwarded-For. The client wrote what stands before those.
    """
    if trusted_proxies:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= trusted_proxies and forwarded[-trusted_proxies].strip():
            return normal_address(forwarded[-trusted_proxies])
    return normal_address(environ.get("REMOTE_ADDR", ""))
