"""Counts tries to sign in with a password, in MongoDB, so that all servers together allow so many wrong ones.

A try counts before its password is checked, and a right one is given back. So many tries at one moment count all, and
it costs the same whether anybody has the e-mail address. Redis may be away.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database

from models.errors import RateLimited
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults

TRIES = "sign_in_tries"
WINDOW = timedelta(minutes=15)
TOGETHER, BY_ADDRESS, BY_EMAIL = 10, 50, 100
"""Wrong tries in a window: with an e-mail address from one client address; from one client address, which an office may
share; with an e-mail address from everywhere. The last is high, because strangers who reach it keep the person out."""


def ensure_tries_index(db: Database[Document]) -> None:
    """Lets MongoDB remove what is over. StoreUnavailable."""
    with mongo_faults():
        db[TRIES].create_index([("ends_at", ASCENDING)], name="over", expireAfterSeconds=0)


class WrongTries:
    """The tries of all servers. secret: hides the addresses that are counted."""

    def __init__(self, db: Database[Document], secret: str, clock: Clock) -> None:
        self._tries = db[TRIES]
        self._secret = blake2b(secret.encode(), person=b"sign-in-tries").digest()
        self._clock = clock

    def count(self, email: str, address: str) -> list[str]:
        """Counts a try. Gives what `give_back` takes. Raises RateLimited, StoreUnavailable."""
        now = self._clock()
        window = int(now.timestamp() // WINDOW.total_seconds())
        ends_at = datetime.fromtimestamp((window + 1) * WINDOW.total_seconds(), UTC)
        counted = []
        for most, *parts in ((TOGETHER, email, address), (BY_ADDRESS, "", address), (BY_EMAIL, email, "")):
            counted.append(self._name(window, *parts))
            if self._count(counted[-1], ends_at) > most:
                raise RateLimited(
                    "Too many wrong passwords. Please wait, or ask an admin for a new one.",
                    retry_after_seconds=math.ceil((ends_at - now).total_seconds()),
                )
        return counted

    def give_back(self, counted: list[str]) -> None:
        """Takes back a try that was right. StoreUnavailable."""
        with mongo_faults():
            self._tries.update_many({"_id": {"$in": counted}}, {"$inc": {"tries": -1}})

    def _count(self, name: str, ends_at: datetime) -> int:
        update = {"$inc": {"tries": 1}, "$setOnInsert": {"ends_at": ends_at}}
        with mongo_faults():
            found = self._tries.find_one_and_update(
                {"_id": name}, update, upsert=True, return_document=ReturnDocument.AFTER
            )
        return 0 if found is None else int(found["tries"])

    def _name(self, window: int, email: str, address: str) -> str:
        return blake2b(f"{window}\0{email}\0{address}".encode(), key=self._secret, digest_size=16).hexdigest()
