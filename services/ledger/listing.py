"""Lists bookings page by page. Each filter reads along one index, however many bookings there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from pymongo import ASCENDING
from pymongo.cursor import Cursor
from pymongo.database import Database

from models.booking import Booking, BookingStatus
from models.booking_lists import BookingQuery
from services.ledger.documents import booking_of
from services.ledger.search import search_filter
from services.ledger.versions import LASTING, OVERDUE
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import bad_cursor, read_cursor, write_cursor
from services.timetable.rules import LONGEST_VISIT

EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
"""No visit is as early; a time from which LONGEST_VISIT can be taken away."""


class BookingList:
    """Pages of bookings in the order of (start, id), which later bookings do not shift."""

    def __init__(self, db: Database[Document]) -> None:
        self._bookings = db["bookings"]

    def page(self, org: str, query: BookingQuery) -> tuple[list[Booking], str | None]:
        """One page, and the cursor of the next one or None. Raises InvalidRequest for a cursor that no list gave;
        StoreUnavailable."""
        with mongo_faults():
            found = [booking_of(document) for document in self.documents(org, query)]
        if len(found) <= query.limit:
            return found, None
        return found[: query.limit], cursor_behind(found[query.limit - 1])

    def documents(self, org: str, query: BookingQuery) -> Cursor[Document]:
        """The documents of a page and one more, read in the order of the index that the filter names."""
        wanted = filter_of(org, query)
        if query.cursor is not None:
            start, booking_id = last_entry(query.cursor)
            span = wanted.get("start", {})
            # The bound on start lets MongoDB enter the index there; the $or decides among bookings of the same start.
            wanted["start"] = {**span, "$gte": max(start, span.get("$gte", start))}
            wanted["$or"] = [{"start": {"$gt": start}}, {"start": start, "_id": {"$gt": booking_id}}]
        found = self._bookings.find(wanted).hint(_index(query))
        return found.sort([("start", ASCENDING), ("_id", ASCENDING)]).limit(query.limit + 1)


def filter_of(org: str, query: BookingQuery) -> Document:
    """What a query wants of an org, besides its page."""
    wanted: Document = {"org": org, **_when(query)}
    named = {"property_id": query.property_id, "technician_ids": query.technician_id}
    named |= {"external_reference": query.external_reference, "series_id": query.series_id}
    wanted |= {name: value for name, value in named.items() if value is not None}
    # The index of a search has the status before the start, so MongoDB wants it by name there.
    if query.status is not None or query.q is not None:
        wanted |= _standing(set(query.status or get_args(BookingStatus)))
    if query.q is not None:
        wanted |= search_filter(query.q)
    return wanted


def _standing(statuses: set[str]) -> Document:
    """Matches what is shown under any of these statuses: an overdue reservation as expired, although its document says
    `pending` until the relay has noted it."""
    if "expired" not in statuses:
        return {"status": {"$in": sorted(statuses)}, "$nor": [OVERDUE]}
    written = {"status": {"$in": sorted({*statuses, "pending"})}}
    return written if "pending" in statuses else {**written, "$nor": [LASTING]}


def _when(query: BookingQuery) -> Document:
    """The bounds of the visits' times. MongoDB finds overlapping ones by their start, because none is longer than
    LONGEST_VISIT."""
    begin, end = query.from_, query.to
    found: Document = {"start": {}}
    if begin is not None and query.overlapping:
        found["end"] = {"$gt": begin}
        begin = max(begin, EARLIEST) - LONGEST_VISIT
    span = {"$gte": begin, "$lt": end}
    found["start"] = {operator: moment for operator, moment in span.items() if moment is not None}
    return {name: bounds for name, bounds in found.items() if bounds}


def _index(query: BookingQuery) -> str:
    if query.series_id is not None:
        return "by_series"
    if query.external_reference is not None:
        return "by_reference"
    if query.property_id is not None:
        return "by_property"
    if query.technician_id is not None:
        return "by_technician_ids"
    if query.q is not None:
        return "by_search"
    return "by_status" if query.status is not None else "by_start"


def cursor_behind(last: Booking) -> str:
    """The cursor of a page that follows this booking, in a list by (start, id)."""
    return write_cursor(str(int(last.start.timestamp())), last.booking_id)


def last_entry(cursor: str) -> tuple[datetime, str]:
    """The start and id of the booking that a cursor follows. Raises InvalidRequest."""
    seconds, booking_id = read_cursor(cursor, 2)
    try:
        return datetime.fromtimestamp(int(seconds), UTC), booking_id
    except (ValueError, OverflowError, OSError):
        raise bad_cursor() from None
