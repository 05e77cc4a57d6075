"""The entries of the outbox in MongoDB: made once each, leased, and ended.

A lease puts the `due` of an entry into the future and carries a name. Only its holder ends the attempt. An entry whose
holder died is due again when its lease is over. Only MongoDB's clock decides that.

Entries of one booking for one webhook are in one lane. The open one with the lowest version is sent; those behind it
are due after it, and the end of the one before brings each forward.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, ReturnDocument, UpdateOne
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from services.clock import Clock
from services.outbox.entries import Body, Entry, NewEntry, State
from services.outbox.schema import INDEXES, OPEN
from services.outbox.shares import queue_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults

LEASE_SECONDS: Final = 60.0
"""Longer than any courier needs for one entry."""
TRY_FOR_SECONDS: Final = 24 * 3600.0
"""How long an entry is tried after its first failure. Then it is dead."""
BEHIND_MS: Final = 1000
"""So much later than the one before it an entry of a lane is due, unless it is brought forward."""
DUPLICATE_KEY: Final = 11000
OUTBOX: Final = "outbox"
_IS_DUE: Final[Document] = {**OPEN, "$expr": {"$lte": ["$due", "$$NOW"]}}


@dataclass(frozen=True, slots=True)
class Leased:
    """An entry to send now, and the lease under which that is done. lane: None for an entry that has no order."""

    entry: Entry
    lease: str
    lane: str | None


class OutboxStore:
    """The entries of all orgs. Everything may raise StoreUnavailable; after that a change may or may not be made."""

    def __init__(
        self,
        db: Database[Document],
        clock: Clock,
        *,
        lease_seconds: float = LEASE_SECONDS,
        try_for_seconds: float = TRY_FOR_SECONDS,
    ) -> None:
        self._entries = db[OUTBOX]
        self._clock = clock
        self._lease_ms = round(lease_seconds * 1000)
        self._try_for_ms = round(try_for_seconds * 1000)

    def prepare(self) -> None:
        """Creates the indexes, if they are not there yet."""
        with mongo_faults():
            self._entries.create_indexes(INDEXES)

    def insert(self, entries: Sequence[NewEntry]) -> int:
        """Makes the entries that do not exist yet, one after the other, and gives their number."""
        if not entries:
            return 0
        now = self._clock()
        with mongo_faults():
            try:
                made = self._entries.insert_many([_document_of(each, now) for each in entries], ordered=False)
            except BulkWriteError as error:
                if any(each["code"] != DUPLICATE_KEY for each in error.details["writeErrors"]):
                    raise
                return int(error.details["nInserted"])
        return len(made.inserted_ids)

    def queues(self) -> list[str]:
        """The queues that have open entries, sorted."""
        with mongo_faults():
            return sorted(self._entries.distinct("queue", OPEN))

    def lease(self, queue: str, most: int) -> list[Leased]:
        """Leases up to `most` entries of a queue that are due, of each lane only the first open one."""
        lease = secrets.token_hex(8)
        with mongo_faults():
            ids = [each["_id"] for each in self._due(queue, most)]
            if not ids:
                return []
            mine = {"due": {"$add": ["$$NOW", self._lease_ms]}, "leased_by": lease}
            self._entries.update_many({"_id": {"$in": ids}, **_IS_DUE}, [{"$set": mine}])
            found = list(self._entries.find({"_id": {"$in": ids}, "leased_by": lease}))
            firsts = self._firsts([each["lane"] for each in found if each["lane"]])
            behind = [each for each in found if firsts.get(each["lane"], each)["_id"] != each["_id"]]
            if behind:
                self._entries.bulk_write([_put_behind(each, firsts[each["lane"]]) for each in behind], ordered=False)
        return [Leased(_entry_of(each), lease, each["lane"]) for each in found if each not in behind]

    def finish(self, leased: Leased, state: State, detail: Body) -> bool:
        """Ends an entry for good. False if the lease was over, and another has it by now."""
        ended = {"open": False, "state": state, "finished_at": "$$NOW", **_attempt(detail)}
        return self._end(leased, [{"$set": ended}]) is not None

    def try_again(self, leased: Leased, detail: Body, after_seconds: float) -> State | None:
        """Lets an entry be sent again later, but not after its last hour: then it is dead. None as in `finish`."""
        later = {"$add": ["$$NOW", round(after_seconds * 1000)]}
        over = {"$gte": ["$$NOW", "$give_up"]}
        return self._end(
            leased,
            [
                {"$set": {"give_up": {"$ifNull": ["$give_up", {"$add": ["$$NOW", self._try_for_ms]}]}}},
                {
                    "$set": {
                        **_attempt(detail),
                        "due": {"$min": [later, "$give_up"]},
                        "open": {"$not": over},
                        "state": {"$cond": [over, "dead", "waiting"]},
                        "finished_at": {"$cond": [over, "$$NOW", "$$REMOVE"]},
                    }
                },
            ],
        )

    def put_off(self, leased: Leased, until: datetime) -> State | None:
        """Gives an entry back untried, to be sent at a later time. None as in `finish`."""
        return self._end(leased, [{"$set": {"due": until, "leased_by": None}}])

    def _due(self, queue: str, most: int) -> Cursor[Document]:
        due = self._entries.find({**_IS_DUE, "queue": queue}, {"_id": 1}).hint("due")
        return due.sort("due", ASCENDING).limit(most)

    def _end(self, leased: Leased, change: list[Document]) -> State | None:
        query = {"_id": leased.entry.id, "leased_by": leased.lease}
        with mongo_faults():
            found = self._entries.find_one_and_update(
                query, change, {"state": 1, "open": 1}, return_document=ReturnDocument.AFTER
            )
            if found and not found["open"]:
                self._bring_forward(leased)
        return found["state"] if found else None

    def _bring_forward(self, leased: Leased) -> None:
        """Makes the next entry of the lane due. Where that is missed, it becomes due by itself."""
        if leased.lane:
            following = {**OPEN, "lane": leased.lane, "leased_by": None}
            due_now = [{"$set": {"due": {"$min": ["$due", "$$NOW"]}}}]
            self._entries.find_one_and_update(following, due_now, {"_id": 1}, sort=[("version", ASCENDING)])

    def _firsts(self, lanes: list[str]) -> dict[str, Document]:
        """The `_id` and `due` of the first open entry of each lane."""
        if not lanes:
            return {}
        steps: list[Document] = [
            {"$match": {**OPEN, "lane": {"$in": lanes}}},
            {"$sort": {"lane": 1, "version": 1}},
            {"$group": {"_id": "$lane", "first": {"$first": {"_id": "$_id", "due": "$due"}}}},
        ]
        return {each["_id"]: each["first"] for each in self._entries.aggregate(steps, hint="lanes")}


def _document_of(entry: NewEntry, now: datetime) -> Document:
    is_webhook = entry.channel == "webhook"
    return {
        "_id": entry.entry_id,
        **{name: getattr(entry, name) for name in _FIELDS},
        "queue": queue_of(entry.org, entry.receiver) if is_webhook else entry.channel,
        "lane": f"{entry.receiver}/{entry.booking_id}" if is_webhook else None,
        "open": True,
        "state": "waiting",
        "attempts": 0,
        "leased_by": None,
        "give_up": None,
        "detail": {},
        "created_at": now,
    }


_FIELDS: Final = ("org", "booking_id", "version", "kind", "channel", "receiver", "due", "body")


def _entry_of(document: Document) -> Entry:
    values: dict[str, Any] = {name: document[name] for name in (*_FIELDS, "attempts", "created_at")}
    return Entry(id=document["_id"], **values)


def _attempt(detail: Body) -> Document:
    return {"attempts": {"$add": ["$attempts", 1]}, "leased_by": None, "detail": {"$literal": detail}}


def _put_behind(entry: Document, first: Document) -> UpdateOne:
    after = {"$add": [{"$max": [first["due"], "$$NOW"]}, BEHIND_MS]}
    query = {"_id": entry["_id"], "leased_by": entry["leased_by"]}
    return UpdateOne(query, [{"$set": {"due": after, "leased_by": None}}])
