"""The clock of MongoDB's primary, for background work that compares its deadlines with the present."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pymongo.database import Database

from services.stores.connections import Document
from services.stores.faults import mongo_faults

ASK_EVERY_SECONDS = 1.0


class MongoClock:
    """Gives the present by MongoDB's clock. It never reads the wall clock of this process, which may be wrong.

    It asks MongoDB at most once a second, and between two answers adds the seconds that have passed. monotonic: seconds
    that never go back. A call raises StoreUnavailable if MongoDB does not answer.
    """

    def __init__(self, db: Database[Document], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._monotonic = monotonic
        self._answer: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        answer, now = self._answer, self._monotonic()
        if answer is None or now - answer[1] >= ASK_EVERY_SECONDS:
            with mongo_faults():
                local: datetime = self._db.command("hello")["localTime"]
            answer = self._answer = local.replace(tzinfo=UTC), now
        time_then, then = answer
        return time_then + timedelta(seconds=now - then)
