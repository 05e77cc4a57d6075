"""Reads from MongoDB's change stream, from a saved resume token on, what the relay has to mirror in Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults

CATALOGUE = frozenset({"properties", "technicians", "orgs"})
STATE_ID = "change_feed"
READ_FIELDS = {"ns.coll": 1, "fullDocument._id": 1, "fullDocument.org": 1, "fullDocument.version": 1}
"""The fields to read of a change, not the whole document: mostly its worker has mirrored it already."""
BATCH = 500
HISTORY_LOST = frozenset({136, 286, 260, 280, 9, 15, 40647, 40649})
"""MongoDB's codes for a resume token that its log no longer has, or (the last four) that it cannot read."""


class FeedLost(Exception):
    """There is no saved resume token, or MongoDB's log no longer reaches back to it: changes may be missing."""


@dataclass(frozen=True, slots=True)
class Change:
    """A booking that has this version or a newer one; without a booking_id, a change of the org's catalogue."""

    org: str
    booking_id: str | None = None
    version: int = 0


class ChangeFeed:
    """Reads changes in order. It saves its resume token after the caller has handled them: each comes at least once."""

    def __init__(self, db: Database[Document], clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._state = db["relay_state"]

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

    def end_of_log(self) -> Any:
        """The resume token of the present, for `start_at`. Raises StoreUnavailable."""
        with mongo_faults(), self._db.watch() as stream:
            return stream.resume_token

    def start_at(self, token: Any) -> None:
        """Lets the next read begin at this resume token. Raises StoreUnavailable."""
        with mongo_faults():
            self._save(token)

    def _read(self) -> Iterator[list[Change]]:
        saved = self._state.find_one({"_id": STATE_ID})
        if saved is None:
            raise FeedLost
        with self._db.watch(
            [{"$match": self._wanted()}, {"$project": READ_FIELDS}],
            full_document="updateLookup",
            max_await_time_ms=1,  # reads what has come since and does not wait: waiting would return each single change
            batch_size=BATCH,
            resume_after=saved["token"],
        ) as stream:
            while True:
                events = list(islice(iter(stream.try_next, None), BATCH))
                yield [change for change in map(_change_of, events) if change]
                self._save(stream.resume_token)
                if len(events) < BATCH:
                    return

    def _wanted(self) -> Document:
        """The filter: changes of catalogues, and of bookings that ended less than a day ago or will end later."""
        current = {"fullDocument.end": {"$gte": self._clock() - timedelta(days=1)}}
        return {
            "operationType": {"$in": ["insert", "update", "replace"]},
            "$or": [{"ns.coll": "bookings", **current}, {"ns.coll": {"$in": sorted(CATALOGUE)}}],
        }

    def _save(self, token: Any) -> None:
        self._state.update_one({"_id": STATE_ID}, {"$set": {"token": token}}, upsert=True)


def _change_of(event: Document) -> Change | None:
    document = event.get("fullDocument")
    collection = event["ns"]["coll"]
    if document is None:  # the document was deleted after this change
        return None
    if collection == "bookings":
        return Change(document["org"], document["_id"], document["version"])
    return Change(document["_id"] if collection == "orgs" else document["org"])
