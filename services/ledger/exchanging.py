"""Changes two bookings that take each other's claims, in one transaction of MongoDB: both or neither.

The unique index sees each write of the transaction. So the first booking lets its technicians go, the second takes
them, and then the first takes those of the second. Until the commit no one else sees any of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import structlog
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from models.booking import Booking
from models.errors import StoreUnavailable
from models.slot import PROPERTY
from services.crash_points import CrashPoints
from services.ledger.documents import booking_of
from services.ledger.outcomes import DEFINITELY_REFUSED, ClaimsTaken, NothingSent, Unclear, WriteRefused
from services.ledger.store import BookingStore
from services.ledger.transactions import in_transaction
from services.ledger.versions import is_made, next_version
from services.stores.connections import Document
from services.stores.faults import mongo_faults

log = structlog.get_logger()

DUPLICATE_KEY: Final = 11000


class Change(NamedTuple):
    """What to change of a booking, `old` being the version that was read. noted: the entry for its history."""

    old: Booking
    fields: Document
    noted: Document


Both = tuple[Booking, Booking]


class Exchanging:
    """Writes two bookings at once. crash: what a test may do before the commit."""

    def __init__(self, db: Database[Document], store: BookingStore, crash: CrashPoints) -> None:
        self._client = db.client
        self._store = store
        self._bookings = db["bookings"]
        self._crash = crash

    def exchange(self, first: Change, second: Change) -> Both | None:
        """Both bookings as they are then; None if one of them is no longer the active version that was read.

        After a commit with an unknown outcome it reads the first booking back, as BookingStore.update does.
        Raises ClaimsTaken if another booking has one of the new claims; NothingSent or WriteRefused if the change was
        definitely not made; StoreUnavailable if its outcome is unknown.
        """
        made: list[Both] = []

        def work(session: ClientSession) -> None:
            made[:] = [self._write(first, second, session)]
            self._crash("after_swap_written")

        try:
            in_transaction(self._client, work, self._store.write_seconds)
        except _AnotherVersion:
            return None
        except BulkWriteError as error:
            refusal = _refusal(error)
            if refusal is None:
                return None
            raise refusal from error
        except Unclear as error:
            return made[0] if self._is_made(first, error) else None
        return made[0]

    def _write(self, first: Change, second: Change, session: ClientSession) -> Both:
        writes = writes_of(first, second)
        if self._bookings.bulk_write(writes, session=session).matched_count < len(writes):
            raise _AnotherVersion
        ids = [each.old.booking_id for each in (first, second)]
        found = {each["_id"]: each for each in self._bookings.find({"_id": {"$in": ids}}, session=session)}
        return booking_of(found[ids[0]]), booking_of(found[ids[1]])

    def _is_made(self, change: Change, cause: Unclear) -> bool:
        """Whether a change was made; False if it can no longer be made. Raises StoreUnavailable if that is open."""
        old = change.old
        log.warning("swap_read_back", org=old.org, booking_id=old.booking_id)
        with mongo_faults():
            document = self._bookings.find_one({"_id": old.booking_id, "org": old.org})
        found = booking_of(document) if document else None
        if found and is_made(old, change.noted, found):
            return True
        if found and found.version > old.version:
            return False
        raise StoreUnavailable from cause


class _AnotherVersion(Exception):
    """One of the bookings is no longer the active version that was read."""


def writes_of(first: Change, second: Change) -> list[UpdateOne]:
    """The writes of a transaction, in an order that the unique index allows."""
    site = [claim for claim in first.old.claims if claim[0].startswith(f"{PROPERTY}:")]
    # The validator demands two claims of an active booking. A visit may have but one at its property.
    alone = [{"resource": resource, "tick": tick} for resource, tick in (*site, site[0])]
    return [
        UpdateOne(_as_read(first), {"$set": {"claims": alone}}),
        *(UpdateOne(_as_read(each), next_version(*each)) for each in (second, first)),
    ]


def _as_read(change: Change) -> Document:
    old = change.old
    return {"_id": old.booking_id, "org": old.org, "version": old.version, "active": True}


def _refusal(error: BulkWriteError) -> Exception | None:
    """Why MongoDB refused a write; None: a booking is no longer the version that was read."""
    details = error.details
    (refused,) = details["writeErrors"]  # the writes are in order, so they end with the first that fails
    if refused["code"] == DUPLICATE_KEY:
        # Where an earlier write found nothing to change, its booking still has the claims.
        return ClaimsTaken() if details["nMatched"] == refused["index"] else None
    return WriteRefused() if refused["code"] in DEFINITELY_REFUSED else NothingSent()
