"""How many requests a minute a caller may send, and an address without a known key. Counted by `SharedCounts`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from api.http.turns import Turns
from models.access import STRANGERS, Caller
from models.catalogue import Policy
from models.errors import RateLimited, StoreUnavailable
from services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

DEFAULTS = Policy()


class Limits:
    """The limits of one app. Each method counts before the request begins, and raises RateLimited."""

    def __init__(self, services: Services, turns: Turns) -> None:
        self._counts = services.counts
        self._catalogue = services.catalogue
        self._turns = turns
        self._per_key = services.settings.rate_limit_per_minute
        self._keyless = services.settings.keyless_per_minute

    def spend(self, caller: Caller, environ: WSGIEnvironment) -> None:
        """Counts one request of a known caller: a stranger's by its address, with the figure of the org's policy."""
        if caller.role in STRANGERS:
            most = self.policy(caller.org, environ).public_requests_per_minute
            if most is not None:
                self._spend((caller.org, caller.role, caller.address), most, "public_requests_per_minute")
        elif self._per_key:
            name = (caller.org, caller.key_id, caller.address)
            self._spend(name, self._per_key, "HOLDFAST_RATE_LIMIT_PER_MINUTE")

    def policy(self, org: str, environ: WSGIEnvironment) -> Policy:
        """The policy of an org, from memory where it is known; the defaults while MongoDB does not answer."""
        return self._catalogue.known_policy(org) or self._read_policy(org, environ)

    def spend_keyless(self, address: str) -> None:
        """Counts one request without a known key."""
        if self._keyless:
            self._spend(("", address), self._keyless, "HOLDFAST_KEYLESS_PER_MINUTE")

    @contextmanager
    def unless_known(self, address: str) -> Iterator[None]:
        """Counts one request without a known key, and takes it back unless the block refuses what the request shows.

        So many wrong guesses under way at a time count all, and a right one does not.
        """
        self.spend_keyless(address)
        try:
            yield
        except StoreUnavailable:
            self._counts.give_back(("", address))
            raise
        self._counts.give_back(("", address))

    def _read_policy(self, org: str, environ: WSGIEnvironment) -> Policy:
        """What MongoDB says; the defaults while it does not answer. The request has no turn yet, so it takes one."""
        turns = self._turns
        if not turns.trouble.lately():
            with suppress(StoreUnavailable), turns.keyless(environ), turns.asking(environ):
                return self._catalogue.policy(org)
        return DEFAULTS

    def _spend(self, name: tuple[str, ...], most: int, figure: str) -> None:
        seconds = self._counts.spend(name, most)
        if seconds is not None:
            sentence = f"This address has sent {most} requests in this minute, the most that {figure} allows it."
            raise RateLimited(sentence, retry_after_seconds=seconds)
