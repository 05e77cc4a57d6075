"""The catalogue and the policy as requests read them: from memory, after the first use.

Nothing here expires or polls. The memory of an org belongs to the *epoch* that Redis had when it was read. Every change
of the catalogue makes a new epoch once it is written, and the script of a hold compares the two. A caller that sees a
difference calls `forget` with the new epoch and starts over. A request decides by one `snapshot`: it never mixes two
epochs. Only while MongoDB does not answer may something older be served.

Must not write; `services.catalogue.editor` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TypeVar

from pymongo import ASCENDING
from pymongo.database import Database

from models.catalogue import Policy, Property, Technician
from models.errors import PropertyNotFound, StoreUnavailable, TechnicianNotFound
from services.stores.cache import Recent, SharedReads
from services.stores.connections import Document
from services.stores.faults import mongo_faults

ORGS = "orgs"
PROPERTIES = "properties"
TECHNICIANS = "technicians"

# Per process. A property takes about half a kilobyte, an org as much as its technicians do: some five each.
ORGS_KEPT = 1_000
PROPERTIES_KEPT = 20_000
PROPERTIES_WARMED = 2_000
UNREADABLE_SECONDS = 2.0
"""After a failed read, serve the last known value for this long before trying MongoDB again."""

V = TypeVar("V")


def ensure_catalogue_indexes(db: Database[Document]) -> None:
    """Makes the indexes of the catalogue; nothing where they exist. StoreUnavailable."""
    with mongo_faults():
        for name in (PROPERTIES, TECHNICIANS):
            db[name].create_index([("org", ASCENDING), ("id", ASCENDING)], unique=True, name="one_per_id")
        listed = [("org", ASCENDING), ("unlisted", ASCENDING), ("id", ASCENDING)]
        db[PROPERTIES].create_index(listed, name="listed")


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
    """The org's policy; a rule that the org never set has its default."""
    return Policy.model_validate((document or {}).get("policy", {}))


def _utc(moment: datetime) -> datetime:
    # BSON dates are UTC and carry no zone; whether the client adds it depends on how it was made.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Shelf:
    """The memory of one org under one epoch. A new epoch gets a new shelf, so a late read lands on the old one."""

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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One org's catalogue and policy under one epoch, which is None until one was heard of.

    Properties and technicians that are not in memory yet are read when they are asked for, as of this epoch. Every read
    may raise StoreUnavailable.
    """

    org: str
    epoch: str | None
    policy: Policy
    _shelf: _Shelf
    _catalogue: Catalogue

    def resources(self, property_id: str, technician_id: str | None) -> tuple[Property, list[Technician]]:
        """A property, and the technician with this id or all technicians by id; of whatever status.

        Raises PropertyNotFound, TechnicianNotFound.
        """
        site = self._catalogue.property_on(self._shelf, self.org, property_id)
        return site, self.technicians(technician_id)

    def technicians(self, technician_id: str | None) -> list[Technician]:
        """The technician with this id, or all technicians by id; of whatever status. TechnicianNotFound."""
        known = self._catalogue.technicians_on(self._shelf, self.org)
        if technician_id is None:
            return list(known.values())
        if technician_id not in known:
            raise TechnicianNotFound
        return [known[technician_id]]


class Catalogue:
    """Reads of the catalogue on the request path. What it returns is shared: callers must not change it.

    A read that has to ask MongoDB may raise StoreUnavailable.
    """

    def __init__(self, db: Database[Document]) -> None:
        self._db = db
        self._shelves: Recent[str, _Shelf] = Recent(ORGS_KEPT)
        self._properties: Recent[tuple[str, str], tuple[_Shelf, Property]] = Recent(PROPERTIES_KEPT)
        self._reads = SharedReads()
        self._turning = threading.Lock()

    def snapshot(self, org: str) -> Snapshot:
        """The catalogue of one org as one attempt of a request sees it."""
        shelf = self._shelf(org)
        return Snapshot(org, shelf.epoch, self._policy_on(shelf, org), shelf, self)

    def epoch(self, org: str) -> str | None:
        """The epoch to which the memory of this org belongs; None before one was heard of."""
        shelf = self._shelves.get(org)
        return shelf.epoch if shelf else None

    def forget(self, org: str, epoch: str | None) -> None:
        """Drops the memory of an org; the next use reads it again, as of `epoch`.

        Nothing happens if that epoch is known already: of many requests that saw it change, one clears the shelf.
        """
        with self._turning:
            if epoch is None or self.epoch(org) != epoch:
                self._shelves.put(org, _Shelf(epoch, self._shelves.get(org)))

    def warm(self, org: str) -> None:
        """Reads an org's policy, technicians and first properties ahead of the requests for them."""
        self.policy(org)
        self.technicians(org)
        shelf = self._shelf(org)
        with mongo_faults():
            for document in self._db[PROPERTIES].find({"org": org}).limit(PROPERTIES_WARMED):
                self._properties.put((org, document["id"]), (shelf, property_of(document)))

    def policy(self, org: str) -> Policy:
        """The org's rules; the defaults if it has set none."""
        return self._policy_on(self._shelf(org), org)

    def policy_as_written(self, org: str) -> Policy:
        """As `policy`, read from MongoDB for this call: for decisions that no script compares with the epoch."""
        return self._read_policy(org, _Shelf())

    def known_policy(self, org: str) -> Policy | None:
        """As `policy`, from memory alone; None where only MongoDB can tell."""
        shelf = self._shelves.get(org)
        return shelf.policy if shelf else None

    def property(self, org: str, property_id: str) -> Property:
        """One property of the org, of whatever status. PropertyNotFound."""
        return self.property_on(self._shelf(org), org, property_id)

    def technicians(self, org: str) -> dict[str, Technician]:
        """All technicians of the org by id, in the order of their ids, of whatever status."""
        return self.technicians_on(self._shelf(org), org)

    def technician(self, org: str, technician_id: str) -> Technician:
        """One technician of the org. TechnicianNotFound."""
        found = self.technicians(org).get(technician_id)
        if found is None:
            raise TechnicianNotFound
        return found

    def property_on(self, shelf: _Shelf, org: str, property_id: str) -> Property:
        """As `property`, of one epoch: for snapshots."""
        kept = self._properties.get((org, property_id))
        if kept is not None and kept[0] is shelf:
            return kept[1]
        last = kept[1] if kept is not None else None
        return self._fresh(shelf, property_id, lambda: self._read_property(org, property_id, shelf), last)

    def technicians_on(self, shelf: _Shelf, org: str) -> dict[str, Technician]:
        """As `technicians`, of one epoch: for snapshots."""
        if shelf.technicians is not None:
            return shelf.technicians
        return self._fresh(shelf, "technicians", lambda: self._read_technicians(org, shelf), shelf.last_technicians)

    def _policy_on(self, shelf: _Shelf, org: str) -> Policy:
        return shelf.policy or self._fresh(shelf, "policy", lambda: self._read_policy(org, shelf), shelf.last_policy)

    def _fresh(self, shelf: _Shelf, name: str, read: Callable[[], V], last: V | None) -> V:
        """What MongoDB says; while it does not answer, what it said last, so that holds go on."""
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
            raise PropertyNotFound
        found = property_of(document)
        self._properties.put((org, property_id), (shelf, found))
        return found

    def _read_technicians(self, org: str, shelf: _Shelf) -> dict[str, Technician]:
        with mongo_faults():
            documents = list(self._db[TECHNICIANS].find({"org": org}).sort("id", ASCENDING))
        found = [technician_of(document) for document in documents]
        shelf.technicians = {technician.id: technician for technician in found}
        return shelf.technicians
