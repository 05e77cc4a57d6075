"""Which active bookings claim a resource over some ticks, by the index of the final guard. Reads only."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ASCENDING
from pymongo.database import Database

from models.booking import Booking
from services.ledger.documents import booking_of
from services.ledger.versions import OVERDUE
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import Span


class VisitsAhead:
    """Reads of all orgs. An overdue reservation is no visit: a request for its slot expires it.

    Everything may raise StoreUnavailable.
    """

    def __init__(self, db: Database[Document]) -> None:
        self._bookings = db["bookings"]

    def over(self, org: str, resource: str, spans: Sequence[Span], most: int) -> list[Booking]:
        """At most so many bookings that claim the resource in any of the spans, with or without travel, by start."""
        if not spans:
            return []
        touched = [{"resource": resource, "tick": {"$gte": start, "$lt": end}} for start, end in spans]
        claimed = [{"claims": {"$elemMatch": each}} for each in touched]
        query = {"org": org, "active": True, "$or": claimed, "$nor": [OVERDUE]}
        with mongo_faults():
            found = self._bookings.find(query, {"history": 0, "claims": 0})
            ordered = found.sort([("start", ASCENDING), ("_id", ASCENDING)]).limit(most)
            return [booking_of({"history": [], "claims": [], **each}) for each in ordered]
