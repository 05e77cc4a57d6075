"""Lists bookings by their last change, for readers that follow all changes: none of them is missed.

Each write carries the time of MongoDB's log, `changed`, whichever server sends it. It is taken when MongoDB begins the
write, and a list can show the booking only when a majority has it. So a reader has to go back by the longest write:
the reply says from where to read on. What changed since then comes twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from bson.timestamp import Timestamp
from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.cursor import Cursor
from pymongo.database import Database

from models.booking import Booking
from models.booking_lists import BookingQuery
from services.ledger.documents import booking_of
from services.ledger.listing import filter_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import bad_cursor, read_cursor, write_cursor

LONGEST_WRITE_SECONDS: Final = 15
"""A write of ours ends within two seconds. While nothing is written, the time of MongoDB's log stands still for up to
ten seconds, so a write may carry a time that is older by so much."""

LATEST_SECONDS: Final = 2**32 - 1
"""The last time that MongoDB's log can name, in 2106."""


class Changes(NamedTuple):
    """One page of changed bookings. cursor: of the next page, or None. following: from when to read on after it all."""

    bookings: list[Booking]
    cursor: str | None
    following: datetime


class PageEnd(NamedTuple):
    """Where a page ends, and `following` as its first page said, because more may have changed since then."""

    changed: Timestamp
    booking_id: str
    following: int


class ChangesSince:
    """Pages of bookings in the order of (last change, id)."""

    def __init__(self, db: Database[Document], longest_write_seconds: int = LONGEST_WRITE_SECONDS) -> None:
        self._db = db
        self._longest_write_seconds = longest_write_seconds

    def page(self, org: str, query: BookingQuery, since: datetime) -> Changes:
        """One page. Raises InvalidRequest for a cursor that no such list gave; StoreUnavailable."""
        last = _read_end(query.cursor) if query.cursor is not None else None
        with mongo_faults(), self._db.client.start_session() as session:
            now = self._end_of_log(session)
            # The session makes this read wait until a majority has all that the log had at that time.
            documents = list(self.documents(org, query, since, last, session))
        following = last.following if last else now - self._longest_write_seconds
        cursor = None
        if len(documents) > query.limit:
            shown = documents[query.limit - 1]
            cursor = _write_end(PageEnd(shown["changed"], shown["_id"], following))
        found = [booking_of(document) for document in documents[: query.limit]]
        return Changes(found, cursor, datetime.fromtimestamp(following, UTC))

    def documents(
        self,
        org: str,
        query: BookingQuery,
        since: datetime,
        last: PageEnd | None = None,
        session: ClientSession | None = None,
    ) -> Cursor[Document]:
        """The documents of a page and one more, read in the order of the index."""
        wanted = filter_of(org, query)
        if last is None:
            seconds = min(max(0, int(since.timestamp())), LATEST_SECONDS)
            wanted["changed"] = {"$gte": Timestamp(seconds, 0)}
        else:
            wanted["changed"] = {"$gte": last.changed}
            beyond = [{"changed": {"$gt": last.changed}}, {"changed": last.changed, "_id": {"$gt": last.booking_id}}]
            wanted["$or"] = beyond
        found = self._db["bookings"].find(wanted, session=session).hint("by_change")
        return found.sort([("changed", ASCENDING), ("_id", ASCENDING)]).limit(query.limit + 1)

    def _end_of_log(self, session: ClientSession) -> int:
        """The time of the last write that MongoDB has, in seconds since 1970."""
        self._db.command("ping", session=session)
        if session.operation_time is None:
            raise RuntimeError("MongoDB is no replica set")
        return int(session.operation_time.time)


def _write_end(end: PageEnd) -> str:
    changed = end.changed
    return write_cursor(str(changed.time), str(changed.inc), end.booking_id, str(end.following))


def _read_end(cursor: str) -> PageEnd:
    seconds, number, booking_id, following = read_cursor(cursor, 4)
    try:
        end = PageEnd(Timestamp(int(seconds), int(number)), booking_id, int(following))
        datetime.fromtimestamp(end.following, UTC)
    except (ValueError, OverflowError, OSError):
        raise bad_cursor() from None
    return end
