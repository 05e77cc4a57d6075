"""MongoDB's change stream as a list of what to carry over to Redis, read on from a saved place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from services.stores.connections import Document
from services.stores.faults import mongo_faults

CATALOGUE = frozenset({"properties", "technicians", "orgs", "api_keys"})
PLACE = "change_feed"
TOLD = {"ns.coll": 1, "fullDocument._id": 1, "fullDocument.org": 1, "fullDocument.version": 1}
"""What is read of a change: mostly its worker has mirrored it already, and then the whole document is for nothing."""
BATCH = 500
HISTORY_LOST = frozenset({136, 286, 260, 280, 9, 15, 40647, 40649})
"""MongoDB's codes for a place in its log that is gone, or (the last four) that it cannot read: start over."""


class FeedLost(Exception):
    """There is no saved place, or it is no longer in MongoDB's log."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: a booking that has this version or a newer one, or (None) something in the catalogue of `org`."""

    org: str
    booking_id: str | None = None
    version: int = 0


class ChangeFeed:
    """Reads changes in order. The place is saved after they were carried over, so each comes at least once."""

    def __init__(self, db: Database[Document], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._state = db["relay_state"]

    def read(self) -> Iterator[list[Change]]:
        """The changes since the saved place, in batches; after each is carried over, how far that came is saved.

        Raises FeedLost when MongoDB's log no longer reaches back that far, or no place was ever saved: then nobody
        knows what was missed. Raises StoreUnavailable.
        """
        with mongo_faults():
            try:
                yield from self._read()
            except OperationFailure as error:
                if error.code in HISTORY_LOST:
                    raise FeedLost from error
                raise

    def present(self) -> Any:
        """The place where MongoDB's log ends now, for `go_on_from`. Raises StoreUnavailable."""
        with mongo_faults(), self._db.watch() as stream:
            return stream.resume_token

    def go_on_from(self, place: Any) -> None:
        """The next read begins at this place. Raises StoreUnavailable."""
        with mongo_faults():
            self._save(place)

    def _read(self) -> Iterator[list[Change]]:
        saved = self._state.find_one({"_id": PLACE})
        if saved is None:
            raise FeedLost
        with self._db.watch(
            [{"$match": self._wanted()}, {"$project": TOLD}],
            full_document="updateLookup",
            max_await_time_ms=1,  # what came since the last time, and no waiting: it would wake us for each single one
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
        """Changes of the catalogue, and of bookings whose visit is not long over."""
        current = {"fullDocument.end": {"$gte": self._clock() - timedelta(days=1)}}
        return {
            "operationType": {"$in": ["insert", "update", "replace"]},
            "$or": [{"ns.coll": "bookings", **current}, {"ns.coll": {"$in": sorted(CATALOGUE)}}],
        }

    def _save(self, token: Any) -> None:
        self._state.update_one({"_id": PLACE}, {"$set": {"token": token}}, upsert=True)


def _change_of(event: Document) -> Change | None:
    document = event.get("fullDocument")
    collection = event["ns"]["coll"]
    if document is None:  # deleted since it was changed
        return None
    if collection == "bookings":
        return Change(document["org"], document["_id"], document["version"])
    return Change(document["_id"] if collection == "orgs" else document["org"])
