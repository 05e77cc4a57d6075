"""The keys that one process knows, and the tokens that it refused lately. In memory alone: nothing here reads a store.

Threads and greenlets may share it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from models.access import Caller
from models.errors import Unauthenticated
from services.access.api_keys import caller_of
from services.clock import Clock
from services.stores.cache import Recent
from services.stores.connections import Document

KEYS_KEPT = 10_000
REFUSED_KEPT = 10_000
REFUSED_SECONDS = 1.0
"""How long a refused token stays refused without a look into MongoDB, even if another server makes it a key."""


class _Known(NamedTuple):
    caller: Caller
    expires_at: datetime | None


class KnownKeys:
    """What is known of bearer tokens, by their digest. monotonic: seconds that never go back."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}
        self._refused: Recent[str, float] = Recent(REFUSED_KEPT)
        self._changing = threading.Lock()

    def find(self, digest: str) -> Caller | None:
        """The caller with this digest; None if it is not known. Raises Unauthenticated if it is known to be none."""
        known = self._known.get(digest)
        if known is None:
            until = self._refused.get(digest)
            if until is not None and self._monotonic() < until:
                raise Unauthenticated
            return None
        if known.expires_at is not None and known.expires_at <= self._clock():
            raise Unauthenticated
        return known.caller

    def digests(self) -> list[str]:
        """The digests of all known keys."""
        with self._changing:
            return list(self._known)

    def learn(self, record: Document) -> None:
        """Takes over a key's record as it is now; a revoked key is known no more."""
        with self._changing:
            if record["revoked"]:
                self._known.pop(record["_id"], None)
                return
            if len(self._known) >= KEYS_KEPT and record["_id"] not in self._known:
                del self._known[next(iter(self._known))]
            self._known[record["_id"]] = _Known(caller_of(record), record.get("expires_at"))

    def drop(self, digest: str) -> None:
        """Forgets a key, whose record is gone."""
        with self._changing:
            self._known.pop(digest, None)

    def refuse(self, digest: str) -> None:
        """Refuses a token for a while."""
        self._refused.put(digest, self._monotonic() + REFUSED_SECONDS)

    def forgive(self) -> None:
        """Refuses no token from memory, because one of them may be a key now."""
        self._refused.clear()
