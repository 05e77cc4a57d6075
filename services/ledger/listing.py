"""Lists bookings page by page, each filter served by an index, at any number of bookings."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from pymongo import ASCENDING
from pymongo.cursor import Cursor
from pymongo.database import Database

from models.booking import Booking, BookingQuery
from models.errors import Fault, InvalidRequest
from services.ledger.documents import booking_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults


class BookingList:
    """Pages of bookings in order of (start, id), which no later booking can shift."""

    def __init__(self, db: Database[Document]) -> None:
        self._bookings = db["bookings"]

    def page(self, org: str, query: BookingQuery) -> tuple[list[Booking], str | None]:
        """One page and the cursor of the next one, None after the last. Raises InvalidRequest for a cursor not ours."""
        with mongo_faults():
            found = [booking_of(document) for document in self.documents(org, query)]
        if len(found) <= query.limit:
            return found, None
        last = found[query.limit - 1]
        return found[: query.limit], _write_cursor(last)

    def documents(self, org: str, query: BookingQuery) -> Cursor[Document]:
        """The documents of a page and one more, read in the order of the index that the filter names."""
        found = self._bookings.find(_filter(org, query)).hint(_index(query))
        return found.sort([("start", ASCENDING), ("_id", ASCENDING)]).limit(query.limit + 1)


def _filter(org: str, query: BookingQuery) -> Document:
    wanted: Document = {"org": org}
    for name in ("property_id", "technician_id", "status"):
        value = getattr(query, name)
        if value is not None:
            wanted[name] = value
    span = {"$gte": query.from_, "$lt": query.to}
    span = {operator: moment for operator, moment in span.items() if moment is not None}
    if query.cursor is not None:
        start, booking_id = _read_cursor(query.cursor)
        # The plain bound lets the index be entered at the right place; the $or decides among equals.
        span["$gte"] = max(start, query.from_) if query.from_ else start
        wanted["$or"] = [{"start": {"$gt": start}}, {"start": start, "_id": {"$gt": booking_id}}]
    if span:
        wanted["start"] = span
    return wanted


def _index(query: BookingQuery) -> str:
    if query.property_id is not None:
        return "by_property"
    if query.technician_id is not None:
        return "by_technician"
    return "by_status" if query.status is not None else "by_start"


def _write_cursor(last: Booking) -> str:
    text = f"{int(last.start.timestamp())}~{last.booking_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        seconds, _, booking_id = text.partition("~")
        return datetime.fromtimestamp(int(seconds), UTC), booking_id
    except (ValueError, OverflowError, OSError, binascii.Error, UnicodeDecodeError):
        raise InvalidRequest(Fault("cursor", "bad_cursor", "this cursor was not given by this list")) from None
