"""What was done to several visits of a series at once, as their histories tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from pymongo.database import Database

from services.stores.connections import Document
from services.stores.faults import mongo_faults

AT_ONCE: Final = timedelta(seconds=60)


class Deeds:
    """Reads the bookings of series. Raises StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._bookings = db["bookings"]

    def starts(self, org: str, series_id: str, deed: dict[str, Any]) -> list[datetime]:
        """The starts of the visits of a series to which the same caller did the same within a minute, in order.

        deed: an entry of the history of one of them.
        """
        near = {"$gte": deed["at"] - AT_ONCE, "$lte": deed["at"] + AT_ONCE}
        same = {"$elemMatch": {"by": deed["by"], "action": deed["action"], "at": near}}
        with mongo_faults():
            found = self._bookings.find({"org": org, "series_id": series_id, "history": same}, {"start": 1})
            return sorted(each["start"] for each in found.hint("by_series"))
