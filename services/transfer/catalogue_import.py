"""Writes the properties, technicians and services of a file in batches, and announces them as any change is.

Must not decide which rows of a file are valid; `services.sheets` does, with the request models of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pymongo import ASCENDING, UpdateOne
from pymongo.database import Database

from models.catalogue import PropertyCreate, PropertyPatch
from models.errors import AlreadyExists, InUse, InvalidRequest, PropertyNotFound, StoreUnavailable
from services.bookings.units import Units
from services.catalogue.announcing import Announcing
from services.catalogue.documents import ORGS, document_id, policy_of, property_of, service_of, technician_of
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import to_milliseconds
from services.transfer.batches import Added, Refused

CatalogueKind = Literal["properties", "technicians", "services"]
_READ: dict[CatalogueKind, Callable[[Document], BaseModel]] = {
    "properties": property_of,
    "technicians": technician_of,
    "services": service_of,
}

_OF_BUILDINGS = frozenset({"parent_id", "timezone"})
"""What a property shares with its building or its units."""
REQUEST = "import"
"""Names the creation of a unit, so that a repeat of an interrupted import finishes it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One property, technician or service of a file. given: the fields that the file names; others are defaults."""

    fields: dict[str, Any]
    given: frozenset[str]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @property
    def is_unit(self) -> bool:
        return self.fields.get("parent_id") is not None

    def differing(self, stored: BaseModel) -> list[str]:
        """The given fields that have another value in the stored record, sorted."""
        known = stored.model_dump()
        return sorted(name for name in self.given if known[name] != self.fields[name])


class CatalogueImport:
    """The catalogues of all orgs in MongoDB. Everything may raise StoreUnavailable; repeating a call is harmless."""

    def __init__(self, db: Database[Document], clock: Clock, *, announcing: Announcing, units: Units) -> None:
        self._db = db
        self._clock = clock
        self._announcing = announcing
        self._units = units

    def org_exists(self, org: str) -> bool:
        with mongo_faults():
            return self._db[ORGS].find_one({"_id": org}, {"_id": 1}) is not None

    def country(self, org: str) -> str | None:
        """The country of the org's policy."""
        with mongo_faults():
            return policy_of(self._db[ORGS].find_one({"_id": org}, {"policy": 1})).country

    def ids(self, kind: CatalogueKind, org: str) -> Iterator[str]:
        """Streams the ids of all of an org's properties or technicians, from the index alone."""
        wanted = {"_id": 0, "id": 1}
        with mongo_faults(), self._db[kind].find({"org": org}, wanted).hint("one_per_id") as found:
            for document in found:
                yield document["id"]

    def units(self, org: str, buildings: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
        """Streams (unit, building) of these buildings of an org, or of all if there are none, by the unit's id."""
        wanted = {"$in": list(buildings)} if buildings else {"$gt": ""}
        fields = {"_id": 0, "id": 1, "parent_id": 1}
        with mongo_faults(), self._db["properties"].find({"org": org, "parent_id": wanted}, fields) as found:
            for each in found.sort("id", ASCENDING):
                yield each["id"], each["parent_id"]

    def find(self, kind: CatalogueKind, org: str, ids: Sequence[str]) -> dict[str, BaseModel]:
        """The records with these ids that exist, by id; not a unit that an interrupted import has yet to finish."""
        wanted = {"_id": {"$in": [document_id(org, each) for each in ids]}, "org": org, "joining": None}
        with mongo_faults():
            return {each["id"]: _READ[kind](each) for each in self._db[kind].find(wanted)}

    def add(self, kind: CatalogueKind, org: str, entries: Sequence[Entry], *, update: bool) -> Added:
        """Creates missing entries. An entry that is there and differs is changed if `update`, else refused.

        Units come last, because a building may be among the entries.
        """
        there = self.find(kind, org, [entry.id for entry in entries])
        new = [entry for entry in entries if entry.id not in there]
        different = {entry.id: entry.differing(there[entry.id]) for entry in entries if entry.id in there}
        changed = [entry for entry in entries if update and different.get(entry.id)]
        alone = [entry for entry in changed if _OF_BUILDINGS.isdisjoint(different[entry.id])]
        writes = [self._creation(org, entry) for entry in new if not entry.is_unit]
        writes += [self._change(org, entry) for entry in alone]
        made = 0
        if writes:
            with mongo_faults():
                made = self._db[kind].bulk_write(writes, ordered=False).upserted_count
        refused = [Refused(name, "differs") for name, names in different.items() if names and not update]
        refused += [lost for entry in changed if entry not in alone and (lost := self._move(org, entry))]
        units = [(entry, self._create_unit(org, entry)) for entry in new if entry.is_unit]
        made += sum(lost is None for _, lost in units)
        refused += [lost for _, lost in units if lost is not None and lost.why != "differs"]
        if made < len(new):
            found = self.find(kind, org, [entry.id for entry in new])
            unlike = [entry for entry in new if entry.id in found and entry.differing(found[entry.id])]
            refused += [Refused(entry.id, "differs") for entry in unlike]
        written = len(changed) - sum(each.why == "refused" and each.id in different for each in refused)
        return Added(made, len(entries) - made - written - len(refused), refused, changed=written)

    def announce(self, org: str) -> None:
        """Announces a change of the org's catalogue to all processes. While Redis is away, the relay does that."""
        with suppress(StoreUnavailable):
            self._announcing.announce(org)

    def _creation(self, org: str, entry: Entry) -> UpdateOne:
        """A write that changes nothing if another client has made the record meanwhile."""
        now = to_milliseconds(self._clock())
        fields = {**entry.fields, "org": org, "version": 1, "created_at": now, "updated_at": now}
        return UpdateOne({"_id": document_id(org, entry.id)}, {"$setOnInsert": fields}, upsert=True)

    def _change(self, org: str, entry: Entry) -> UpdateOne:
        changed = {name: entry.fields[name] for name in entry.given - {"id"}}
        changed["updated_at"] = to_milliseconds(self._clock())
        change = {name: {"$literal": value} for name, value in changed.items()}
        # A document of an earlier release has no version, and counts as version 1.
        next_version = {"$add": [{"$ifNull": ["$version", 1]}, 1]}
        query = {"_id": document_id(org, entry.id), "org": org}
        return UpdateOne(query, [{"$set": {**change, "version": next_version}}])

    def _create_unit(self, org: str, entry: Entry) -> Refused | None:
        """Makes a unit by the rules of the API; `differs` if another client has made the property meanwhile."""
        wanted = PropertyCreate.model_validate({name: entry.fields[name] for name in entry.given})
        try:
            self._units.create(org, wanted, request=REQUEST)
        except AlreadyExists:
            return Refused(entry.id, "differs")
        except (InUse, InvalidRequest) as refusal:
            return Refused(entry.id, "refused", detail=refusal.detail)
        return None

    def _move(self, org: str, entry: Entry) -> Refused | None:
        """Changes a property, of which the building or the timezone is another, by the rules of the API."""
        patch = PropertyPatch.model_validate({name: entry.fields[name] for name in entry.given - {"id"}})
        try:
            self._units.patch(org, entry.id, patch)
        except (InUse, InvalidRequest, PropertyNotFound) as refusal:
            return Refused(entry.id, "refused", detail=refusal.detail)
        return None
