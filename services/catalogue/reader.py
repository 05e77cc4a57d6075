"""The catalogue and the policy as requests read them: from memory, after the first use.

Nothing here expires or polls. What is kept of an org is kept under the *epoch* that Redis had when it was read: every
change of the catalogue makes a new epoch after it was written, the script of a hold compares the two, and the one who
sees a difference calls `forget` with the new one and starts over. So read `epoch(org)` before what you decide by.
Only while MongoDB does not answer is something served that may be older.

Must not write; that is `services.catalogue_edit`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

from pymongo import ASCENDING
from pymongo.database import Database

from models.catalogue import Policy, Property, Technician
from models.errors import PropertyNotFound, StoreUnavailable, TechnicianNotFound
from services.stores.cache import Recent, SharedReads
from services.stores.faults import mongo_faults

Document = dict[str, Any]

ORGS = "orgs"
PROPERTIES = "properties"
TECHNICIANS = "technicians"

# Per process. A property takes about half a kilobyte here, an org as much as its technicians do: some five each.
ORGS_KEPT = 1_000
PROPERTIES_KEPT = 20_000
PROPERTIES_WARMED = 2_000
UNREADABLE_SECONDS = 2.0
"""For so long what was known is served without asking a MongoDB again that did not answer."""

V = TypeVar("V")


def ensure_catalogue_indexes(db: Database[Document]) -> None:
    """Makes the unique indexes of the catalogue and of the API keys; nothing where they exist. StoreUnavailable."""
    with mongo_faults():
        for name in (PROPERTIES, TECHNICIANS):
            db[name].create_index([("org", ASCENDING), ("id", ASCENDING)], unique=True, name="one_per_id")
        db["api_keys"].create_index([("org", ASCENDING), ("key_id", ASCENDING)], unique=True, name="one_per_key_id")


def org_ids(db: Database[Document]) -> list[str]:
    """Every org of this installation. StoreUnavailable."""
    with mongo_faults():
        return [str(document["_id"]) for document in db[ORGS].find({}, {"_id": 1})]


def document_id(org: str, plain_id: str) -> str:
    """The `_id` of a property or technician. Ids hold no slash."""
    return f"{org}/{plain_id}"


def property_of(document: Document) -> Property:
    return Property.model_validate(document)


def technician_of(document: Document) -> Technician:
    away = [{"start": _utc(off["start"]), "end": _utc(off["end"])} for off in document.get("time_off", ())]
    return Technician.model_validate({**document, "time_off": away})


def policy_of(document: Document | None) -> Policy:
    """The org's policy: what it never set has its default."""
    return Policy.model_validate((document or {}).get("policy", {}))


def _utc(moment: datetime) -> datetime:
    # BSON dates are UTC and carry no zone; whether the client adds it depends on how it was made.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Shelf:
    """What is kept of one org under one epoch. A new epoch gets a new shelf, so a late read lands on the old one."""

    __slots__ = ("epoch", "last_policy", "last_technicians", "policy", "technicians", "unreadable_until")

    last_policy: Policy | None
    last_technicians: dict[str, Technician] | None

    def __init__(self, epoch: str | None = None, last: _Shelf | None = None) -> None:
        self.epoch = epoch
        self.policy: Policy | None = None
        self.technicians: dict[str, Technician] | None = None
        self.last_policy = (last.policy or last.last_policy) if last else None
        self.last_technicians = (last.technicians or last.last_technicians) if last else None
        self.unreadable_until = 0.0


class Catalogue:
    """Reads of the catalogue on the request path. What it returns is shared: don't change it.

    Every read may raise StoreUnavailable where it has to ask MongoDB.
    """

    def __init__(self, db: Database[Document]) -> None:
        self._db = db
        self._shelves: Recent[str, _Shelf] = Recent(ORGS_KEPT)
        self._properties: Recent[tuple[str, str], tuple[_Shelf, Property]] = Recent(PROPERTIES_KEPT)
        self._reads = SharedReads()
        self._turning = threading.Lock()

    def epoch(self, org: str) -> str | None:
        """The epoch under which this org's catalogue is kept; None before anything was heard of one."""
        shelf = self._shelves.get(org)
        return shelf.epoch if shelf else None

    def forget(self, org: str, epoch: str | None) -> None:
        """Drops all that is kept of the org; it is read again, as of `epoch`, when it is next wanted.

        Nothing happens where that epoch is known already: of many requests that saw it change, one clears the shelf.
        """
        with self._turning:
            if epoch is None or self.epoch(org) != epoch:
                self._shelves.put(org, _Shelf(epoch, self._shelves.get(org)))

    def warm(self, org: str) -> None:
        """Reads what requests of this org will want: policy, technicians, and properties up to PROPERTIES_WARMED."""
        self.policy(org)
        self.technicians(org)
        shelf = self._shelf(org)
        with mongo_faults():
            for document in self._db[PROPERTIES].find({"org": org}).limit(PROPERTIES_WARMED):
                self._properties.put((org, document["id"]), (shelf, property_of(document)))

    def policy(self, org: str) -> Policy:
        """The org's rules; the defaults where it has set none."""
        shelf = self._shelf(org)
        return shelf.policy or self._fresh(shelf, "policy", lambda: self._read_policy(org, shelf), shelf.last_policy)

    def property(self, org: str, property_id: str) -> Property:
        """One property of the org, of whatever status. PropertyNotFound."""
        shelf = self._shelf(org)
        kept = self._properties.get((org, property_id))
        if kept is not None and kept[0] is shelf:
            return kept[1]
        last = kept[1] if kept is not None else None
        return self._fresh(shelf, property_id, lambda: self._read_property(org, property_id, shelf), last)

    def technicians(self, org: str) -> dict[str, Technician]:
        """All technicians of the org by id, in the order of their ids, of whatever status."""
        shelf = self._shelf(org)
        if shelf.technicians is not None:
            return shelf.technicians
        return self._fresh(shelf, "technicians", lambda: self._read_technicians(org, shelf), shelf.last_technicians)

    def technician(self, org: str, technician_id: str) -> Technician:
        """One technician of the org. TechnicianNotFound."""
        found = self.technicians(org).get(technician_id)
        if found is None:
            raise TechnicianNotFound()
        return found

    def _fresh(self, shelf: _Shelf, name: str, read: Callable[[], V], last: V | None) -> V:
        """What MongoDB says, or while it does not answer what it said last: holds go on then."""
        if last is not None and monotonic() < shelf.unreadable_until:
            return last
        try:
            return self._reads.read((shelf, name), read)
        except StoreUnavailable:
            shelf.unreadable_until = monotonic() + UNREADABLE_SECONDS
            if last is None:
                raise
            return last

    def _shelf(self, org: str) -> _Shelf:
        return self._shelves.get_or_put(org, _Shelf)

    def _read_policy(self, org: str, shelf: _Shelf) -> Policy:
        with mongo_faults():
            document = self._db[ORGS].find_one({"_id": org}, {"policy": 1})
        shelf.policy = policy_of(document)
        return shelf.policy

    def _read_property(self, org: str, property_id: str, shelf: _Shelf) -> Property:
        with mongo_faults():
            document = self._db[PROPERTIES].find_one({"_id": document_id(org, property_id), "org": org})
        if document is None:
            raise PropertyNotFound()
        found = property_of(document)
        self._properties.put((org, property_id), (shelf, found))
        return found

    def _read_technicians(self, org: str, shelf: _Shelf) -> dict[str, Technician]:
        with mongo_faults():
            documents = list(self._db[TECHNICIANS].find({"org": org}).sort("id", ASCENDING))
        found = [technician_of(document) for document in documents]
        shelf.technicians = {technician.id: technician for technician in found}
        return shelf.technicians
