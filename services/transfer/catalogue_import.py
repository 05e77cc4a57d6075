"""Writes the properties and technicians of a file in batches, and announces them as any change of the catalogue.

Must not decide which rows of a file are valid; `scripts.sheets` does, with the request models of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pymongo import UpdateOne
from pymongo.database import Database

from models.errors import StoreUnavailable
from services.catalogue.documents import ORGS, document_id, policy_of, property_of, technician_of
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import to_milliseconds
from services.transfer.batches import Added, Refused

CatalogueKind = Literal["properties", "technicians"]
_READ: dict[CatalogueKind, Callable[[Document], BaseModel]] = {"properties": property_of, "technicians": technician_of}


@dataclass(frozen=True, slots=True)
class Entry:
    """One property or technician of a file. given: the fields for which the file has a column; others are defaults."""

    fields: dict[str, Any]
    given: frozenset[str]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    def differing(self, stored: BaseModel) -> list[str]:
        """The given fields that have another value in the stored record, sorted."""
        known = stored.model_dump()
        return sorted(name for name in self.given if known[name] != self.fields[name])


class CatalogueImport:
    """Properties and technicians in MongoDB. Everything may raise StoreUnavailable; repeating a call is harmless."""

    def __init__(self, db: Database[Document], clock: Clock, announce: Callable[[str], None]) -> None:
        self._db = db
        self._clock = clock
        self._announce = announce

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

    def find(self, kind: CatalogueKind, org: str, ids: Sequence[str]) -> dict[str, BaseModel]:
        """The properties or technicians with these ids that exist, by id."""
        names = [document_id(org, each) for each in ids]
        with mongo_faults():
            return {each["id"]: _READ[kind](each) for each in self._db[kind].find({"_id": {"$in": names}, "org": org})}

    def add(self, kind: CatalogueKind, org: str, entries: Sequence[Entry], *, update: bool) -> Added:
        """Creates missing entries. An entry that is there and differs is changed if `update`, else refused."""
        there = self.find(kind, org, [entry.id for entry in entries])
        new = [entry for entry in entries if entry.id not in there]
        different = [entry for entry in entries if entry.id in there and entry.differing(there[entry.id])]
        changed = different if update else []
        writes = [self._creation(org, entry) for entry in new] + [self._change(org, entry) for entry in changed]
        made = 0
        if writes:
            with mongo_faults():
                made = self._db[kind].bulk_write(writes, ordered=False).upserted_count
        differing = [entry.id for entry in different if not update]
        if made < len(new):
            found = self.find(kind, org, [entry.id for entry in new])
            differing += [entry.id for entry in new if entry.differing(found[entry.id])]
        present = len(entries) - made - len(changed) - len(differing)
        return Added(made, present, [Refused(each, "differs") for each in differing], changed=len(changed))

    def announce(self, org: str) -> None:
        """Announces a change of the org's catalogue to all processes. While Redis is away, the relay does that."""
        with suppress(StoreUnavailable):
            self._announce(org)

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
