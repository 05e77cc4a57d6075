"""The only writer of the waitlist collection. Must not decide what becomes of an entry; its callers decide.

A change names the version of the entry that its caller has read, and is not made if the stored version is newer.
So when two callers change an entry at the same time, one writes and the other reads again.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from models.waitlist import LIVE_STATUSES, WaitEntry
from services.ledger.documents import change
from services.stores.connections import Document
from services.stores.faults import mongo_faults

WAITLIST = "waitlist"

_TEXT: Document = {"bsonType": "string", "minLength": 1}
_MOMENT: Document = {"bsonType": "date"}
_WHOLE: Document = {"bsonType": ["int", "long"], "minimum": 1}


def _needs(status: str, **properties: Document) -> Document:
    """A rule of the validator: an entry of this status has these properties."""
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

# The entries that the relay reads, in the order in which it serves them. Settled entries are not in the index.
UNSETTLED = IndexModel(
    [("org", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)],
    name="line",
    partialFilterExpression={"unsettled": True},
)

# Counts the live entries of one API key and address.
WAITING = IndexModel(
    [("org", ASCENDING), ("made_by", ASCENDING), ("joined_from", ASCENDING)],
    name="waiting",
    partialFilterExpression={"unsettled": True},
)

# Finds the offer of a hold while Redis is away.
OFFERED = IndexModel(
    [("org", ASCENDING), ("hold_id", ASCENDING)], name="offered", partialFilterExpression={"status": "offered"}
)

_NAMES = {"waitlist_id": "_id", "from_": "from"}
"""Fields of an entry that have another name in its document."""
_FIELDS = {each.name: _NAMES.get(each.name, each.name) for each in fields(WaitEntry)}

OFFER_FIELDS = ("hold_id", "start", "end", "offered_technician_id", "offered_until")
"""The fields of an entry that describe its last offer."""


class WaitlistStore:
    """Entries in MongoDB. Everything may raise StoreUnavailable; after that, a change may or may not be made."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db
        self._entries = db[WAITLIST]

    def prepare(self) -> None:
        """Creates the collection, its validator and its indexes, if they are not there yet."""
        with mongo_faults():
            try:
                self._db.create_collection(WAITLIST, validator=VALIDATOR)
            except (CollectionInvalid, OperationFailure):
                self._db.command("collMod", WAITLIST, validator=VALIDATOR)
            self._entries.create_indexes([UNSETTLED, WAITING, OFFERED])

    def insert(self, entry: WaitEntry) -> bool:
        """Writes a new entry. False if its id exists already."""
        with mongo_faults():
            try:
                self._entries.insert_one({name: getattr(entry, field) for field, name in _FIELDS.items()})
            except DuplicateKeyError:
                return False
        return True

    def find(self, org: str, waitlist_id: str) -> WaitEntry | None:
        """The entry as it is now, or None if there is none."""
        with mongo_faults():
            document = self._entries.find_one({"_id": waitlist_id, "org": org})
        return _entry_of(document) if document else None

    def orgs(self) -> list[str]:
        """The ids of the orgs that have unsettled entries, sorted."""
        with mongo_faults():
            return sorted(self._entries.distinct("org", {"unsettled": True}))

    def unsettled(self, org: str) -> list[WaitEntry]:
        """The org's unsettled entries, oldest first, without customers and histories."""
        with mongo_faults():
            found = self._entries.find({"org": org, "unsettled": True}, {"customer": 0, "history": 0})
            return [_entry_of(document) for document in found.sort([("created_at", ASCENDING), ("_id", ASCENDING)])]

    def count_unsettled(self, org: str, most: int) -> int:
        """The number of unsettled entries of the org. Stops counting at `most`."""
        with mongo_faults():
            return self._entries.count_documents({"org": org, "unsettled": True}, limit=most)

    def count_live(self, org: str, made_by: str, joined_from: str, most: int) -> int:
        """The number of live entries that an API key made for one address. Stops counting at `most`."""
        query = {"org": org, "made_by": made_by, "joined_from": joined_from, "unsettled": True}
        with mongo_faults():
            return self._entries.count_documents({**query, "status": {"$in": sorted(LIVE_STATUSES)}}, limit=most)

    def is_offered(self, org: str, hold_id: str, at: datetime) -> bool:
        """Whether a hold is an offer that, as last written here, has not ended at time `at`."""
        query = {"org": org, "hold_id": hold_id, "status": "offered", "offered_until": {"$gt": at}}
        with mongo_faults():
            return self._entries.find_one(query, {"_id": 1}) is not None

    def change(self, old: WaitEntry, at: datetime, by: str, action: str, **changed: Any) -> WaitEntry | None:
        """Changes fields, by name, of the version that the caller read, and adds the change to the history.

        Without `unsettled` among the fields, a live entry is unsettled and any other one is settled.
        Returns the changed entry, or None if the stored entry is newer than `old`.
        """
        changed.setdefault("unsettled", changed.get("status", old.status) in LIVE_STATUSES)
        differences = {
            name: (getattr(old, name), value) for name, value in changed.items() if getattr(old, name) != value
        }
        update: Document = {
            "$set": {**{_FIELDS[name]: value for name, value in changed.items()}, "updated_at": at},
            "$inc": {"version": 1},
            "$push": {"history": change(at, by, action, differences)},
        }
        query = {"_id": old.waitlist_id, "org": old.org, "version": old.version}
        with mongo_faults():
            document = self._entries.find_one_and_update(query, update, return_document=ReturnDocument.AFTER)
        return _entry_of(document) if document else None


def _entry_of(document: Document) -> WaitEntry:
    given = {field: document[name] for field, name in _FIELDS.items() if name in document}
    return WaitEntry(**{"customer": {}, **given})
