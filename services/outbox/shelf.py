"""The entries of the outbox as people see them: lists, sending one again, counts, and removal of personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.cursor import Cursor
from pymongo.database import Database

from services.outbox.entries import Body, Channel, State
from services.outbox.schema import NEWEST_FIRST, OPEN
from services.outbox.store import OUTBOX
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import bad_cursor, read_cursor, write_cursor

MOST_COUNTED: Final = 1_000_000
_EPOCH, _MILLISECOND = datetime.fromtimestamp(0, UTC), timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it is kept. due: of one that is open. detail: how the last attempt ended."""

    id: str
    org: str
    booking_id: str
    version: int
    kind: str
    channel: Channel
    receiver: str
    body: Body
    state: State
    attempts: int
    due: datetime | None
    created_at: datetime
    finished_at: datetime | None
    detail: Body


class OutboxShelf:
    """The entries of all orgs. Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._entries = db[OUTBOX]

    def page(
        self, org: str, receiver: str, state: State | None, limit: int, cursor: str | None
    ) -> tuple[list[Kept], str | None]:
        """One page of a receiver's entries, the newest first, and the cursor of the next one or None.

        Raises InvalidRequest for a cursor that no list gave.
        """
        wanted: Document = {"org": org, "receiver": receiver}
        if state is not None:
            wanted["state"] = state
        return self._page(wanted, "by_receiver" if state is None else "by_state", limit, cursor)

    def messages(
        self,
        org: str,
        channels: Sequence[Channel],
        limit: int,
        cursor: str | None,
        *,
        booking_id: str | None = None,
        kind: str | None = None,
    ) -> tuple[list[Kept], str | None]:
        """As `page`, of messages to customers. Those of an erased booking are found by its id alone."""
        wanted: Document = {"org": org, "channel": {"$in": list(channels)}}
        if kind is not None:
            wanted["kind"] = kind
        if booking_id is not None:
            return self._page({**wanted, "booking_id": booking_id}, "by_booking", limit, cursor)
        wanted["receiver"] = wanted["channel"]
        return self._page(wanted, "by_receiver" if kind is None else "by_kind", limit, cursor)

    def _page(self, wanted: Document, index: str, limit: int, cursor: str | None) -> tuple[list[Kept], str | None]:
        with mongo_faults():
            kept = [_kept(each) for each in self._documents(wanted, index, limit + 1, cursor)]
        return kept[:limit], _write_end(kept[limit - 1]) if len(kept) > limit else None

    def _documents(self, wanted: Document, index: str, most: int, cursor: str | None) -> Cursor[Document]:
        if cursor is not None:
            at, last = _read_end(cursor)
            wanted = {**wanted, "created_at": {"$lte": at}, "$nor": [{"created_at": at, "_id": {"$gte": last}}]}
        return self._entries.find(wanted).hint(index).sort(NEWEST_FIRST).limit(most)

    def find(self, org: str, channels: Sequence[Channel], entry_id: str) -> Kept | None:
        """An entry of some channels; None if there is no such entry."""
        with mongo_faults():
            found = self._entries.find_one({"_id": entry_id, "org": org, "channel": {"$in": list(channels)}})
        return _kept(found) if found else None

    def send_again(self, org: str, receiver: str, entry_id: str, **noted: bool) -> Kept | None:
        """Makes an entry due now, whatever became of it, and gives it; None if there is no such entry.

        One that had ended is sent out of order and has all its time again. One that is being sent just now stays so.
        noted: what the body of one that had ended says from now on.
        """
        named = {"_id": entry_id, "org": org, "receiver": receiver}
        anew = {"open": True, "state": "waiting", "due": "$$NOW", "attempts": 0, "give_up": None, "lane": None}
        anew |= {f"body.{name}": value for name, value in noted.items()}
        changes: tuple[tuple[Document, list[Document]], ...] = (
            ({**named, "open": False}, [{"$set": anew}, {"$unset": "finished_at"}]),
            ({**named, "open": True, "leased_by": None}, [{"$set": {"due": {"$min": ["$due", "$$NOW"]}}}]),
        )
        with mongo_faults():
            for query, change in changes:
                found = self._entries.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
                if found:
                    return _kept(found)
            found = self._entries.find_one(named)
        return _kept(found) if found else None

    def forget_answers(self, org: str, booking_ids: Sequence[str]) -> int:
        """Removes what receivers answered about some bookings (or waitlist entries), because personal data of those may
        be in it, and gives how many answers that were. Nothing else of an entry holds any."""
        about: Document = {"org": org, "booking_id": {"$in": list(booking_ids)}, "detail.body": {"$gt": ""}}
        with mongo_faults():
            return self._entries.update_many(about, {"$unset": {"detail.body": ""}}).modified_count

    def counts(self) -> dict[str, int]:
        """How many entries wait, and how many could not be sent; at most a million of each are counted."""
        with mongo_faults():
            waiting = self._entries.count_documents(OPEN, limit=MOST_COUNTED)
            dead = self._entries.count_documents({"state": "dead"}, limit=MOST_COUNTED)
        return {"waiting": waiting, "dead": dead}


def _kept(document: Document) -> Kept:
    names = ("org", "booking_id", "version", "kind", "channel", "receiver", "body", "state", "attempts", "created_at")
    values: dict[str, Any] = {name: document[name] for name in names}
    return Kept(
        id=document["_id"],
        due=document["due"] if document["open"] else None,
        finished_at=document.get("finished_at"),
        detail=document["detail"],
        **values,
    )


def _write_end(last: Kept) -> str:
    return write_cursor(str((last.created_at - _EPOCH) // _MILLISECOND), last.id)


def _read_end(cursor: str) -> tuple[datetime, str]:
    milliseconds, entry_id = read_cursor(cursor, 2)
    try:
        return _EPOCH + int(milliseconds) * _MILLISECOND, entry_id
    except (ValueError, OverflowError):
        raise bad_cursor() from None
