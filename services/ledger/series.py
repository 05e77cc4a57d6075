"""Series in MongoDB: their records, and the one transaction that makes all visits of a series or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, CollectionInvalid, DuplicateKeyError

from models.booking import Booking
from models.errors import StoreUnavailable
from models.series import Series
from services.crash_points import CrashPoints, survive
from services.ledger.documents import booking_of, document_of
from services.ledger.outcomes import DEFINITELY_REFUSED, Unclear, WriteRefused
from services.ledger.store import BookingStore
from services.ledger.transactions import in_transaction
from services.stores.connections import Document
from services.stores.faults import mongo_faults

Made = Literal["made", "repeated", "taken"]
"""How the making of a series ended: its record was there already; another booking has one of its claims."""


class SeriesStore:
    """The only writer of `series`. crash: what a test may do inside the transaction."""

    def __init__(self, db: Database[Document], bookings: BookingStore, crash: CrashPoints = survive) -> None:
        self._db = db
        self._series = db["series"]
        self._bookings = bookings
        self._crash = crash

    def prepare(self) -> None:
        """Makes the collection; does no harm where it is there. A transaction must not have to make it."""
        with mongo_faults():
            try:
                self._db.create_collection("series")
            except CollectionInvalid:
                return

    def make(self, series: Series, bookings: Sequence[Booking]) -> Made:
        """Writes a series and all its bookings, or nothing of it.

        Raises NothingSent, GridChanged or WriteRefused if nothing was written; StoreUnavailable if that is open.
        """
        self._bookings.check_grid()
        documents = [document_of(booking) for booking in bookings]

        def write(session: ClientSession) -> None:
            self._series.insert_one(_document_of(series), session=session)
            self._db["bookings"].insert_many(documents, session=session)
            self._crash("after_series_write")

        try:
            in_transaction(self._db.client, write, self._bookings.write_seconds)
        except DuplicateKeyError:
            return "repeated"
        except BulkWriteError as error:
            if {each["code"] for each in (error.details or {})["writeErrors"]} & DEFINITELY_REFUSED:
                raise WriteRefused from error
            return "taken"
        except Unclear as error:
            # Only what a majority has is read here, so what is found stays.
            if self.find(series.org, series.series_id) is None:
                raise StoreUnavailable from error
        return "made"

    def find(self, org: str, series_id: str) -> Series | None:
        """The series as it was made, or None. Raises StoreUnavailable."""
        with mongo_faults():
            found = self._series.find_one({"_id": series_id, "org": org})
        return Series(**{"series_id": found.pop("_id"), **found}) if found else None

    def bookings(self, org: str, series_id: str) -> list[Booking]:
        """All bookings of a series by start, whether it has a record or not. Raises StoreUnavailable."""
        query = {"org": org, "series_id": series_id}
        with mongo_faults():
            found = self._db["bookings"].find(query).hint("by_series")
            return [booking_of(each) for each in found.sort([("start", ASCENDING), ("_id", ASCENDING)])]


def _document_of(series: Series) -> Document:
    document = asdict(series)
    return {"_id": document.pop("series_id"), **document}
