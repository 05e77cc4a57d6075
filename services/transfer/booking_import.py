"""Writes bookings that were made in another system, in batches. The unique index guards each one, as any booking.

Does not check the rules of the policy, because the customers have these visits already. Must not decide which rows of
a file are valid; `services.sheets` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from models.booking import Booking
from models.errors import StoreUnavailable
from models.slot import PROPERTY, Visit
from services.claims.mirror import Mirror
from services.clock import Clock
from services.ledger.documents import booking_of, document_of
from services.ledger.schema import GUARD
from services.ledger.store import BookingStore
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import SLOT, Grid
from services.timetable.rules import LONGEST_VISIT
from services.transfer.batches import Added, Refused

log = structlog.get_logger("holdfast.bookings")

DUPLICATE_KEY = 11000
READ_BATCH = 5000


class NotPrepared(Exception):
    """The database is not prepared for bookings. The message says what to do."""


def require_prepared(db: Database[Document]) -> int:
    """The minutes of the grid that the database was prepared for.

    Raises NotPrepared (no grid, or no unique index), StoreUnavailable.
    """
    with mongo_faults():
        grid = db["meta"].find_one({"_id": "grid"})
        indexes = db["bookings"].index_information() if grid else {}
    if grid is None or GUARD not in indexes:
        raise NotPrepared(
            f"The database {db.name} is not prepared: run `python -m scripts.prepare`, or correct the address."
        )
    return int(grid["minutes"])


class BookingImport:
    """Reads bookings and adds missing ones. Everything may raise StoreUnavailable; repeating a call is harmless."""

    def __init__(
        self,
        db: Database[Document],
        store: BookingStore,
        mirror: Mirror,
        grid: Grid,
        clock: Clock,
        *,
        units: Callable[[str, Sequence[str]], Iterable[tuple[str, str]]],
    ) -> None:
        """units: (unit, building) of some buildings of an org."""
        self._bookings = db["bookings"]
        self._store = store
        self._mirror = mirror
        self._grid = grid
        self._clock = clock
        self._units = units

    def find(self, booking_ids: Sequence[str]) -> dict[str, Booking]:
        """The bookings with these ids that exist, of every org, by id."""
        with mongo_faults():
            return {
                document["_id"]: booking_of(document)
                for document in self._bookings.find({"_id": {"$in": list(booking_ids)}})
            }

    def active_around(self, org: str, first: datetime, last: datetime) -> Iterator[tuple[str, Visit]]:
        """Streams (booking id, visit) of every active booking that may overlap one that starts in [first, last]."""
        reach = {"$gte": first - LONGEST_VISIT, "$lte": last + LONGEST_VISIT}
        query = {"org": org, "active": True, "start": reach}
        wanted = {**dict.fromkeys(SLOT, 1), "resources": {"$setUnion": ["$claims.resource", []]}}
        with mongo_faults(), self._bookings.find(query, wanted, batch_size=READ_BATCH).hint("by_start") as found:
            for each in found:
                yield each["_id"], self._visit_of(each, each["resources"])

    def add(self, org: str, bookings: Sequence[Booking]) -> Added:
        """Inserts the bookings whose ids are not there. Mirrors those that are not over, so that holds respect them.

        Mirrors bookings that are there too, because an earlier run may have died before it did. While Redis is away,
        the mirroring is left to the relay.
        """
        self._store.check_grid()
        bookings = self._with_units(org, bookings)
        there = self._versions([booking.booking_id for booking in bookings])
        errors = self._insert([booking for booking in bookings if booking.booking_id not in there])
        there |= self._versions([booking_id for booking_id, code in errors.items() if code == DUPLICATE_KEY])
        refused, fresh, present = [], [], 0
        for booking in bookings:
            known = there.get(booking.booking_id)
            if known is not None and known["org"] != org:
                refused.append(Refused(booking.booking_id, "another_org"))
            elif known is not None:
                present += 1
            elif booking.booking_id in errors:
                refused.append(self._refusal(booking, errors[booking.booking_id]))
            else:
                fresh.append(booking)
        left = self._settle(fresh, [document for document in there.values() if document["org"] == org])
        return Added(len(fresh), present, refused, left_to_relay=left)

    def _with_units(self, org: str, bookings: Sequence[Booking]) -> list[Booking]:
        """The bookings with the claims of the units that their buildings have now."""
        places, units = {each.property_id for each in bookings if each.active}, dict[str, list[str]]()
        for unit, building in self._units(org, sorted(places)) if places else ():
            units.setdefault(building, []).append(f"{PROPERTY}:{unit}")
        return [self._with_claims(each, units.get(each.property_id, []) if each.active else []) for each in bookings]

    def _with_claims(self, booking: Booking, units: list[str]) -> Booking:
        if not units:
            return booking
        return booking.changed(claims=tuple(self._visit_of(_slot_of(booking), units).claims()))

    def _visit_of(self, slot: Mapping[str, Any], resources: Iterable[str]) -> Visit:
        """The visit of a slot that has some resources, with those of them that are units."""
        kind, own = f"{PROPERTY}:", slot["property_id"]
        names = sorted({each.removeprefix(kind) for each in resources if each.startswith(kind)} - {own})
        return replace(self._grid.visit_of(slot), units=tuple(names))

    def _versions(self, booking_ids: list[str]) -> dict[str, Document]:
        if not booking_ids:
            return {}
        wanted = ("org", "version", "active", "end", "buffer_after_minutes")
        with mongo_faults():
            return {each["_id"]: each for each in self._bookings.find({"_id": {"$in": booking_ids}}, wanted)}

    def _insert(self, bookings: list[Booking]) -> dict[str, int]:
        """MongoDB's error code by booking id, for each booking that was not written."""
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
        visit = self._visit_of(_slot_of(booking), (resource for resource, _ in booking.claims))
        blockers = self._store.blockers(booking.org, visit)
        return Refused(booking.booking_id, "taken", tuple(sorted(each.booking_id for each in blockers)))

    def _settle(self, fresh: list[Booking], there: list[Document]) -> int:
        """Mirrors the bookings that are not over. Returns the number of those that Redis did not take."""
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


def _slot_of(booking: Booking) -> dict[str, Any]:
    return {name: getattr(booking, name) for name in SLOT}
