"""The writer of the bookings collection, beside services.booking_import, and the owner of the final guard.

The guard is one unique multikey index over (org, claims.resource, claims.tick) of active bookings: an insert is
refused if any single claim of it is taken. A booking is one document, so it is written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pymongo
import structlog
from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import (
    CollectionInvalid,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteError,
)
from pymongo.read_concern import ReadConcern

from models.booking import Booking
from models.errors import StoreUnavailable
from models.slot import Claim, Visit
from services.ledger.documents import booking_of, document_of
from services.ledger.schema import BOOKING_INDEXES, VALIDATOR
from services.stores.connections import Document
from services.stores.faults import mongo_faults

log = structlog.get_logger("holdfast.stores")

WRITE_SECONDS = 1.2
"""Bounds one write with its reading back: with a stalled Redis call beside it, an answer comes within two seconds."""
CERTAIN_SECONDS = 5.0
DEFINITELY_REFUSED = frozenset({121, 10334, 17419})
"""MongoDB's codes for a document that its validator refuses, or that is too large."""


@dataclass(frozen=True, slots=True)
class Insert:
    """How an insert ended: inserted; repeated (this _id is there: `booking` is what it is now); taken (by another
    one)."""

    outcome: Literal["inserted", "repeated", "taken"]
    booking: Booking | None = None


class WriteRefused(Exception):
    """MongoDB refused the document itself: a fault of ours, and definitely not written."""


class NothingSent(StoreUnavailable):
    """No MongoDB could be reached, so the write was definitely not made."""


class GridChanged(NothingSent):
    """The database was filled under another time grid: its claims would mean other times under this one.

    advice: what the operator should do.
    """

    def __init__(self, minutes: int) -> None:
        super().__init__()
        self.advice = (
            f"This database has a grid of {minutes} minutes: set HOLDFAST_GRID_MINUTES to that, "
            "or start with an empty database."
        )


class ClaimsTaken(Exception):
    """The unique index refused a change: another active booking has one of its claims."""


class BookingStore:
    """Bookings in MongoDB."""

    def __init__(self, db: Database[Document], grid_minutes: int) -> None:
        self._db = db
        self._bookings = db["bookings"]
        self._grid_minutes = grid_minutes
        self._grid_is_ours = False

    def prepare(self) -> None:
        """Creates the collection, its validator and its indexes; harmless when they are there."""
        with mongo_faults():
            try:
                self._db.create_collection("bookings", validator=VALIDATOR)
            except (CollectionInvalid, OperationFailure):
                self._db.command("collMod", "bookings", validator=VALIDATOR)
            self._bookings.create_indexes(BOOKING_INDEXES)

    def check_grid(self) -> None:
        """Once in a process, before it writes. Raises GridChanged, StoreUnavailable."""
        if self._grid_is_ours:
            return
        with mongo_faults():
            found = self._db["meta"].find_one({"_id": "grid"})
        if found and found["minutes"] != self._grid_minutes:
            log.error("grid_changed", configured=self._grid_minutes, database=found["minutes"])
            raise GridChanged(found["minutes"])
        self._grid_is_ours = True

    def insert(self, booking: Booking) -> Insert:
        """Writes a booking, acknowledged by a majority's journal.

        A failure that leaves the outcome open is read back by _id; if that fails too, StoreUnavailable: the booking may
        exist or come to exist. Raises NothingSent, GridChanged or WriteRefused when it definitely does not.
        """
        self.check_grid()
        with pymongo.timeout(WRITE_SECONDS):
            try:
                self._bookings.insert_one(document_of(booking))
                return Insert("inserted")
            except DuplicateKeyError as error:
                return self._duplicate(booking, error)
            except WriteError as error:
                raise WriteRefused from error
            except ServerSelectionTimeoutError as error:
                raise NothingSent from error
            except PyMongoError as error:
                found = self._read_back(booking, error)
                return Insert("inserted", found)

    def _duplicate(self, booking: Booking, error: DuplicateKeyError) -> Insert:
        found = self.find(booking.org, booking.booking_id)
        if found:
            return Insert("repeated", found)
        if "_id" in ((error.details or {}).get("keyPattern") or {}):
            raise StoreUnavailable from error
        return Insert("taken")

    def _read_back(self, booking: Booking, cause: PyMongoError) -> Booking:
        try:
            found = self.find(booking.org, booking.booking_id)
        except StoreUnavailable:
            raise StoreUnavailable from cause
        if found is None:
            raise StoreUnavailable from cause
        return found

    def find(self, org: str, booking_id: str) -> Booking | None:
        """The booking as it is now, or None. Raises StoreUnavailable."""
        with mongo_faults():
            document = self._bookings.find_one({"_id": booking_id, "org": org})
        return booking_of(document) if document else None

    def find_for_certain(self, org: str, booking_id: str) -> Booking | None:
        """As `find`, but its None holds: no write that was sent before is still on its way to a majority.

        Slower, and it fails rather than wait for long, so it is for background work. Raises StoreUnavailable.
        """
        linearizable = self._bookings.with_options(read_concern=ReadConcern("linearizable"))
        with mongo_faults(), pymongo.timeout(CERTAIN_SECONDS):
            document = linearizable.find_one({"_id": booking_id, "org": org})
        return booking_of(document) if document else None

    def blockers(self, org: str, visit: Visit) -> list[Booking]:
        """The active bookings that have any of a visit's claims; overdue reservations are among them."""
        query = {"org": org, "active": True, "$or": [_touches(*span) for span in visit.spans()]}
        with mongo_faults():
            return [booking_of(document) for document in self._bookings.find(query)]

    def active_claims(
        self, org: str, resources: list[str], from_tick: int, to_tick: int, *, now: datetime
    ) -> set[Claim]:
        """The claims of active bookings on some resources over the ticks [from_tick, to_tick).

        A reservation whose deadline is over by `now` claims nothing: whoever wants its slot expires it.
        """
        touched = {"$elemMatch": {"resource": {"$in": resources}, "tick": {"$gte": from_tick, "$lt": to_tick}}}
        query = {"org": org, "active": True, "claims": touched, "$nor": [_overdue(now)]}
        wanted = set(resources)
        with mongo_faults():
            found = self._bookings.find(query, {"claims": 1})
            claims = {(claim["resource"], claim["tick"]) for document in found for claim in document["claims"]}
        return {claim for claim in claims if claim[0] in wanted and from_tick <= claim[1] < to_tick}

    def overdue(self, now: datetime, most: int) -> list[Booking]:
        """Reservations of all orgs whose deadline is over, the longest overdue first. Raises StoreUnavailable."""
        with mongo_faults():
            found = self._bookings.find(_overdue(now)).sort("reserved_until", ASCENDING).limit(most)
            return [booking_of(document) for document in found]

    def current_from(self, org: str, moment: datetime) -> Iterator[Booking]:
        """Every booking of an org that starts at or after a moment, the inactive ones first: what a mirror shows."""
        with mongo_faults():
            for active in (False, True):
                query = {"org": org, "active": active, "start": {"$gte": moment}}
                for document in self._bookings.find(query, batch_size=1000).hint("by_start"):
                    yield booking_of(document)

    def update(self, old: Booking, fields: Document, entry: Document) -> Booking | None:
        """Changes an active booking if it is still the version that was read; None if it is not.

        After an open failure the document is read back: if this very entry is in its history, our write was made; if
        its version has moved on without that, it never will be.
        Raises ClaimsTaken when the change takes a claim of another booking; NothingSent or WriteRefused when it was
        definitely not made; StoreUnavailable when its outcome is unknown.
        """
        query = {"_id": old.booking_id, "org": old.org, "version": old.version, "active": True}
        change = {
            "$set": {**fields, "version": old.version + 1, "updated_at": entry["at"]},
            "$push": {"history": entry},
        }
        with pymongo.timeout(WRITE_SECONDS):
            try:
                after = ReturnDocument.AFTER
                document = self._bookings.find_one_and_update(query, change, return_document=after)
                return booking_of(document) if document else None
            except DuplicateKeyError as error:
                raise ClaimsTaken from error
            except ServerSelectionTimeoutError as error:
                raise NothingSent from error
            except OperationFailure as error:
                if error.code in DEFINITELY_REFUSED:
                    raise WriteRefused from error
                return self._change_read_back(old, entry, error)
            except PyMongoError as error:
                return self._change_read_back(old, entry, error)

    def _change_read_back(self, old: Booking, entry: Document, cause: PyMongoError) -> Booking | None:
        found = self._read_back(old, cause)
        if entry in found.history:
            return found
        if found.version > old.version:
            return None
        raise StoreUnavailable from cause


def _overdue(now: datetime) -> Document:
    return {"status": "pending", "reserved_until": {"$lte": now}}


def _touches(resource: str, from_tick: int, to_tick: int) -> Document:
    return {"claims": {"$elemMatch": {"resource": resource, "tick": {"$gte": from_tick, "$lt": to_tick}}}}
