"""Detects that Redis restarted or that a replica took over, after which its latest writes may be missing.

Redis acknowledges a write before it is on disk or on a replica (up to a second before, with `appendfsync everysec`).
So after a restart a recent mark may be missing although the epoch is there. The relay then distrusts the mirror and
rebuilds it.
"""

from __future__ import annotations

from pymongo.database import Database

from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.redis_server import RedisInfo

STATE_ID = "redis_runs"


class RedisRuns:
    """Compares the runs of Redis that serve now with those that the relay noted last."""

    def __init__(self, redis: RedisInfo, db: Database[Document]) -> None:
        self._redis = redis
        self._state = db["relay_state"]

    def current(self) -> list[str]:
        """The ids of the runs that serve now, one for each primary. Raises RedisUnavailable."""
        return self._redis.run_ids()

    def noted(self) -> list[str] | None:
        """The runs that were noted last; None before the first note. Raises StoreUnavailable."""
        with mongo_faults():
            found = self._state.find_one({"_id": STATE_ID})
        return found["runs"] if found else None

    def note(self, runs: list[str]) -> None:
        """Notes these runs as known. Raises StoreUnavailable."""
        with mongo_faults():
            self._state.update_one({"_id": STATE_ID}, {"$set": {"runs": runs}}, upsert=True)
