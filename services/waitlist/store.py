"""The only writer of the waitlist collection. Must not decide anything: what becomes of an entry its callers know.

Every change names the version of the entry that it was decided by, and is not made where that is no longer the newest.
So of two who want to change an entry at once, both look, one writes, and the other looks again.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from models.waitlist import IN_LINE, WaitEntry
from services.ledger.documents import change
from services.stores.connections import Document
from services.stores.faults import mongo_faults

WAITLIST = "waitlist"

_TEXT: Document = {"bsonType": "string", "minLength": 1}
_MOMENT: Document = {"bsonType": "date"}
_WHOLE: Document = {"bsonType": ["int", "long"], "minimum": 1}


def _needs(status: str, **properties: Document) -> Document:
    """An entry of this status has these properties."""
    other = {"properties": {"status": {"not": {"enum": [status]}}}}
    return {"anyOf": [other, {"required": list(properties), "properties": properties}]}


VALIDATOR: Document = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": [
            *("org", "made_by", "status", "property_id", "from", "to", "duration_minutes", "offer_minutes"),
            *("customer", "version", "unsettled", "created_at", "updated_at", "history"),
        ],
        "properties": {
            "org": _TEXT,
            "made_by": _TEXT,
            "status": {"enum": ["waiting", "offered", "booked", "lapsed", "cancelled"]},
            "property_id": _TEXT,
            "technician_id": {"anyOf": [_TEXT, {"bsonType": "null"}]},
            "from": _MOMENT,
            "to": _MOMENT,
            "duration_minutes": _WHOLE,
            "offer_minutes": _WHOLE,
            "customer": {"bsonType": "object"},
            "version": _WHOLE,
            "unsettled": {"bsonType": "bool"},
            "created_at": _MOMENT,
        },
        "allOf": [
            _needs("waiting", unsettled={"enum": [True]}),
            _needs(
                "offered", unsettled={"enum": [True]}, hold_id=_TEXT, start=_MOMENT, end=_MOMENT, offered_until=_MOMENT
            ),
            _needs("booked", booking_id=_TEXT),
        ],
    }
}

# What the relay looks at, in the order in which it is served; what is settled is not in it.
LINE = IndexModel(
    [("org", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)],
    name="line",
    partialFilterExpression={"unsettled": True},
)

# Who has how many places in line at a time.
WAITING = IndexModel(
    [("org", ASCENDING), ("made_by", ASCENDING), ("joined_from", ASCENDING)],
    name="waiting",
    partialFilterExpression={"unsettled": True},
)

# Whose offer a hold is, for when Redis cannot tell.
OFFERED = IndexModel(
    [("org", ASCENDING), ("hold_id", ASCENDING)], name="offered", partialFilterExpression={"status": "offered"}
)

_NAMES = {"waitlist_id": "_id", "from_": "from"}
"""Fields of an entry that are called otherwise in its document."""
_FIELDS = {each.name: _NAMES.get(each.name, each.name) for each in fields(WaitEntry)}


class WaitlistStore:
    """Places in line in MongoDB. Everything may raise StoreUnavailable; a change may have been made then."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db
        self._entries = db[WAITLIST]

    def prepare(self) -> None:
        """Creates the collection, its validator and its indexes; harmless when they are there."""
        with mongo_faults():
            try:
                self._db.create_collection(WAITLIST, validator=VALIDATOR)
            except (CollectionInvalid, OperationFailure):
                self._db.command("collMod", WAITLIST, validator=VALIDATOR)
            self._entries.create_indexes([LINE, WAITING, OFFERED])

    def insert(self, entry: WaitEntry) -> bool:
        """Writes a new entry; False where its id is there already."""
        with mongo_faults():
            try:
                self._entries.insert_one({name: getattr(entry, field) for field, name in _FIELDS.items()})
            except DuplicateKeyError:
                return False
        return True

    def find(self, org: str, waitlist_id: str) -> WaitEntry | None:
        """The entry as it is now, or None."""
        with mongo_faults():
            document = self._entries.find_one({"_id": waitlist_id, "org": org})
        return _entry_of(document) if document else None

    def orgs(self) -> list[str]:
        """The orgs that have anything unsettled."""
        with mongo_faults():
            return sorted(self._entries.distinct("org", {"unsettled": True}))

    def unsettled(self, org: str) -> list[WaitEntry]:
        """All that the relay has to look at, in the order of the line; without customers and histories."""
        with mongo_faults():
            found = self._entries.find({"org": org, "unsettled": True}, {"customer": 0, "history": 0})
            return [_entry_of(document) for document in found.sort([("created_at", ASCENDING), ("_id", ASCENDING)])]

    def count_unsettled(self, org: str, most: int) -> int:
        """How many the relay has to look at; it is not counted further than to `most`."""
        with mongo_faults():
            return self._entries.count_documents({"org": org, "unsettled": True}, limit=most)

    def count_in_line(self, org: str, made_by: str, joined_from: str, most: int) -> int:
        """How many places in line an API key has taken for one address; not counted further than to `most`."""
        query = {"org": org, "made_by": made_by, "joined_from": joined_from, "unsettled": True}
        with mongo_faults():
            return self._entries.count_documents({**query, "status": {"$in": sorted(IN_LINE)}}, limit=most)

    def is_offered(self, org: str, hold_id: str, at: datetime) -> bool:
        """Whether a hold is an offer that, by what was noted last, is not over at some time."""
        query = {"org": org, "hold_id": hold_id, "status": "offered", "offered_until": {"$gt": at}}
        with mongo_faults():
            return self._entries.find_one(query, {"_id": 1}) is not None

    def change(self, old: WaitEntry, at: datetime, by: str, action: str, **changed: Any) -> WaitEntry | None:
        """Changes some fields, by name, of the very version that was read, and notes it in the history.

        An entry that leaves the line is settled unless `unsettled` says otherwise. None where the entry has changed.
        """
        changed.setdefault("unsettled", changed.get("status", old.status) in IN_LINE)
        told = {name: (getattr(old, name), value) for name, value in changed.items() if getattr(old, name) != value}
        update: Document = {
            "$set": {**{_FIELDS[name]: value for name, value in changed.items()}, "updated_at": at},
            "$inc": {"version": 1},
            "$push": {"history": change(at, by, action, told)},
        }
        query = {"_id": old.waitlist_id, "org": old.org, "version": old.version}
        with mongo_faults():
            document = self._entries.find_one_and_update(query, update, return_document=ReturnDocument.AFTER)
        return _entry_of(document) if document else None


def _entry_of(document: Document) -> WaitEntry:
    given = {field: document[name] for field, name in _FIELDS.items() if name in document}
    return WaitEntry(**{"customer": {}, **given})
