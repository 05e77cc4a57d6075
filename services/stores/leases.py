"""Who does a piece of background work: any number of relays may run, each piece belongs to one of them for a while."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from services.stores.connections import Document
from services.stores.faults import mongo_faults

LEASE_SECONDS = 10


class Leases:
    """Leases in MongoDB, by name. One that is not renewed passes to whoever asks next."""

    def __init__(self, db: Database[Document], clock: Callable[[], datetime]) -> None:
        self._leases = db["leases"]
        self._clock = clock
        self._owner = secrets.token_hex(8)

    def hold(self, name: str, seconds: int = LEASE_SECONDS) -> bool:
        """Takes or renews a lease; False while another has it. Raises StoreUnavailable."""
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
        """Lets go of everything, so that another may go on at once."""
        with mongo_faults():
            self._leases.delete_many({"owner": self._owner})
