"""The only writer of the waitlist collection. Must not decide what becomes of an entry; its callers decide.

A change names the version of the entry that its caller has read, and is not made if the stored version is newer.
So when two callers change an entry at the same time, one writes and the other reads again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import DESCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from models.waitlist import LIVE_STATUSES, WaitEntry, WaitQuery
from services.ledger.documents import change
from services.ledger.persons import ERASED, fill_in_persons, persons_in
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import bad_cursor, read_cursor, write_cursor
from services.waitlist.offered import as_of
from services.waitlist.schema import IN_ORDER, INDEXES, VALIDATOR

WAITLIST = "waitlist"
_EPOCH, _MILLISECOND = datetime.fromtimestamp(0, UTC), timedelta(milliseconds=1)
_LIVE: Document = {"unsettled": True, "status": {"$in": sorted(LIVE_STATUSES)}}

_NAMES = {"waitlist_id": "_id", "from_": "from"}
"""Fields of an entry that have another name in its document."""
_FIELDS = {each.name: _NAMES.get(each.name, each.name) for each in fields(WaitEntry)}

OFFER_FIELDS = (
    *("hold_id", "held_as", "start", "end"),
    *("offered_technician_id", "offered_technician_ids", "offered_until"),
)
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
            self._entries.create_indexes(INDEXES)
            fill_in_persons(self._entries)

    def insert(self, entry: WaitEntry) -> bool:
        """Writes a new entry. False if its id or one of its turns exists already."""
        document = {name: getattr(entry, field) for field, name in _FIELDS.items()}
        document["persons"] = persons_in(entry.customer, entry.history)
        with mongo_faults():
            try:
                self._entries.insert_one(document)
            except DuplicateKeyError:
                return False
        return True

    def find(self, org: str, waitlist_id: str) -> WaitEntry | None:
        """The entry as it is now, or None if there is none."""
        with mongo_faults():
            document = self._entries.find_one({"_id": waitlist_id, "org": org})
        return _entry_of(document) if document else None

    def named(self, waitlist_ids: Collection[str]) -> dict[str, WaitEntry]:
        """These entries of any orgs as they are now, by id. One that is gone is left out."""
        if not waitlist_ids:
            return {}
        with mongo_faults():
            found = self._entries.find({"_id": {"$in": list(waitlist_ids)}})
            return {each["_id"]: _entry_of(each) for each in found}

    def as_of(self, org: str, waitlist_id: str, version: int) -> WaitEntry | None:
        """The entry as it was at a version, see `offered.as_of`; None if there is none."""
        entry = self.find(org, waitlist_id)
        return as_of(entry, version) if entry else None

    def offered(self, org: str) -> list[WaitEntry]:
        """The org's entries that have an offer now, oldest first."""
        with mongo_faults():
            found = self._entries.find({"org": org, "status": "offered"}).hint("by_status")
            return [_entry_of(each) for each in found.sort(IN_ORDER)]

    def orgs(self) -> list[str]:
        """The ids of the orgs that have unsettled entries, sorted."""
        with mongo_faults():
            return sorted(self._entries.distinct("org", {"unsettled": True}))

    def unsettled(self, org: str) -> list[WaitEntry]:
        """The org's unsettled entries, oldest first, without customers, and of the histories how each entry joined."""
        with mongo_faults():
            found = self._entries.find({"org": org, "unsettled": True}, {"customer": 0, "history": {"$slice": 1}})
            return [_entry_of(document) for document in found.sort(IN_ORDER)]

    def count_unsettled(self, org: str, most: int) -> int:
        """The number of unsettled entries of the org. Stops counting at `most`."""
        with mongo_faults():
            return self._entries.count_documents({"org": org, "unsettled": True}, limit=most)

    def count_public(self, org: str, most: int) -> int:
        """As count_unsettled, of the entries that were made with the publishable key."""
        with mongo_faults():
            query = {"org": org, "unsettled": True, "joined_from": {"$gt": ""}}
            return self._entries.count_documents(query, limit=most)

    def count_live(self, org: str, joined_from: str, most: int) -> int:
        """The number of live entries that were made with the publishable key from one address, up to `most`."""
        query = {"org": org, "joined_from": joined_from, **_LIVE}
        with mongo_faults():
            return self._entries.count_documents(query, limit=most)

    def last_turns(self, org: str, people: Mapping[str, str]) -> dict[str, int]:
        """The last turn that each person has taken, 0 for none. people: digests by kind, one of WAITS_AS."""
        turns = {}
        for kind, who in people.items():
            named = {"org": org, f"waits_as.{kind}.who": who}
            with mongo_faults():
                last = self._entries.find_one(named, {"waits_as": 1}, sort=[(f"waits_as.{kind}.turn", DESCENDING)])
            turns[kind] = last["waits_as"][kind]["turn"] if last else 0
        return turns

    def waits_already(self, org: str, people: Mapping[str, str], begin: datetime, end: datetime) -> bool:
        """Whether a live entry of one of these people has a window that overlaps [begin, end)."""
        overlapping = {"org": org, "from": {"$lt": end}, "to": {"$gt": begin}, **_LIVE}
        with mongo_faults():
            return any(
                self._entries.find_one({**overlapping, f"waits_as.{kind}.who": who}, {"_id": 1}) is not None
                for kind, who in people.items()
            )

    def page(self, org: str, query: WaitQuery) -> tuple[list[WaitEntry], str | None]:
        """One page of entries, the oldest first, and the cursor of the next one or None. Raises InvalidRequest."""
        with mongo_faults():
            found = self._entries.find(_filter(org, query)).hint(_index(query)).sort(IN_ORDER).limit(query.limit + 1)
            entries = [_entry_of(document) for document in found]
        if len(entries) <= query.limit:
            return entries, None
        last = entries[query.limit - 1]
        return entries[: query.limit], write_cursor(str((last.created_at - _EPOCH) // _MILLISECOND), last.waitlist_id)

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

    def of_person(self, org: str, persons: Iterable[str]) -> list[WaitEntry]:
        """All entries that hold data of a person, whom any of these keys names (`ledger.persons`), oldest first."""
        query: Document = {"persons": {"$in": [*persons]}, "org": org}
        with mongo_faults():
            found = self._entries.find(query).hint("by_person").sort(IN_ORDER)
            return [_entry_of(document) for document in found]

    def of_hold(self, org: str, hold_id: str) -> list[WaitEntry]:
        """The entries that a hold was offered to."""
        with mongo_faults():
            found = self._entries.find({"org": org, "hold_id": hold_id}).hint("by_hold")
            return [_entry_of(document) for document in found]

    def erase(self, old: WaitEntry, at: datetime, by: str) -> bool:
        """Removes an entry's customer and client address. False if it is no longer the version `old`."""
        erased: Document = {"customer": {"name": ERASED}, "joined_from": None, "waits_as": {}, "persons": []}
        update: Document = {
            "$set": {**erased, "updated_at": at},
            "$inc": {"version": 1},
            "$push": {"history": change(at, by, "erase", {})},
        }
        query = {"_id": old.waitlist_id, "org": old.org, "version": old.version}
        with mongo_faults():
            return self._entries.update_one(query, update).matched_count == 1


def _entry_of(document: Document) -> WaitEntry:
    given = {field: document[name] for field, name in _FIELDS.items() if name in document}
    return WaitEntry(**{"customer": {}, **given})


def _filter(org: str, query: WaitQuery) -> Document:
    wanted: Document = {"org": org}
    wanted |= {name: value for name in ("property_id", "status") if (value := getattr(query, name)) is not None}
    if query.cursor is None:
        return wanted
    since, last_id = _last_entry(query.cursor)
    # The bound lets MongoDB enter the index there; the $or decides among entries of the same moment.
    later = [{"created_at": {"$gt": since}}, {"created_at": since, "_id": {"$gt": last_id}}]
    return {**wanted, "created_at": {"$gte": since}, "$or": later}


def _index(query: WaitQuery) -> str:
    if query.property_id is not None:
        return "by_property"
    return "by_status" if query.status is not None else "by_age"


def _last_entry(cursor: str) -> tuple[datetime, str]:
    milliseconds, waitlist_id = read_cursor(cursor, 2)
    try:
        return _EPOCH + int(milliseconds) * _MILLISECOND, waitlist_id
    except (ValueError, OverflowError):
        raise bad_cursor() from None
