"""Who is behind a bearer token: an API key, or the manage token of one booking.

A known key costs a hash and a look into memory. MongoDB has only the hash of each key; the lookup is by that hash, so
how long it takes says nothing about any key. What is known is looked over in the background, so that a revoked key
dies within half a minute everywhere, and goes on being served while MongoDB is down.

Must not decide what a caller may do; that is for `api.guards` and the services.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import datetime
from hashlib import sha256
from typing import Any

import pymongo
import structlog
from pymongo.database import Database

from models.access import Caller, Role
from models.errors import StoreUnavailable, Unauthenticated
from services.access.api_keys import API_KEYS, ApiKeys, caller_of
from services.ids import MANAGE_PREFIX, ManageTokens
from services.stores.cache import Recent, SharedReads
from services.stores.faults import mongo_faults

log = structlog.get_logger("holdfast.access")

REFRESH_SECONDS = 30.0
KEYS_KEPT = 10_000
KEYS_WARMED = 2_000
REFUSED_KEPT = 1_000
DOUBT_SECONDS = 0.3
"""So long MongoDB may take to say whether a key that was known still is one; the request's time is for its own work."""
REFUSED_SECONDS = 5.0
"""For so long a token that was no key is refused without asking again: a key made meanwhile on another server waits."""

_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}\Z")


class Access:
    """Authenticates bearers. One for each process; safe with threads and greenlets. To be used only after a fork.

    secret: the installation's, which signs manage tokens. clock: the present as aware UTC. monotonic: seconds that
    never go back. `api_keys` makes and lists keys; `create_key` and `revoke_key` here have effect at once as well.
    """

    def __init__(
        self,
        db: Database[dict[str, Any]],
        secret: str,
        clock: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self.api_keys = ApiKeys(db, clock)
        self._keys = db[API_KEYS]
        self._tokens = ManageTokens(secret)
        self._monotonic = monotonic
        self._refresh_seconds = refresh_seconds
        self._known: dict[str, Caller] = {}
        self._doubted: dict[str, Caller] = {}
        self._refused: Recent[str, float] = Recent(REFUSED_KEPT)
        self._reads = SharedReads()
        self._generation = 0
        self._changing = threading.Lock()
        self._stop = threading.Event()
        self._refresher: threading.Thread | None = None
        weakref.finalize(self, self._stop.set)

    def authenticate(self, bearer: str) -> Caller:
        """The caller that a bearer token stands for, without an address. Unauthenticated; StoreUnavailable where the
        key was never seen here and MongoDB does not answer."""
        digest = sha256(bearer.encode(errors="surrogatepass")).hexdigest()
        caller = self._known.get(digest)
        return caller if caller is not None else self._admit(bearer, digest)

    def manage_token(self, org: str, booking_id: str) -> str:
        """The bearer token of one booking, for the customer who made it. Always the same."""
        return self._tokens.make(org, booking_id)

    def create_key(self, org: str, role: Role, key: str | None = None) -> str:
        """As ApiKeys.create_key; it can be used here at once."""
        made = self.api_keys.create_key(org, role, key)
        self._refused.clear()
        return made

    def revoke_key(self, org: str, key_id: str) -> bool:
        """As ApiKeys.revoke_key; it is refused here at once, and within half a minute everywhere."""
        try:
            return self.api_keys.revoke_key(org, key_id)
        finally:
            self.forget(org)  # also where the outcome is unknown

    def forget(self, org: str) -> None:
        """The org's keys are asked for again at their next use; until MongoDB answers that, they go on being served."""
        with self._changing:
            self._generation += 1
            for digest in [digest for digest, caller in self._known.items() if caller.org == org]:
                self._doubted[digest] = self._known.pop(digest)
        self._refused.clear()

    def refresh(self) -> None:
        """Looks over all keys that are known here, with one query: a revoked one is known no longer.

        The background thread does this about every half minute. StoreUnavailable leaves all as it was.
        """
        with self._changing:
            digests = [*self._known, *self._doubted]
        if not digests:
            return
        with mongo_faults():
            found = {each["_id"]: caller_of(each) for each in self._keys.find({"_id": {"$in": digests}})}
        with self._changing:
            for digest in digests:
                caller = found.get(digest)
                if caller is None:
                    self._known.pop(digest, None)
                    self._doubted.pop(digest, None)
                elif digest in self._known:
                    self._known[digest] = caller

    def warm(self) -> None:
        """Reads the keys that are in use, so that their first request asks nobody. StoreUnavailable."""
        with mongo_faults():
            records = list(self._keys.find({"revoked": False}).limit(KEYS_WARMED))
        with self._changing:
            for record in records:
                caller = caller_of(record)
                if caller is not None:
                    self._remember(record["_id"], caller)

    def close(self) -> None:
        """Ends the background thread."""
        self._stop.set()

    def _admit(self, bearer: str, digest: str) -> Caller:
        if bearer.startswith(MANAGE_PREFIX):
            return self._customer(bearer)
        if not _BEARER.match(bearer) or self._was_refused(digest):
            raise Unauthenticated()
        generation = self._generation
        caller = self._reads.read((generation, digest), lambda: self._look_up(digest, generation))
        if caller is None:
            raise Unauthenticated()
        return caller

    def _customer(self, bearer: str) -> Caller:
        read = self._tokens.read(bearer)
        if read is None:
            raise Unauthenticated()
        org, booking_id = read
        return Caller(org, Role.CUSTOMER, f"manage.{booking_id}", booking_id=booking_id)

    def _was_refused(self, digest: str) -> bool:
        until = self._refused.get(digest)
        return until is not None and self._monotonic() < until

    def _look_up(self, digest: str, generation: int) -> Caller | None:
        """What MongoDB says of a key, remembered unless something was forgotten while it was asked."""
        limit = pymongo.timeout(DOUBT_SECONDS) if digest in self._doubted else nullcontext()
        try:
            with mongo_faults(), limit:
                caller = caller_of(self._keys.find_one({"_id": digest}))
        except StoreUnavailable:
            caller = self._doubted.get(digest)
            if caller is None:
                raise
        with self._changing:
            if generation != self._generation:
                return caller
            if caller is None:
                self._refused.put(digest, self._monotonic() + REFUSED_SECONDS)
            else:
                self._remember(digest, caller)
        return caller

    def _remember(self, digest: str, caller: Caller) -> None:
        if len(self._known) >= KEYS_KEPT:
            del self._known[next(iter(self._known))]
        self._known[digest] = caller
        self._doubted.pop(digest, None)
        if self._refresher is None:
            # It must not keep this object alive, or every Access that was ever used would stay, thread and all.
            arguments = (weakref.ref(self), self._stop, self._refresh_seconds)
            self._refresher = threading.Thread(target=_keep_fresh, args=arguments, name="access-refresh", daemon=True)
            self._refresher.start()


def _keep_fresh(reference: weakref.ref[Access], stop: threading.Event, seconds: float) -> None:
    while not stop.wait(seconds):
        access = reference()
        if access is None:
            return
        try:
            with suppress(StoreUnavailable):  # logged already; what is known is served on, the next round asks again
                access.refresh()
        except Exception:  # whatever it is: were this thread to die, a revoked key would live as long as the process
            log.exception("access_refresh_failed")
        del access
