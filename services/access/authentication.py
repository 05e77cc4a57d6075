"""Finds the caller of a bearer token, which is an API key or the manage token of one booking.

A known key costs a hash and a look into memory. MongoDB has only the hash of each key, and finds it by that hash, so
the time that it takes reveals nothing about any key. A background thread reads the known keys again, so every process
refuses a revoked key within half a minute. While MongoDB is down, known keys stay valid.

This module does not decide what a caller may do: `api.http.guards` and the services do.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import nullcontext, suppress
from hashlib import sha256

import pymongo
import structlog
from pymongo.database import Database

from models.access import Caller, Role
from models.errors import StoreUnavailable, Unauthenticated
from services.access.api_keys import API_KEYS, ApiKeys, caller_of
from services.clock import Clock
from services.ids import MANAGE_PREFIX, ManageTokens
from services.stores.cache import Recent, SharedReads
from services.stores.connections import Document
from services.stores.faults import mongo_faults

log = structlog.get_logger()

REFRESH_SECONDS = 30.0
KEYS_KEPT = 10_000
KEYS_WARMED = 2_000
REFUSED_KEPT = 1_000
DOUBT_SECONDS = 0.3
"""How long a request waits for MongoDB to confirm a key that was known before; then it takes the key as valid."""
REFUSED_SECONDS = 5.0
"""How long a refused token stays refused without a look into MongoDB, even if another server makes it a key."""

_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}\Z")


class Access:
    """Authenticates bearer tokens. A process has one, made after the fork; threads and greenlets may share it.

    secret: signs manage tokens. monotonic: seconds that never go back. `api_keys` makes and lists keys; `create_key`
    and `revoke_key` do so with effect on this process at once.
    """

    def __init__(
        self,
        db: Database[Document],
        secret: str,
        clock: Clock,
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
        """The caller of a bearer token, without an address. Raises Unauthenticated; StoreUnavailable where this process
        does not know the key and MongoDB does not answer."""
        digest = sha256(bearer.encode(errors="surrogatepass")).hexdigest()
        caller = self._known.get(digest)
        return caller if caller is not None else self._admit(bearer, digest)

    def manage_token(self, org: str, booking_id: str) -> str:
        """The bearer token of one booking, for its customer. It is always the same."""
        return self._tokens.make(org, booking_id)

    def create_key(self, org: str, role: Role, key: str | None = None) -> str:
        """As ApiKeys.create_key; this process accepts the key at once."""
        made = self.api_keys.create_key(org, role, key)
        self._refused.clear()
        return made

    def revoke_key(self, org: str, key_id: str) -> bool:
        """As ApiKeys.revoke_key; this process refuses the key at once, every other one within half a minute."""
        try:
            return self.api_keys.revoke_key(org, key_id)
        finally:
            self.forget(org)  # also after a failure, because its outcome is unknown

    def forget(self, org: str) -> None:
        """Reads each of the org's keys again at its next use; while MongoDB does not answer, they stay valid."""
        with self._changing:
            self._generation += 1
            for digest in [digest for digest, caller in self._known.items() if caller.org == org]:
                self._doubted[digest] = self._known.pop(digest)
        self._refused.clear()

    def refresh(self) -> None:
        """Reads all known keys again, with one query, and forgets the revoked ones. The background thread calls this.

        Raises StoreUnavailable, which changes nothing.
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
        """Reads the valid keys, so that their first requests need no MongoDB. Raises StoreUnavailable."""
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
        """Asks MongoDB for a key, and remembers the answer unless `forget` ran meanwhile, which may outdate it."""
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
            # The thread has only a weak reference, so that it ends with this object instead of keeping it alive.
            arguments = (weakref.ref(self), self._stop, self._refresh_seconds)
            self._refresher = threading.Thread(target=_keep_fresh, args=arguments, name="access-refresh", daemon=True)
            self._refresher.start()


def _keep_fresh(reference: weakref.ref[Access], stop: threading.Event, seconds: float) -> None:
    while not stop.wait(seconds):
        access = reference()
        if access is None:
            return
        try:
            with suppress(StoreUnavailable):  # it is logged already, and the next round tries again
                access.refresh()
        except Exception:  # this thread must go on, or this process would never again notice a revoked key
            log.exception("access_refresh_failed")
        del access
