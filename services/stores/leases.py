"""Decides which relay does a piece of background work: any number may run, and one at a time holds each lease."""

from __future__ import annotations

import secrets
from datetime import timedelta

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults

LEASE_SECONDS = 10


class Leases:
    """Leases in MongoDB, by name. One that its owner does not renew in time passes to the next that asks."""

    def __init__(self, db: Database[Document], clock: Clock) -> None:
        self._leases = db["leases"]
        self._clock = clock
        self._owner = secrets.token_hex(8)

    def hold(self, name: str, seconds: int = LEASE_SECONDS) -> bool:
        """Takes or renews a lease; False while another process has it. Raises StoreUnavailable."""
        now = self._clock()
        mine_or_over = {"_id": name, "$or": [{"owner": self._owner}, {"until": {"$lte": now}}]}
        lease = {"$set": {"owner": self._owner, "until": now + timedelta(seconds=seconds)}}
        with mongo_faults():
            try:
                self._leases.update_one(mine_or_over, lease, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    def give_up(self) -> None:
        """Ends all leases of this process, so that another may take them at once. Raises StoreUnavailable."""
        with mongo_faults():
            self._leases.delete_many({"owner": self._owner})
