"""Bookings that were made elsewhere: written in batches, each guarded by the unique index like any other booking.

The rules of policy are not asked: these visits are agreed on already. What an installation must be for it is checked by
`require_prepared`. Nothing here decides which rows of a file are good; `scripts.carry` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from models.booking import Booking
from models.errors import StoreUnavailable
from models.slot import Visit
from services.claims.mirror import Mirror
from services.ledger.documents import booking_of, document_of
from services.ledger.schema import GUARD
from services.ledger.store import BookingStore
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import Grid
from services.timetable.rules import LONGEST_VISIT

log = structlog.get_logger("holdfast.bookings")

DUPLICATE_KEY = 11000
READ_BATCH = 5000
_SLOT = ("property_id", "technician_id", "start", "end", "buffer_before_minutes", "buffer_after_minutes")


class NotPrepared(Exception):
    """This database is not one that bookings may be written into; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A booking that was not written.

    taken: the index refused it; `by` are the ids of the bookings in its way, as far as they are still there.
    another: its id belongs to another org's booking. invalid: MongoDB's validator refused it, a fault of ours.
    """

    booking_id: str
    why: Literal["taken", "another", "invalid"]
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one batch. present: were there already; left_to_relay: are not mirrored yet."""

    inserted: int
    present: int
    refused: list[Refused]
    left_to_relay: int


def require_prepared(db: Database[Document]) -> int:
    """The grid's minutes, which the database remembers. Raises NotPrepared where the guard is missing;
    StoreUnavailable."""
    with mongo_faults():
        grid = db["meta"].find_one({"_id": "grid"})
        indexes = db["bookings"].index_information() if grid else {}
    if grid is None or GUARD not in indexes:
        raise NotPrepared(
            f"The database {db.name} is not prepared: run `python -m scripts.prepare`, or look at the address."
        )
    return int(grid["minutes"])


def visit_of(booking: Booking, grid: Grid) -> Visit:
    """The ticks that a booking takes while it is active."""
    return Visit(
        booking.property_id,
        booking.technician_id,
        grid.tick(booking.start),
        grid.tick(booking.end),
        grid.ticks(booking.buffer_before_minutes),
        grid.ticks(booking.buffer_after_minutes),
    )


class BookingImport:
    """Reads what is there, adds what is not. Everything may raise StoreUnavailable; the same call again is harmless."""

    def __init__(
        self, db: Database[Document], store: BookingStore, mirror: Mirror, grid: Grid, clock: Callable[[], datetime]
    ) -> None:
        self._bookings = db["bookings"]
        self._store = store
        self._mirror = mirror
        self._grid = grid
        self._clock = clock

    def find(self, booking_ids: Sequence[str]) -> dict[str, Booking]:
        """Those of some bookings that exist, in whatever org, by id."""
        with mongo_faults():
            return {
                document["_id"]: booking_of(document)
                for document in self._bookings.find({"_id": {"$in": list(booking_ids)}})
            }

    def active_around(self, org: str, first: datetime, last: datetime) -> Iterator[tuple[str, Visit]]:
        """(booking id, visit) of every active booking that could touch one that starts in [first, last]. Streamed."""
        reach = {"$gte": first - LONGEST_VISIT, "$lte": last + LONGEST_VISIT}
        query = {"org": org, "active": True, "start": reach}
        with mongo_faults(), self._bookings.find(query, _SLOT, batch_size=READ_BATCH).hint("by_start") as found:
            for each in found:
                start, end = self._grid.tick(each["start"]), self._grid.tick(each["end"])
                before, after = (self._grid.ticks(each[f"buffer_{side}_minutes"]) for side in ("before", "after"))
                yield each["_id"], Visit(each["property_id"], each["technician_id"], start, end, before, after)

    def add(self, org: str, bookings: Sequence[Booking]) -> Added:
        """Inserts those that are not there by id, and mirrors what is still to come, so that holds know of it at once.

        Also of what was there: an earlier run may have died between the two. While Redis is away the relay does it.
        """
        self._store.check_grid()
        there = self._versions([booking.booking_id for booking in bookings])
        errors = self._insert([booking for booking in bookings if booking.booking_id not in there])
        there |= self._versions([booking_id for booking_id, code in errors.items() if code == DUPLICATE_KEY])
        refused, fresh, present = [], [], 0
        for booking in bookings:
            known = there.get(booking.booking_id)
            if known is not None and known["org"] != org:
                refused.append(Refused(booking.booking_id, "another"))
            elif known is not None:
                present += 1
            elif booking.booking_id in errors:
                refused.append(self._refusal(booking, errors[booking.booking_id]))
            else:
                fresh.append(booking)
        left = self._settle(fresh, [document for document in there.values() if document["org"] == org])
        return Added(len(fresh), present, refused, left)

    def _versions(self, booking_ids: list[str]) -> dict[str, Document]:
        if not booking_ids:
            return {}
        wanted = ("org", "version", "active", "end", "buffer_after_minutes")
        with mongo_faults():
            return {each["_id"]: each for each in self._bookings.find({"_id": {"$in": booking_ids}}, wanted)}

    def _insert(self, bookings: list[Booking]) -> dict[str, int]:
        """MongoDB's error code for each booking that was not written."""
        if not bookings:
            return {}
        with mongo_faults():
            try:
                self._bookings.insert_many([document_of(booking) for booking in bookings], ordered=False)
            except BulkWriteError as error:
                details = error.details or {}
                if details.get("writeConcernErrors"):
                    raise StoreUnavailable from error
                return {bookings[each["index"]].booking_id: each["code"] for each in details.get("writeErrors", ())}
        return {}

    def _refusal(self, booking: Booking, code: int) -> Refused:
        if code != DUPLICATE_KEY:
            log.error("import_refused", booking_id=booking.booking_id, store_code=code)
            return Refused(booking.booking_id, "invalid")
        blockers = self._store.blockers(booking.org, visit_of(booking, self._grid))
        return Refused(booking.booking_id, "taken", tuple(sorted(each.booking_id for each in blockers)))

    def _settle(self, fresh: list[Booking], there: list[Document]) -> int:
        """Mirrors what is still to come; says of how many Redis did not take the marks."""
        coming = [each for each in fresh if self._is_coming(each.active, each.end, each.buffer_after_minutes)]
        known = [each for each in there if self._is_coming(each["active"], each["end"], each["buffer_after_minutes"])]
        mirrored = 0
        try:
            versions = self._mirror.versions([(each["org"], each["_id"]) for each in known])
            behind = [each for each, version in zip(known, versions, strict=True) if version < each["version"]]
            mirrored = len(known) - len(behind)
            for booking in (*(self._store.find(each["org"], each["_id"]) for each in behind), *coming):
                if booking is not None:
                    self._mirror.settle(booking)
                mirrored += 1
        except StoreUnavailable:
            left = len(known) + len(coming) - mirrored
            log.warning("mirror_left_to_relay", bookings=left)
            return left
        return 0

    def _is_coming(self, active: bool, end: datetime, buffer_after_minutes: int) -> bool:
        return active and end + timedelta(minutes=buffer_after_minutes) > self._clock()
