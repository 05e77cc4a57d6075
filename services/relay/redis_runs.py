"""Notices that Redis was restarted, or that a replica took over: its last writes may be gone although its epoch is not.

Redis acknowledges before it has written to disk or to a replica (a second's worth with `appendfsync everysec`), so a
mark of the last moment may be missing. From the notice on the mirror is distrusted until it has been rebuilt.
"""

from __future__ import annotations

from pymongo.database import Database
from redis import Redis, RedisCluster

from services.stores.connections import Document
from services.stores.faults import mongo_faults, redis_faults

SEEN = "redis_runs"


class Restarts:
    """Compares the runs of Redis that serve now with those that were noted last."""

    def __init__(self, redis: Redis, db: Database[Document]) -> None:
        self._redis = redis
        self._state = db["relay_state"]

    def current(self) -> list[str]:
        """The ids of the runs that serve now, one for each primary. Raises StoreUnavailable."""
        with redis_faults():
            if isinstance(self._redis, RedisCluster):
                told = self._redis.info("server", target_nodes=RedisCluster.PRIMARIES)
                infos = [told] if "run_id" in told else list(told.values())
            else:
                infos = [self._redis.info("server")]
        return sorted(str(info["run_id"]) for info in infos)

    def noted(self) -> list[str] | None:
        """The runs that were noted last; None before the first note. Raises StoreUnavailable."""
        with mongo_faults():
            found = self._state.find_one({"_id": SEEN})
        return found["runs"] if found else None

    def note(self, runs: list[str]) -> None:
        """Remembers these runs as known. Raises StoreUnavailable."""
        with mongo_faults():
            self._state.update_one({"_id": SEEN}, {"$set": {"runs": runs}}, upsert=True)
