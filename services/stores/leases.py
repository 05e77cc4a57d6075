"""Decides which relay does a piece of background work: any number may run, and one at a time holds each lease.

Only MongoDB's clock decides when a lease ends. A relay whose own clock is wrong takes none too early and leaves none in
the future. Each renewal costs MongoDB a write to its journal, so for a third of its length a lease is not renewed.
"""

from __future__ import annotations

import secrets
from time import monotonic

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from services.stores.connections import Document
from services.stores.faults import mongo_faults

LEASE_SECONDS = 10


class Leases:
    """Leases in MongoDB, by name. One that its owner does not renew in time passes to the next that asks."""

    def __init__(self, db: Database[Document]) -> None:
        self._leases = db["leases"]
        self._owner = secrets.token_hex(8)
        self._sure_until: dict[str, float] = {}

    def hold(self, name: str, seconds: float = LEASE_SECONDS) -> bool:
        """Takes or renews a lease; False while another process has it. Raises StoreUnavailable."""
        asked = monotonic()
        if asked < self._sure_until.get(name, 0.0):
            return True
        mine_or_over = {"$or": [{"$eq": ["$owner", self._owner]}, {"$lte": ["$until", "$$NOW"]}]}
        ends = {"$add": ["$$NOW", round(seconds * 1000)]}
        lease = {
            "owner": {"$cond": [mine_or_over, self._owner, "$owner"]},
            "until": {"$cond": [mine_or_over, ends, "$until"]},
        }
        with mongo_faults():
            try:
                found = self._leases.find_one_and_update(
                    {"_id": name}, [{"$set": lease}], upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # another process made it at this moment
                return False
        mine = found is not None and bool(found["owner"] == self._owner)
        if mine:
            self._sure_until[name] = asked + seconds / 3
        return mine

    def give_up(self) -> None:
        """Ends all leases of this process, so that another may take them at once. Raises StoreUnavailable."""
        self._sure_until.clear()
        with mongo_faults():
            self._leases.delete_many({"owner": self._owner})
