"""Reads from MongoDB's change stream, from a saved resume token on, what the relay has to mirror in Redis.

Each Redis has a resume token of its own, because what was mirrored in one is not in another. After a restart or a
failover no token is there, since the latest writes may be missing. While a network splits, a relay that still reaches
the old master goes on with the token of that one, and harms no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import RedisUnavailable, mongo_faults

CATALOGUE = frozenset({"properties", "technicians", "services", "orgs"})
DAY_MS = 24 * 3600 * 1000
WANTED: Document = {
    "operationType": {"$in": ["insert", "update", "replace", "delete"]},
    "ns.coll": {"$in": ["bookings", *sorted(CATALOGUE)]},
}
"""The filter. It asks nothing of a document, which is read as it is now: MongoDB resumes only after a change that the
filter still lets through."""
READ_FIELDS = dict.fromkeys(
    (
        *("ns.coll", "documentKey._id"),
        *("fullDocument._id", "fullDocument.org", "fullDocument.version", "fullDocument.end"),
    ),
    1,
)
"""The fields to read of a change, not the whole document: mostly its worker has mirrored it already."""
BATCH = 500
HISTORY_LOST = frozenset({136, 286, 260, 280, 9, 15, 40647, 40649})
"""MongoDB's codes for a resume token that its log no longer has, or (the last four) that it cannot read."""


class FeedLost(Exception):
    """This Redis has no resume token, or MongoDB's log no longer reaches back to it: changes may be missing."""


@dataclass(frozen=True, slots=True)
class Position:
    """A resume token, and the Redis in which everything before it is mirrored."""

    redis: str
    token: Any


@dataclass(frozen=True, slots=True)
class Change:
    """A booking that has this version or a newer one; without a booking_id, a change of the org's catalogue."""

    org: str
    booking_id: str | None = None
    version: int = 0


class ChangeFeed:
    """Reads changes in order. It saves its resume token after the caller has handled them: each comes at least once.

    redis: names the Redis that the caller mirrors in (RedisInfo.identity), or whatever else the caller keeps equal.
    past: for how long after its visit a booking still counts; None for ever.
    """

    def __init__(
        self, db: Database[Document], redis: Callable[[], str], clock: Clock, past: timedelta | None = timedelta(days=1)
    ) -> None:
        self._db = db
        self._redis = redis
        self._clock = clock
        self._past = past
        self._saved = db["relay_state"]

    def read(self) -> Iterator[list[Change]]:
        """The changes since the saved resume token, in batches. To ask for the next batch saves the token of this one.

        Raises FeedLost, StoreUnavailable.
        """
        with mongo_faults():
            try:
                yield from self._read()
            except OperationFailure as error:
                if error.code in HISTORY_LOST:
                    raise FeedLost from error
                raise

    def end_of_log(self) -> Position:
        """The present, for `start_at`. Raises StoreUnavailable."""
        redis = self._redis()
        with mongo_faults(), self._db.watch() as stream:
            return Position(redis, stream.resume_token)

    def start_at(self, position: Position) -> None:
        """Lets the next read begin here, and forgets each Redis that has not served for a day. StoreUnavailable."""
        with mongo_faults():
            self._save(position)
            day_ago = {"$subtract": ["$$NOW", DAY_MS]}
            self._saved.delete_many({"$expr": {"$lt": ["$at", day_ago]}})

    def _read(self) -> Iterator[list[Change]]:
        redis, since = self._redis(), self._clock() - self._past if self._past else None
        saved = self._saved.find_one({"_id": redis})
        if saved is None:
            raise FeedLost
        with self._db.watch(
            [{"$match": WANTED}, {"$project": READ_FIELDS}],
            full_document="updateLookup",
            max_await_time_ms=1,  # reads what has come since and does not wait: waiting would return each single change
            batch_size=BATCH,
            resume_after=saved["token"],
        ) as stream:
            while True:
                events = list(islice(iter(stream.try_next, None), BATCH))
                yield [change for event in events if (change := _change_of(event, since))]
                self._save(Position(redis, stream.resume_token))
                if len(events) < BATCH:
                    return

    def _save(self, position: Position) -> None:
        """Saves a position, unless another Redis serves by now: the latest changes may have been mirrored there."""
        if self._redis() != position.redis:
            raise RedisUnavailable
        saved = {"$set": {"token": position.token}, "$currentDate": {"at": True}}
        self._saved.update_one({"_id": position.redis}, saved, upsert=True)


def _change_of(event: Document, since: datetime | None) -> Change | None:
    """None for a booking that was deleted after this change, and for one whose visit ended before `since`."""
    if event["ns"]["coll"] != "bookings":
        org, _, _ = str(event["documentKey"]["_id"]).partition("/")  # as in `catalogue.reader.document_id`
        return Change(org)
    document = event.get("fullDocument")
    if document is None or (since is not None and document["end"] < since):
        return None
    return Change(document["org"], document["_id"], document["version"])
