"""Follows MongoDB's change stream from a saved resume token on. Each follower keeps something equal to MongoDB.

A follower has a resume token under its own name. That of the mirror is the Redis it writes to, because what was
mirrored in one is not in another. After a restart or a failover no token is there, since the latest writes may be
missing. While a network splits, a relay that still reaches the old master goes on with the token of that one, and harms
no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson.timestamp import Timestamp
from pymongo.change_stream import DatabaseChangeStream
from pymongo.client_session import ClientSession
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
        *("clusterTime", "ns.coll", "documentKey._id"),
        *("fullDocument._id", "fullDocument.org", "fullDocument.version", "fullDocument.end"),
    ),
    1,
)
"""The fields to read of a change, not the whole document: mostly its worker has mirrored it already."""
BATCH = 500
IDLE = timedelta(minutes=1)
"""A token behind which nothing has changed is saved so often: each save costs MongoDB a write to its journal."""
HISTORY_LOST = frozenset({136, 286, 260, 280, 9, 15, 40647, 40649})
"""MongoDB's codes for a resume token that its log no longer has, or (the last four) that it cannot read."""


class FeedLost(Exception):
    """The follower has no resume token, or MongoDB's log no longer reaches back to it: changes may be missing."""


@dataclass(frozen=True, slots=True)
class Position:
    """A resume token, and the follower that has handled everything before it."""

    follower: str
    token: Any


@dataclass(frozen=True, slots=True)
class Change:
    """A booking that has this version or a newer one; without a booking_id, a change of the org's catalogue."""

    org: str
    booking_id: str | None = None
    version: int = 0


class ChangeFeed:
    """Reads changes in order. It saves its resume token after the caller has handled them: each comes at least once.
    Its stream stays open between two reads, because to open one costs MongoDB more than a read without changes.

    follower: names what the caller keeps equal; for the mirror it is its Redis (RedisInfo.identity).
    past: for how long after its visit a booking still counts; None for ever.
    """

    def __init__(
        self,
        db: Database[Document],
        follower: Callable[[], str],
        clock: Clock,
        past: timedelta | None = timedelta(days=1),
    ) -> None:
        self._db = db
        self._follower = follower
        self._clock = clock
        self._past = past
        self._saved = db["relay_state"]
        self._open: tuple[Any, DatabaseChangeStream[Document] | None] = None, None

    def follow(self, handle: Callable[[list[Change]], None], begin_anew: Callable[[], None]) -> None:
        """Lets `handle` have all changes until now, in batches; `begin_anew` is called where some may be missing.

        The new token is taken before `begin_anew`, so no change in between is missed. It is saved last, so that after a
        failure the next call finds none again. Raises StoreUnavailable, and what these two raise.
        """
        try:
            for changes in filter(None, self.read()):
                handle(changes)
        except FeedLost:
            position = self.end_of_log()
            begin_anew()
            self.start_at(position)

    def read(self) -> Iterator[list[Change]]:
        """The changes from the saved resume token until now, in batches. To ask for the next batch saves the token of
        this one. Raises FeedLost, StoreUnavailable."""
        with mongo_faults():
            try:
                yield from self._read()
            except OperationFailure as error:
                if error.code in HISTORY_LOST:
                    raise FeedLost from error
                raise

    def end_of_log(self) -> Position:
        """The present, for `start_at`. Raises StoreUnavailable."""
        follower = self._follower()
        with mongo_faults():
            return Position(follower, end_token(self._db, WANTED))

    def start_at(self, position: Position) -> None:
        """Lets the next read begin here, and forgets each follower that was away for a day. StoreUnavailable."""
        with mongo_faults():
            self._save(position)
            day_ago = {"$subtract": ["$$NOW", DAY_MS]}
            self._saved.delete_many({"$expr": {"$lt": ["$at", day_ago]}})

    def _read(self) -> Iterator[list[Change]]:
        follower, since = self._follower(), self._clock() - self._past if self._past else None
        with self._db.client.start_session(causal_consistency=False) as session:
            saved = self._saved.find_one({"_id": follower}, session=session)
            now = session.operation_time
        if saved is None or saved["token"] is None or now is None:
            raise FeedLost
        stream, goes_on = self._open_at(saved["token"]), True
        while goes_on:
            events, goes_on = read_until(now, stream)
            yield [change for event in events if (change := _change_of(event, since))]
            if events or now.as_datetime() - saved["at"] > IDLE:
                saved["token"] = stream.resume_token
                self._save(Position(follower, saved["token"]))
        self._open = saved["token"], stream

    def _open_at(self, token: Any) -> DatabaseChangeStream[Document]:
        """The stream behind a token: the open one, if this feed has handled all up to there and nothing further.

        Until its changes are handled no stream counts as open, so that after a failure they are read again.
        """
        (at, stream), self._open = self._open, (None, None)
        if stream and at == token:
            return stream
        if stream:
            stream.close()
        return self._db.watch(
            [{"$match": WANTED}, {"$project": READ_FIELDS}],
            full_document="updateLookup",
            max_await_time_ms=1,  # it waits for nothing that comes later
            batch_size=BATCH,
            resume_after=token,
        )

    def _save(self, position: Position) -> None:
        """Saves a position, unless another Redis serves by now: the latest changes may have been mirrored there."""
        if self._follower() != position.follower:
            raise RedisUnavailable
        saved = {"$set": {"token": position.token}, "$currentDate": {"at": True}}
        self._saved.update_one({"_id": position.follower}, saved, upsert=True)


def end_token(db: Database[Document], wanted: Document, session: ClientSession | None = None) -> Any:
    """The resume token of the present. A stream has none while the first reply of MongoDB has changes: these are
    skipped, because the caller goes over everything once it has the token.

    wanted: the filter of the stream that will go on behind the token.
    """
    with db.watch([{"$match": wanted}], max_await_time_ms=1, session=session) as stream:
        while stream.resume_token is None:
            stream.try_next()
        return stream.resume_token


def read_until(now: Timestamp, stream: DatabaseChangeStream[Document]) -> tuple[list[Document], bool]:
    """The next changes, and whether more may follow. It ends at the first change that is later than `now`: while
    bookings are made, each further reply of MongoDB has one or two of them and costs as much as one with hundreds."""
    events: list[Document] = []
    while event := stream.try_next():
        events.append(event)
        if event["clusterTime"] > now:
            return events, False
        if len(events) == BATCH:
            return events, True
    return events, False


def _change_of(event: Document, since: datetime | None) -> Change | None:
    """None for a booking that was deleted after this change, and for one whose visit ended before `since`."""
    if event["ns"]["coll"] != "bookings":
        org, _, _ = str(event["documentKey"]["_id"]).partition("/")  # as in `catalogue.reader.document_id`
        return Change(org)
    document = event.get("fullDocument")
    if document is None or (since is not None and document["end"] < since):
        return None
    return Change(document["org"], document["_id"], document["version"])
