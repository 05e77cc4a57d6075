"""Reads from MongoDB's change stream which bookings got which version, and which waitlist entries got an offer.

It reads no document: a change says the version that it made, and the history of the document has all of it. The stream
stays open between two rounds, so that a round without news costs one question to MongoDB.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from bson.timestamp import Timestamp
from pymongo.change_stream import DatabaseChangeStream
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from services.ledger.following import log_time
from services.relay.change_feed import BATCH, HISTORY_LOST, FeedLost, end_token, read_until
from services.stores.connections import Document
from services.stores.faults import mongo_faults

BOOKINGS, WAITLIST = "bookings", "waitlist"
OFFERED: Final = "updateDescription.updatedFields.status"
WANTED: Final[Document] = {
    "$or": [
        {"ns.coll": BOOKINGS, "operationType": {"$in": ["insert", "update", "replace"]}},
        {"ns.coll": WAITLIST, "operationType": "update", OFFERED: "offered"},
    ]
}
"""It asks nothing of a document as it is now: MongoDB resumes only after a change that the filter still lets
through."""
READ_FIELDS: Final = dict.fromkeys(
    ("ns.coll", "documentKey._id", "clusterTime", "fullDocument.version", "updateDescription.updatedFields.version"), 1
)
BEGINNING: Final = Timestamp(0, 0)
SAVE_EVERY_SECONDS: Final = 10.0
"""How often the resume token is saved while nothing changes, so that it stays within MongoDB's log."""


class Seen(NamedTuple):
    """One change. collection: bookings or waitlist. logged: its time in MongoDB's log, see BookingChange."""

    collection: str
    document_id: str
    version: int
    logged: int


class LogPosition(NamedTuple):
    """Where in MongoDB's log to read on."""

    token: Any
    logged: int


class NewsFeed:
    """Reads changes in order, and saves its resume token after the caller has handled them: each comes at least once.

    Everything may raise StoreUnavailable; the next call then begins at the saved token.
    """

    def __init__(self, db: Database[Document], name: str = "news") -> None:
        self._db = db
        self._name = name
        self._meta = db["meta"]
        self._stream: DatabaseChangeStream[Document] | None = None
        self._saved_at = float("-inf")

    def read(self) -> Iterator[list[Seen]]:
        """The changes since the saved resume token, in batches. To ask for the next batch saves the token of this one.

        Raises FeedLost, where no token is saved or MongoDB's log no longer has it.
        """
        try:
            with mongo_faults():
                yield from self._read(self._stream or self._open())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets the next read begin at the saved token, because another relay may have read meanwhile."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(PyMongoError):
                stream.close()

    def end_of_log(self) -> LogPosition:
        """The present, for `start_at`."""
        with mongo_faults(), self._db.client.start_session() as session:
            token = end_token(self._db, WANTED, session)
            return LogPosition(token, log_time(session.operation_time or BEGINNING))

    def start_at(self, position: LogPosition) -> None:
        """Lets the next read begin here."""
        self.close()
        with mongo_faults():
            self._save(position.token, position.logged)

    def forget(self) -> None:
        """Removes the saved token."""
        self.close()
        with mongo_faults():
            self._meta.delete_one({"_id": self._name})

    def read_to(self) -> datetime | None:
        """Up to when the changes were read, by MongoDB's log; None if that was never saved."""
        with mongo_faults():
            saved = self._meta.find_one({"_id": self._name, "logged": {"$ne": None}})
        return datetime.fromtimestamp(saved["logged"] >> 32, UTC) if saved else None

    def _open(self) -> DatabaseChangeStream[Document]:
        saved = self._meta.find_one({"_id": self._name})
        if saved is None or saved["token"] is None:
            raise FeedLost
        try:
            self._stream = self._db.watch(
                [{"$match": WANTED}, {"$project": READ_FIELDS}],
                max_await_time_ms=1,  # reads what has come since and does not wait
                batch_size=BATCH,
                resume_after=saved["token"],
            )
        except OperationFailure as error:
            if error.code in HISTORY_LOST:
                raise FeedLost from error
            raise
        return self._stream

    def _read(self, stream: DatabaseChangeStream[Document]) -> Iterator[list[Seen]]:
        now, goes_on = self._now(), True
        while goes_on:
            try:
                events, goes_on = read_until(now, stream)
            except OperationFailure as error:
                if error.code in HISTORY_LOST:
                    raise FeedLost from error
                raise
            if events:
                yield [seen for event in events if (seen := _seen_in(event))]
                self._save(stream.resume_token, log_time(events[-1]["clusterTime"]))
            elif time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS:
                self._save(stream.resume_token, None)

    def _now(self) -> Timestamp:
        with self._db.client.start_session() as session:
            self._db.command("ping", session=session)
            return session.operation_time or BEGINNING

    def _save(self, token: Any, logged: int | None) -> None:
        """logged: None leaves it as it is. It makes no position either: another relay may have forgotten it."""
        fields = {"token": token} | ({} if logged is None else {"logged": logged})
        self._meta.update_one({"_id": self._name}, {"$set": fields}, upsert=logged is not None)
        self._saved_at = time.monotonic()


def _seen_in(event: Document) -> Seen | None:
    """None for a change that makes no version, such as one that fills in a field for an index."""
    made = event.get("fullDocument") or event.get("updateDescription", {}).get("updatedFields", {})
    if "version" not in made:
        return None
    return Seen(event["ns"]["coll"], event["documentKey"]["_id"], made["version"], log_time(event["clusterTime"]))
