"""Reads the bookings of customers: whose they are, how many there are, and one page of one customer's.

A customer owns keys (`persons.customer_key`), and each booking has one. So nothing is written in a booking because of
its customer, and a merge of two customers changes no booking.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from pymongo import DESCENDING
from pymongo.cursor import Cursor
from pymongo.database import Database

from models.booking import Booking
from services.ledger.documents import booking_of
from services.ledger.listing import cursor_behind, last_entry
from services.ledger.persons import ERASED
from services.stores.connections import Document
from services.stores.faults import mongo_faults

VISITS = ("pending", "confirmed", "completed", "no_show")
"""The statuses of bookings that count as visits: all but cancelled and expired ones."""
BY_CUSTOMER = "by_customer"
_SEEN = {"org": 1, "customer": 1, "created_at": 1}
_NEWEST_FIRST = [("start", DESCENDING), ("_id", DESCENDING)]


class Seen(NamedTuple):
    """What a booking says of its customer. created_at: when the booking was made."""

    booking_id: str
    org: str
    created_at: datetime
    customer: dict[str, Any]


class CustomerVisits:
    """Bookings by the keys of their customers. Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._bookings = db["bookings"]

    def seen(self, booking_ids: Iterable[str]) -> list[Seen]:
        """What these bookings say now. One that is gone is left out."""
        return self._read(self._bookings.find({"_id": {"$in": list(booking_ids)}}, _SEEN))

    def erased(self, booking_ids: Iterable[str]) -> set[str]:
        """Those of these bookings whose customer has been erased by now."""
        with mongo_faults():
            wanted = {"_id": {"$in": list(booking_ids)}, "customer.name": ERASED}
            return {each["_id"] for each in self._bookings.find(wanted, {"_id": 1})}

    def seen_after(self, booking_id: str, most: int) -> list[Seen]:
        """The bookings of all orgs by id, from the one that follows this id on."""
        return self._read(self._bookings.find({"_id": {"$gt": booking_id}}, _SEEN).sort("_id").limit(most))

    def latest(self, org: str, keys: Iterable[str], most: int) -> list[Seen]:
        """The bookings with the latest starts that have one of these keys."""
        found = self._bookings.find(_having(org, keys), _SEEN).hint(BY_CUSTOMER)
        return self._read(found.sort(_NEWEST_FIRST).limit(most))

    def in_use(self, org: str, keys: Iterable[str]) -> set[str]:
        """Those of some keys that a booking has."""
        return set(self._counts(_having(org, keys)))

    def counts(self, org: str, keys: Iterable[str]) -> dict[str, int]:
        """How many visits have each of some keys; a key without visits is left out."""
        return self._counts({**_having(org, keys), "status": {"$in": list(VISITS)}})

    def page(self, org: str, keys: Iterable[str], limit: int, cursor: str | None) -> tuple[list[Booking], str | None]:
        """One page of the bookings with these keys, the latest start first, and the cursor of the next or None.

        Raises InvalidRequest for a cursor that no such list gave.
        """
        with mongo_faults():
            found = [booking_of(document) for document in self.documents(org, keys, limit, cursor)]
        return found[:limit], cursor_behind(found[limit - 1]) if len(found) > limit else None

    def documents(self, org: str, keys: Iterable[str], limit: int, cursor: str | None) -> Cursor[Document]:
        """The documents of a page and one more, in the order of the index."""
        wanted = _having(org, keys)
        if cursor is not None:
            start, booking_id = last_entry(cursor)
            wanted["start"] = {"$lte": start}
            # As an $or, MongoDB would look it up for each key and then sort.
            wanted["$nor"] = [{"start": start, "_id": {"$gte": booking_id}}]
        return self._bookings.find(wanted).hint(BY_CUSTOMER).sort(_NEWEST_FIRST).limit(limit + 1)

    def counting(self, wanted: Document) -> list[Document]:
        """The steps that count the bookings of each key, in the index alone."""
        return [{"$match": wanted}, {"$group": {"_id": "$customer_key", "count": {"$sum": 1}}}]

    def _counts(self, wanted: Document) -> dict[str, int]:
        with mongo_faults():
            found = self._bookings.aggregate(self.counting(wanted), hint=BY_CUSTOMER)
            return {each["_id"]: each["count"] for each in found}

    def _read(self, found: Cursor[Document]) -> list[Seen]:
        with mongo_faults():
            return [Seen(each["_id"], each["org"], each["created_at"], each["customer"]) for each in found]


def _having(org: str, keys: Iterable[str]) -> Document:
    return {"org": org, "customer_key": {"$in": sorted(keys)}}
