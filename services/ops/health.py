"""Reports whether this installation can serve: stores that work, all indexes, the right grid, no eviction."""

from __future__ import annotations

from pymongo.database import Database

from models.errors import StoreUnavailable
from services.ledger.outcomes import GridChanged
from services.ledger.schema import BOOKING_INDEXES
from services.ledger.store import BookingStore
from services.stores.cache import Fresh
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.redis_server import CannotWrite, RedisInfo

OK = "ok"
AWAY = "Redis does not answer."
WHY_NO_WRITES = {
    "OOM": "Its memory is full.",
    "READONLY": "It is a replica.",
    "NOREPLICAS": "It has too few replicas.",
    "MISCONF": "It cannot save its data.",
}
REPORT_SECONDS = 1.0
"""So old a report may be: many who ask at once cost the stores one look."""


class Health:
    """Checks the stores of a process."""

    def __init__(self, redis: RedisInfo, db: Database[Document], store: BookingStore) -> None:
        self._redis = redis
        self._db = db
        self._store = store
        self._report = Fresh(self._look, REPORT_SECONDS)

    def readiness(self) -> dict[str, str]:
        """The name of each check, with `ok` or a sentence that says what is wrong. At most a second old."""
        return self._report.value()

    def _look(self) -> dict[str, str]:
        redis, mongodb = self._redis_writes(), self._mongodb_answers()
        return {
            "redis": redis,
            "mongodb": mongodb,
            # No second check of a store that did not answer: it would only take as long once more.
            "indexes": self._guard_stands() if mongodb == OK else mongodb,
            "grid": self._grid_is_ours() if mongodb == OK else mongodb,
            "eviction_policy": redis if redis == AWAY else self._nothing_is_evicted(),
        }

    def _redis_writes(self) -> str:
        """An answer is not enough: a full Redis and a replica answer every read, and refuse every hold."""
        try:
            self._redis.write()
        except CannotWrite as refusal:
            return f"Redis cannot write. {WHY_NO_WRITES.get(refusal.why, 'It refuses with ' + refusal.why + '.')}"
        except StoreUnavailable:
            return AWAY
        return OK

    def _mongodb_answers(self) -> str:
        try:
            with mongo_faults():
                self._db.command("ping")
        except StoreUnavailable:
            return "MongoDB does not answer."
        return OK

    def _guard_stands(self) -> str:
        try:
            with mongo_faults():
                present = self._db["bookings"].index_information()
        except StoreUnavailable:
            return "MongoDB does not answer."
        missing = [str(index.document["name"]) for index in BOOKING_INDEXES if index.document["name"] not in present]
        return f"Indexes are missing: {', '.join(missing)}." if missing else OK

    def _grid_is_ours(self) -> str:
        try:
            self._store.check_grid()
        except GridChanged as refusal:
            return refusal.advice
        except StoreUnavailable:
            return "MongoDB does not answer."
        return OK

    def _nothing_is_evicted(self) -> str:
        """With any other policy a full Redis removes single keys, and leaves half a hold."""
        try:
            policy = self._redis.eviction_policy()
        except StoreUnavailable:
            return AWAY
        if policy in (None, "noeviction"):  # None: Redis does not show its settings
            return OK
        return f"Redis must run with maxmemory-policy noeviction, not {policy}."
