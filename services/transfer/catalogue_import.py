"""Properties and technicians of a file: compared with what is there, written in batches, and announced like any change.

Which rows are good is decided by `scripts.carry`, with the models that the API has for its requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel
from pymongo import UpdateOne
from pymongo.database import Database

from models.errors import StoreUnavailable
from services.catalogue.reader import ORGS, document_id, property_of, technician_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import to_milliseconds

Kind = Literal["properties", "technicians"]
_READ: dict[Kind, Callable[[Document], BaseModel]] = {"properties": property_of, "technicians": technician_of}


@dataclass(frozen=True, slots=True)
class Entry:
    """One property or technician of a file. given: the fields that the file has a column for; others are defaults."""

    fields: dict[str, Any]
    given: frozenset[str]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    def differing(self, there: BaseModel) -> list[str]:
        """The given fields that are another thing in what is there."""
        known = there.model_dump()
        return sorted(name for name in self.given if known[name] != self.fields[name])


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one batch. overtaken: ids that somebody else made meanwhile, and that are left as they are."""

    created: int
    changed: int
    present: int
    overtaken: list[str]


class CatalogueImport:
    """Everything may raise StoreUnavailable; the same call again is harmless."""

    def __init__(self, db: Database[Document], clock: Callable[[], datetime], announce: Callable[[str], None]) -> None:
        self._db = db
        self._clock = clock
        self._announce = announce

    def org_exists(self, org: str) -> bool:
        with mongo_faults():
            return self._db[ORGS].find_one({"_id": org}, {"_id": 1}) is not None

    def ids(self, kind: Kind, org: str) -> Iterator[str]:
        """The ids of all that the org has of one kind. Streamed, from the index alone."""
        wanted = {"_id": 0, "id": 1}
        with mongo_faults(), self._db[kind].find({"org": org}, wanted).hint("one_per_id") as found:
            for document in found:
                yield document["id"]

    def find(self, kind: Kind, org: str, ids: Sequence[str]) -> dict[str, BaseModel]:
        """Those of some properties or technicians that exist, by id."""
        names = [document_id(org, each) for each in ids]
        with mongo_faults():
            return {each["id"]: _READ[kind](each) for each in self._db[kind].find({"_id": {"$in": names}, "org": org})}

    def add(self, kind: Kind, org: str, entries: Sequence[Entry], *, update: bool) -> Stored:
        """Creates what is not there; what is there and differs is changed if `update`, else overtaken."""
        there = self.find(kind, org, [entry.id for entry in entries])
        new = [entry for entry in entries if entry.id not in there]
        different = [entry for entry in entries if entry.id in there and entry.differing(there[entry.id])]
        changed = different if update else []
        writes = [self._creation(org, entry) for entry in new] + [self._change(org, entry) for entry in changed]
        made = 0
        if writes:
            with mongo_faults():
                made = self._db[kind].bulk_write(writes, ordered=False).upserted_count
        overtaken = [entry.id for entry in different if not update]
        if made < len(new):
            found = self.find(kind, org, [entry.id for entry in new])
            overtaken += [entry.id for entry in new if entry.differing(found[entry.id])]
        present = len(entries) - made - len(changed) - len(overtaken)
        return Stored(made, len(changed), present, overtaken)

    def announce(self, org: str) -> None:
        """Tells all processes that the org's catalogue is another one; while Redis is away the relay does it."""
        with suppress(StoreUnavailable):
            self._announce(org)

    def _creation(self, org: str, entry: Entry) -> UpdateOne:
        """Writes nothing where somebody else was quicker."""
        now = to_milliseconds(self._clock())
        fields = {**entry.fields, "org": org, "created_at": now, "updated_at": now}
        return UpdateOne({"_id": document_id(org, entry.id)}, {"$setOnInsert": fields}, upsert=True)

    def _change(self, org: str, entry: Entry) -> UpdateOne:
        fields = {name: entry.fields[name] for name in entry.given - {"id"}}
        changed = {**fields, "updated_at": to_milliseconds(self._clock())}
        return UpdateOne({"_id": document_id(org, entry.id), "org": org}, {"$set": changed})
