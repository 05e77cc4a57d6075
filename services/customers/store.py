"""The only writer of the customers. Must not decide what becomes of one; its callers decide.

No two customers of an org share a key: a unique index refuses the second, whichever relays and requests write at the
same time. A change names the version that its caller has read, and is not made where the stored one is newer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Literal

import pymongo
from pymongo import ASCENDING, IndexModel, InsertOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from models.customers import CustomersQuery
from models.errors import NotFound
from services.customers.records import Record, merged
from services.ledger.persons import BY_PERSON
from services.ledger.search import customer_search_fields, customer_search_filter
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import read_cursor, write_cursor

GUARD = "one_customer_per_key"
INDEXES = [
    IndexModel([("org", ASCENDING), ("keys", ASCENDING)], name=GUARD, unique=True),
    IndexModel([("org", ASCENDING), ("search.keys", ASCENDING), ("_id", ASCENDING)], name="by_search"),
    IndexModel([("org", ASCENDING), ("_id", ASCENDING)], name="by_id"),
    BY_PERSON,
]
MERGE_SECONDS = 5.0
DUPLICATE = 11000
_FIELDS = tuple(each.name for each in fields(Record) if each.name != "customer_id")


class CustomerStore:
    """Customers in MongoDB. Everything may raise StoreUnavailable; after that a change may or may not be made."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db
        self._customers = db["customers"]
        self._walk = db["meta"]

    def prepare(self) -> None:
        """Creates the indexes, if they are not there yet."""
        with mongo_faults():
            self._customers.create_indexes(INDEXES)

    def find(self, org: str, customer_id: str) -> Record:
        """The customer. Raises NotFound."""
        with mongo_faults():
            return self._find(org, customer_id)

    def _find(self, org: str, customer_id: str, session: ClientSession | None = None) -> Record:
        found = self._customers.find_one({"_id": customer_id, "org": org}, session=session)
        if found is None:
            raise NotFound("There is no such customer.")
        return _record_of(found)

    def owners(self, org: str, keys: Iterable[str]) -> dict[str, Record]:
        """The owner of each of some keys. A key without an owner is left out."""
        with mongo_faults():
            found = map(_record_of, self._customers.find({"org": org, "keys": {"$in": sorted(keys)}}))
            return {key: record for record in found for key in record.keys}

    def owner_ids(self, org: str, keys: Iterable[str]) -> dict[str, str]:
        """The id of the owner of each of some keys."""
        with mongo_faults():
            found = self._customers.find({"org": org, "keys": {"$in": sorted(keys)}}, {"keys": 1})
            return {key: each["_id"] for each in found for key in each["keys"]}

    def of_person(self, org: str, persons: Iterable[str]) -> list[Record]:
        """The customers that a person is known by, by id."""
        with mongo_faults():
            found = self._customers.find({"persons": {"$in": sorted(persons)}, "org": org}).hint("by_person")
            return sorted(map(_record_of, found), key=lambda each: each.customer_id)

    def page(self, org: str, query: CustomersQuery) -> tuple[list[Record], str | None]:
        """One page by id, and the cursor of the next one or None. Raises InvalidRequest (a cursor of another list)."""
        with mongo_faults():
            found = [_record_of(each) for each in self.documents(org, query)]
        last = found[query.limit - 1] if len(found) > query.limit else None
        return found[: query.limit], write_cursor(last.customer_id) if last else None

    def documents(self, org: str, query: CustomersQuery) -> Cursor[Document]:
        """The documents of a page and one more, in the order of the index."""
        wanted: Document = {"org": org}
        if query.cursor is not None:
            [wanted["_id"]] = [{"$gt": last} for last in read_cursor(query.cursor, 1)]
        if query.q is not None:
            wanted |= customer_search_filter(query.q)
        found = self._customers.find(wanted).hint("by_id" if query.q is None else "by_search")
        return found.sort("_id", ASCENDING).limit(query.limit + 1)

    def write(self, changes: Mapping[Record, Record | None]) -> bool:
        """Writes customers, each with the version before it, None for a new one. False if some were not written,
        because others wrote at the same time; the rest was."""
        if not changes:
            return True
        writes = [
            ReplaceOne({"_id": old.customer_id, "org": old.org, "version": old.version}, _document_of(new))
            if old
            else InsertOne(_document_of(new))
            for new, old in changes.items()
        ]
        with mongo_faults():
            try:
                done = self._customers.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                if any(each["code"] != DUPLICATE for each in error.details["writeErrors"]):
                    raise
                return False
        return done.inserted_count + done.matched_count == len(writes)

    def replace(self, old: Record, new: Record) -> Literal["written", "stale", "taken"]:
        """Writes one change. `stale`: another one was made meanwhile. `taken`: another customer has one of the keys."""
        with mongo_faults():
            try:
                query = {"_id": old.customer_id, "org": old.org, "version": old.version}
                done = self._customers.replace_one(query, _document_of(new))
            except DuplicateKeyError:
                return "taken"
        return "written" if done.matched_count else "stale"

    def delete(self, record: Record) -> bool:
        """Removes a customer. False if it is no longer this version."""
        query = {"_id": record.customer_id, "org": record.org, "version": record.version}
        with mongo_faults():
            return self._customers.delete_one(query).deleted_count == 1

    def merge(self, org: str, gone_id: str, into_id: str) -> Record:
        """Gives one customer all that another has, and removes that one: both or neither. Raises NotFound."""

        def whole(session: ClientSession | None = None) -> Record:
            return merged(self._find(org, into_id, session), self._find(org, gone_id, session))

        def both(session: ClientSession) -> Record:
            made = whole(session)
            self._customers.delete_one({"_id": gone_id, "org": org}, session=session)
            self._customers.replace_one({"_id": into_id, "org": org}, _document_of(made), session=session)
            return made

        with mongo_faults(), pymongo.timeout(MERGE_SECONDS):
            whole()  # where one of them is missing, no transaction begins
            with self._db.client.start_session() as session:
                return session.with_transaction(both, ReadConcern("snapshot"), WriteConcern("majority", j=True))

    def walked_to(self) -> str | None:
        """The id of the booking up to which the walk over all bookings has come; None if it is done."""
        with mongo_faults():
            found = self._walk.find_one({"_id": "customers_walk"})
        return None if found is None else found["after"]

    def walk_from(self, booking_id: str | None) -> None:
        """Lets the walk go on behind a booking, with the empty id begin anew, with None be done."""
        with mongo_faults():
            self._walk.update_one({"_id": "customers_walk"}, {"$set": {"after": booking_id}}, upsert=True)


def _document_of(record: Record) -> Document:
    values = {name: getattr(record, name) for name in _FIELDS}
    phones = [key.removeprefix("phone:") for key in record.keys if key.startswith("phone:")]
    emails = [each.removeprefix("email:") for each in record.persons if each.startswith("email:")]
    search = customer_search_fields(record.name, [*phones, *filter(None, [record.phone])], emails)
    return {"_id": record.customer_id, **values, "keys": list(record.keys), "persons": record.persons, "search": search}


def _record_of(document: Document) -> Record:
    values = {name: document[name] for name in _FIELDS}
    return Record(customer_id=document["_id"], **{**values, "keys": tuple(document["keys"])})
