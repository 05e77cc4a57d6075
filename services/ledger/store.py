"""Reads and writes bookings in MongoDB, under the final guard against double booking.

The guard is one unique multikey index over (org, claims.resource, claims.tick) of active bookings: MongoDB refuses an
insert if another booking has any single claim of it. A booking is one document, so MongoDB writes all of it or nothing.
Only this module, its `writer` and `services.transfer.booking_import` write bookings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

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
)
from pymongo.read_concern import ReadConcern

from models.booking import Booking
from models.errors import StoreUnavailable
from models.slot import Visit
from services.claims.keys import Mark
from services.crash_points import CrashPoints, survive
from services.ledger.crews import fill_in_crews
from services.ledger.documents import booking_of, difference, document_of
from services.ledger.filling import fill_in
from services.ledger.outcomes import (
    DEFINITELY_REFUSED,
    ClaimsTaken,
    GridChanged,
    Insert,
    NothingSent,
    Unclear,
    WriteRefused,
)
from services.ledger.persons import customer_key, fill_in_persons, persons_in
from services.ledger.schema import BOOKING_INDEXES, VALIDATOR
from services.ledger.search import fill_in_search
from services.ledger.versions import OVERDUE, fill_in_changed, is_made, next_version
from services.ledger.writer import Writer, unnoted
from services.settings import DEFAULTS
from services.stores.connections import Document
from services.stores.faults import mongo_faults

log = structlog.get_logger()

CERTAIN_SECONDS = 5.0
LONGEST_WRITE_SECONDS: Final = 5.0
"""A document may wait so long for its batch, and then the batch takes so long: the confirm window has room for both."""
NOTHING_ELSE: Final[Document] = {}


class BookingStore:
    """Bookings in MongoDB. crash: what a test may do between an insert and its answers.

    write_seconds: bounds one write and its reading back, up to LONGEST_WRITE_SECONDS.
    """

    write_seconds: float = DEFAULTS.mongo_seconds

    def __init__(
        self,
        db: Database[Document],
        grid_minutes: int,
        crash: CrashPoints = survive,
        note_batch: Callable[[int], None] = unnoted,
        write_seconds: float | None = None,
    ) -> None:
        self._db = db
        if write_seconds is not None:
            self.write_seconds = min(write_seconds, LONGEST_WRITE_SECONDS)
        self._bookings = db["bookings"]
        self._writer = Writer(self._bookings, crash, note_batch)
        self._grid_minutes = grid_minutes
        self._grid_is_ours = False

    def prepare(self) -> None:
        """Creates the collection, its validator and its indexes; does no harm where they exist. StoreUnavailable."""
        with mongo_faults():
            try:
                self._db.create_collection("bookings", validator=VALIDATOR)
            except (CollectionInvalid, OperationFailure):
                self._db.command("collMod", "bookings", validator=VALIDATOR)
            self._bookings.create_indexes(BOOKING_INDEXES)
            fill_in_persons(self._bookings)
            fill_in_changed(self._bookings)
            fill_in_search(self._bookings)
            fill_in_crews(self._bookings)
            fill_in(self._bookings, "customer_key", lambda each: customer_key(each["customer"]))

    def check_grid(self) -> None:
        """Compares the database's grid with ours, until they agree once. Raises GridChanged, StoreUnavailable."""
        if self._grid_is_ours:
            return
        with mongo_faults():
            found = self._db["meta"].find_one({"_id": "grid"})
        if found and found["minutes"] != self._grid_minutes:
            log.error("grid_changed", configured=self._grid_minutes, database=found["minutes"])
            raise GridChanged(found["minutes"])
        self._grid_is_ours = True

    def insert(self, booking: Booking) -> Insert:
        """Writes a booking, and returns once a majority has it in its journal.

        After a failure with an unknown outcome it reads the booking back by _id. Raises StoreUnavailable if that fails
        too, and then the booking may exist or come to exist; NothingSent, GridChanged or WriteRefused if it does not.
        """
        self.check_grid()
        with pymongo.timeout(self.write_seconds):
            try:
                self._writer.insert(document_of(booking), self.write_seconds)
                return Insert("inserted")
            except DuplicateKeyError as error:
                return self._duplicate(booking, error)
            except Unclear as error:
                return Insert("inserted", self._read_back(booking, error))

    def _duplicate(self, booking: Booking, error: DuplicateKeyError) -> Insert:
        found = self.find(booking.org, booking.booking_id)
        if found:
            return Insert("repeated", found)
        if "_id" in ((error.details or {}).get("keyPattern") or {}):
            raise StoreUnavailable from error
        return Insert("taken")

    def _read_back(self, booking: Booking, cause: Exception) -> Booking:
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
        """As `find`, but None means that no write sent earlier can still make the booking appear.

        It is slower, because it asks a majority, so it is for background work. Raises StoreUnavailable.
        """
        linearizable = self._bookings.with_options(read_concern=ReadConcern("linearizable"))
        with mongo_faults(), pymongo.timeout(CERTAIN_SECONDS):
            document = linearizable.find_one({"_id": booking_id, "org": org})
        return booking_of(document) if document else None

    def blockers(self, org: str, visit: Visit) -> list[Booking]:
        """The active bookings that have any of a visit's claims, overdue reservations too. Raises StoreUnavailable."""
        query = {"org": org, "active": True, "$or": [_touches(*span) for span in visit.spans()]}
        with mongo_faults():
            return [booking_of(document) for document in self._bookings.find(query)]

    def active_marks(self, org: str, resources: list[str], from_tick: int, to_tick: int) -> dict[str, list[Mark]]:
        """What active bookings take of some resources, of those that touch the ticks [from_tick, to_tick).

        It leaves out overdue reservations: a request for their slot expires them. Raises StoreUnavailable.
        """
        touched = {"$elemMatch": {"resource": {"$in": resources}, "tick": {"$gte": from_tick, "$lt": to_tick}}}
        query: Document = {"org": org, "active": True, "claims": touched, "$nor": [OVERDUE]}
        marks: dict[str, list[Mark]] = {resource: [] for resource in resources}
        with mongo_faults():
            for document in self._bookings.find(query, {"claims": 1}):
                ticks: dict[str, list[int]] = {}
                for claim in document["claims"]:
                    ticks.setdefault(claim["resource"], []).append(claim["tick"])
                for resource in ticks.keys() & marks.keys():
                    span = (min(ticks[resource]), max(ticks[resource]) + 1)
                    marks[resource].append(Mark("booked", document["_id"], *span))
        return marks

    def overdue(self, most: int) -> list[Booking]:
        """At most `most` overdue reservations of all orgs, the longest overdue first. Raises StoreUnavailable."""
        with mongo_faults():
            found = self._bookings.find(OVERDUE).hint("by_deadline").sort("reserved_until", ASCENDING).limit(most)
            return [booking_of(document) for document in found]

    def over_among(self, org: str, booking_ids: list[str]) -> list[Booking]:
        """Those of some bookings that have ended, and those that are overdue reservations. Raises StoreUnavailable."""
        if not booking_ids:
            return []
        over = {"$or": [{"active": False}, OVERDUE]}
        with mongo_faults():
            found = self._bookings.find({"_id": {"$in": booking_ids}, "org": org, **over})
            return [booking_of(document) for document in found]

    def current_from(self, org: str, moment: datetime) -> Iterator[Booking]:
        """Every booking of an org that starts at or after a moment, inactive ones first. Raises StoreUnavailable."""
        with mongo_faults():
            for active in (False, True):
                query = {"org": org, "active": active, "start": {"$gte": moment}}
                for document in self._bookings.find(query, batch_size=1000).hint("by_start"):
                    yield booking_of(document)

    def expire(self, old: Booking, fields: Document, noted: Document) -> Booking | None:
        """As `update`, and None also if the booking is no reservation that is overdue."""
        return self.update(old, fields, noted, OVERDUE)

    def update(
        self, old: Booking, fields: Document, noted: Document, also: Mapping[str, Any] = NOTHING_ELSE
    ) -> Booking | None:
        """Changes a booking and gives it as it is then; None if it is no longer the version `old`.

        noted: the entry for its history, to which MongoDB adds the time. also: what the booking has to match besides.
        After a failure with an unknown outcome it reads the booking back. If this entry is in its history, the change
        was made; if its version is a newer one without the entry, the change can no longer be made.
        Raises ClaimsTaken if another booking has one of the new claims; NothingSent or WriteRefused if the change was
        definitely not made; StoreUnavailable if its outcome is unknown.
        """
        query = {"_id": old.booking_id, "org": old.org, "version": old.version, "active": old.active, **also}
        if "persons" in fields:  # the history names the earlier ones from now on
            persons = sorted({*persons_in(old.customer, old.history), *fields["persons"]})
            fields = {**fields, "persons": persons}
        change = next_version(old, fields, noted)
        with pymongo.timeout(self.write_seconds):
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
                return self._change_read_back(old, noted, error)
            except PyMongoError as error:
                return self._change_read_back(old, noted, error)

    def rewrite(self, old: Booking, new: Booking, noted: Document) -> Booking | None:
        """Writes a booking anew, history and all, whether it is active or not; its visit and status stay.

        noted: as in `update`. Gives the next version, or None if `old` is no longer the present one. Raises
        StoreUnavailable: a repeat then finds out.
        """
        fields, _ = difference(old, new)
        query, after = {"_id": old.booking_id, "org": old.org, "version": old.version}, ReturnDocument.AFTER
        with mongo_faults(), pymongo.timeout(self.write_seconds):
            change = next_version(old, fields, noted)
            document = self._bookings.find_one_and_update(query, change, return_document=after)
        return booking_of(document) if document else None

    def of_person(self, org: str, persons: Iterable[str]) -> list[Booking]:
        """All bookings that hold data of a person, whom any of these keys names (`ledger.persons`), by start.

        Raises StoreUnavailable.
        """
        with mongo_faults():
            found = (
                self._bookings.find({"persons": {"$in": [*persons]}, "org": org})
                .hint("by_person")
                .sort([("start", ASCENDING), ("_id", ASCENDING)])
            )
            return [booking_of(document) for document in found]

    def _change_read_back(self, old: Booking, noted: Document, cause: PyMongoError) -> Booking | None:
        found = self._read_back(old, cause)
        if is_made(old, noted, found):
            return found
        if found.version > old.version:
            return None
        raise StoreUnavailable from cause


def _touches(resource: str, from_tick: int, to_tick: int) -> Document:
    return {"claims": {"$elemMatch": {"resource": resource, "tick": {"$gte": from_tick, "$lt": to_tick}}}}
