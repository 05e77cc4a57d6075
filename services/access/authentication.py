"""Finds the caller of a token: an API key, the token of a session, or the manage token of one booking.

A known key costs a hash and a look into memory. MongoDB has only the hash of each key, and finds it by that hash, so
the time that it takes reveals nothing about any key. A background thread reads twice a second which keys have changed:
every process accepts a new key within a second, and refuses a revoked one within two. While MongoDB is down, known keys
stay valid.

This module does not decide what a caller may do: `api.http.guards` and the services do.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import structlog
from pymongo import DESCENDING
from pymongo.database import Database

from models.access import Caller, Role
from models.errors import StoreUnavailable, Unauthenticated
from models.keys import KeyMade
from services.access.api_keys import API_KEYS, ApiKeys, caller_of, has_ended
from services.access.known_keys import KnownKeys
from services.clock import Clock
from services.ids import MANAGE_PREFIX, ManageTokens
from services.stores.cache import SharedReads
from services.stores.connections import Document
from services.stores.faults import mongo_faults

log = structlog.get_logger()

FOLLOW_SECONDS = 0.5
RECHECK_ROUNDS = 60
"""After so many rounds it reads every known key again, because an operator may have changed records by hand."""
PROMPT_SECONDS = 0.5
"""A look-up that takes longer is not remembered: the key may have changed since, and two rounds may have passed."""
LAG = timedelta(seconds=2)
"""How much later than `changed_at` says a change may become visible."""
KEYS_WARMED = 2_000
NO_CHANGE = datetime(1970, 1, 1, tzinfo=UTC)

_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}")


class Access:
    """Authenticates bearer tokens. A process has one, made after the fork; threads and greenlets may share it.

    secret: signs the tokens of `manage_tokens`. monotonic: seconds that never go back. `api_keys` makes and lists keys;
    the methods of the same names here do so with effect on this process at once.
    """

    def __init__(
        self,
        db: Database[Document],
        secret: str,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        follow_seconds: float = FOLLOW_SECONDS,
    ) -> None:
        self.api_keys = ApiKeys(db, clock)
        self.manage_tokens = ManageTokens(secret)
        self._records = db[API_KEYS]
        self._clock = clock
        self._monotonic = monotonic
        self._keys = KnownKeys(clock, monotonic)
        self._reads = SharedReads()
        self._follow_seconds = follow_seconds
        self._following = threading.Lock()
        self._newest: datetime | None = None
        self._has_moved = False
        self._stop = threading.Event()
        self._follower: threading.Thread | None = None
        weakref.finalize(self, self._stop.set)

    def authenticate(self, bearer: str) -> Caller:
        """The caller of a bearer token, without an address. Raises Unauthenticated; StoreUnavailable where this process
        does not know the key and MongoDB does not answer."""
        return self.known(bearer) or self.look_up(bearer)

    def known(self, bearer: str) -> Caller | None:
        """As `authenticate`, from memory alone; None for a token that only MongoDB can tell."""
        caller = self._keys.find(_digest(bearer))
        if caller is not None:
            return caller
        if bearer.startswith(MANAGE_PREFIX):
            return self._customer(bearer)
        if not _BEARER.fullmatch(bearer):
            raise Unauthenticated
        return None

    def look_up(self, bearer: str) -> Caller:
        """Asks MongoDB for a key that is not known, once for all callers that ask at the same time.

        Raises Unauthenticated, StoreUnavailable.
        """
        digest = _digest(bearer)
        caller = self._reads.read(digest, lambda: self._look_up(digest))
        if caller is None:
            raise Unauthenticated
        return caller

    def create_key(self, org: str, role: Role, *, name: str | None = None, origins: Sequence[str] = ()) -> KeyMade:
        """As ApiKeys.create_key."""
        made = self.api_keys.create_key(org, role, name=name, origins=origins)
        self._keys.forgive()
        return made

    def rotate_key(self, org: str, key_id: str, overlap_seconds: int) -> KeyMade:
        """As ApiKeys.rotate_key."""
        made = self.api_keys.rotate_key(org, key_id, overlap_seconds)
        self.follow_if_possible()
        return made

    def revoke_key(self, org: str, key_id: str) -> None:
        """As ApiKeys.revoke_key."""
        self.api_keys.revoke_key(org, key_id)
        self.follow_if_possible()

    def follow(self) -> None:
        """Learns which keys any server has changed since the last call. The background thread calls this.

        Raises StoreUnavailable: the next call then learns it.
        """
        with self._following, mongo_faults():
            if self._newest is None:
                last = self._records.find({"changed_at": {"$exists": True}}).sort("changed_at", DESCENDING).limit(1)
                newest = next((record["changed_at"] for record in last), NO_CHANGE)
                self.recheck()
                self._newest, self._has_moved = newest, True
                return
            since = self._newest - LAG if self._has_moved else self._newest
            changed = list(self._records.find({"changed_at": {"$gte": since}}))
            for record in changed:
                self._keys.learn(record)
            newest = max((record["changed_at"] for record in changed), default=self._newest)
            self._newest, self._has_moved = newest, newest > self._newest

    def recheck(self) -> None:
        """Reads all known keys again, with one query. Raises StoreUnavailable, which changes nothing."""
        digests = self._keys.digests()
        with mongo_faults():
            found = {record["_id"]: record for record in self._records.find({"_id": {"$in": digests}})}
        for digest in digests:
            record = found.get(digest)
            if record is None:
                self._keys.drop(digest)
            else:
                self._keys.learn(record)

    def warm(self) -> None:
        """Reads the valid keys, so that their first requests need no MongoDB. Raises StoreUnavailable."""
        with mongo_faults():
            records = list(self._records.find({"revoked": False, "is_session": None}).limit(KEYS_WARMED))
        for record in records:
            self.learn(record)

    def close(self) -> None:
        """Ends the background thread."""
        self._stop.set()

    def _customer(self, bearer: str) -> Caller:
        read = self.manage_tokens.read(bearer)
        if read is None:
            raise Unauthenticated
        org, booking_id, generation = read
        return Caller(org, Role.CUSTOMER, f"manage.{booking_id}", booking_id=booking_id, token_generation=generation)

    def _look_up(self, digest: str) -> Caller | None:
        asked = self._monotonic()
        with mongo_faults():
            record = self._records.find_one({"_id": digest})
        if record is None or has_ended(record, self._clock()):
            self._keys.refuse(digest)
            return None
        if self._monotonic() - asked <= PROMPT_SECONDS:
            self.learn(record)
        return caller_of(record)

    def learn(self, record: Document) -> None:
        """Takes over a record as MongoDB has it at this moment."""
        self._keys.learn(record)
        if self._follower is None:
            # The thread has only a weak reference, so that it ends with this object instead of keeping it alive.
            arguments = (weakref.ref(self), self._stop, self._follow_seconds)
            self._follower = threading.Thread(target=_keep_following, args=arguments, name="access", daemon=True)
            self._follower.start()

    def follow_if_possible(self) -> None:
        """As `follow`, where MongoDB answers."""
        with suppress(StoreUnavailable):  # it is logged already, and the thread tries again within a second
            self.follow()


def _digest(bearer: str) -> str:
    return sha256(bearer.encode(errors="surrogatepass")).hexdigest()


def _keep_following(reference: weakref.ref[Access], stop: threading.Event, seconds: float) -> None:
    rounds = 0
    while not stop.wait(seconds):
        access = reference()
        if access is None:
            return
        rounds += 1
        try:
            with suppress(StoreUnavailable):  # it is logged already, and the next round tries again
                access.follow()
                if rounds % RECHECK_ROUNDS == 0:
                    access.recheck()
        except Exception:  # this thread must go on, or this process would never again notice a revoked key
            log.exception("key_changes_unread")
        del access
