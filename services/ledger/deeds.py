"""What was done to several visits of a series at once, as their histories tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from pymongo.database import Database

from models.booking import Booking
from services.stores.connections import Document
from services.stores.faults import mongo_faults

AT_ONCE: Final = timedelta(seconds=60)


class Deeds:
    """Reads the bookings of series. Raises StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._bookings = db["bookings"]

    def starts(self, booking: Booking, deed: dict[str, Any]) -> list[datetime]:
        """The starts of the visits of a booking's series that have its status, and to which the same caller did the
        same within a minute, in order.

        deed: an entry of the booking's history.
        """
        near = {"$gte": deed["at"] - AT_ONCE, "$lte": deed["at"] + AT_ONCE}
        same = {"$elemMatch": {"by": deed["by"], "action": deed["action"], "at": near}}
        alike = {"org": booking.org, "series_id": booking.series_id, "status": booking.status, "history": same}
        with mongo_faults():
            found = self._bookings.find(alike, {"start": 1})
            return sorted(each["start"] for each in found.hint("by_series"))
