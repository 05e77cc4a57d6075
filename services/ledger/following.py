"""Reads bookings for those who follow MongoDB's log: some by name, and all of an org that changed since a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from bson.timestamp import Timestamp
from pymongo import ASCENDING
from pymongo.database import Database

from models.booking import Booking
from services.ledger.documents import booking_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults

BATCH: Final = 200


class Following:
    """Bookings of all orgs. Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._bookings = db["bookings"]

    def named(self, booking_ids: Collection[str]) -> dict[str, Booking]:
        """These bookings as they are now, by id. One that is gone is left out."""
        if not booking_ids:
            return {}
        with mongo_faults():
            found = self._bookings.find({"_id": {"$in": list(booking_ids)}})
            return {each["_id"]: booking_of(each) for each in found}

    def ahead(self, org: str, now: datetime, behind: tuple[datetime, str] | None, most: int) -> list[Booking]:
        """Active bookings of an org that have not begun, by start and id. behind: the start and id of the one that they
        follow; None to begin with the first."""
        wanted: Document = {"org": org, "active": True, "start": {"$gt": now}}
        if behind is not None:
            start, booking_id = behind
            wanted["start"] = {"$gt": now, "$gte": start}
            wanted["$or"] = [{"start": {"$gt": start}}, {"start": start, "_id": {"$gt": booking_id}}]
        with mongo_faults():
            found = self._bookings.find(wanted).hint("by_start").sort([("start", ASCENDING), ("_id", ASCENDING)])
            return [booking_of(each) for each in found.limit(most)]

    def changed_since(self, org: str, since: datetime) -> Iterator[tuple[Booking, int]]:
        """The org's bookings by their last change, from a time of MongoDB's log on, each with that of its last change
        as one number (see log_time)."""
        query = {"org": org, "changed": {"$gte": Timestamp(max(0, int(since.timestamp())), 0)}}
        with mongo_faults():
            found = self._bookings.find(query, batch_size=BATCH).hint("by_change")
            for each in found.sort([("changed", ASCENDING), ("_id", ASCENDING)]):
                yield booking_of(each), log_time(each["changed"])


def log_time(stamp: Timestamp) -> int:
    """A time of MongoDB's log as one number, in the same order: the seconds since 1970 are its upper 32 bits."""
    return (stamp.time << 32) + stamp.inc
