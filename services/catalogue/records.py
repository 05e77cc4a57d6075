"""The documents of one kind of the catalogue: makes, finds, changes and removes one, at the version that was read.

A document of an earlier release has no version; it counts as version 1.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel
from pymongo import ASCENDING, ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from models.errors import AlreadyExists, Refusal, StoreUnavailable, VersionConflict
from services.catalogue.documents import document_id
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import page_by_id
from services.timetable.grid import to_milliseconds

ATTEMPTS = 20
ID_ATTEMPTS = 5


class Records:
    """The properties, the technicians or the services of all orgs. Everything may raise StoreUnavailable.

    prefix: of the ids that are made up. missing: what is raised where there is no such document. changing: a context in
    which a write of an org is announced to all processes.
    """

    def __init__(
        self,
        collection: Collection[Document],
        *,
        prefix: str,
        missing: type[Refusal],
        changing: Callable[[str], AbstractContextManager[None]],
        clock: Clock,
    ) -> None:
        self._collection = collection
        self._prefix = prefix
        self._missing = missing
        self._changing = changing
        self._clock = clock

    def page(self, org: str, limit: int, cursor: str | None, wanted: Document) -> tuple[list[Document], str | None]:
        """As `page_by_id`."""
        return page_by_id(self._collection, org, limit, cursor, wanted)

    def among(self, org: str, ids: Set[str]) -> list[Document]:
        """Those of these ids that there are, by id."""
        with mongo_faults():
            names = [document_id(org, each) for each in sorted(ids)]
            return list(self._collection.find({"_id": {"$in": names}, "org": org}).sort("id", ASCENDING))

    def get(self, org: str, plain_id: str) -> Document:
        """Raises what is `missing`."""
        found = self._find(org, plain_id)
        if found is None:
            raise self._missing
        return found

    def create(
        self, org: str, wanted: BaseModel, request: str | None, further: Mapping[str, object] | None = None
    ) -> Document:
        """Makes a document, under an id of its own or one that is made up. Raises AlreadyExists.

        request: a repeat of the same request gets what the first attempt made. further: more fields of the document.
        """
        now = to_milliseconds(self._clock())
        fields = {
            **stored(wanted.model_dump()),
            **(further or {}),
            "org": org,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        chosen = fields.pop("id")
        if request is not None:
            fields["request"] = request
        for plain_id in [chosen] if chosen else _made_up_ids(self._prefix, request):
            made = self._insert({**fields, "_id": document_id(org, plain_id), "id": plain_id})
            if made is not None:
                return made
        raise AlreadyExists()

    def change(
        self, org: str, plain_id: str, expected_version: int | None, changes: Callable[[Document], Document]
    ) -> Document:
        """Writes the fields that `changes` makes of the present document. Without any, the version stays.

        The write decides by the version: if somebody else was faster, `changes` is asked again. So of two changes at
        once neither is lost. expected_version: None for any. A repeat of a change whose reply was lost finds its own
        version and nothing left to change. Raises what is `missing`, VersionConflict, and what `changes` raises.
        """
        for _ in range(ATTEMPTS):
            current = self.get(org, plain_id)
            fields, version = changes(current), version_of(current)
            if expected_version not in (None, version) and (fields or expected_version != version - 1):
                raise VersionConflict
            if not fields:
                return current
            written = self._write(current, {**fields, "version": version + 1})
            if written is not None:
                return written
        raise StoreUnavailable

    def remove(self, org: str, plain_id: str, version: int) -> bool:
        """Whether the document was there in this version; it is no longer."""
        with self._changing(org):
            query = {"_id": document_id(org, plain_id), "org": org, **at_version(version)}
            return self._collection.delete_one(query).deleted_count == 1

    def remove_any(self, org: str, plain_id: str, expected_version: int | None) -> None:
        """Removes a document in the expected version, or in any. Raises what is `missing`, VersionConflict."""
        for _ in range(ATTEMPTS):
            version = version_of(self.get(org, plain_id))
            if expected_version not in (None, version):
                raise VersionConflict
            if self.remove(org, plain_id, version):
                return
        raise StoreUnavailable

    def _find(self, org: str, plain_id: str) -> Document | None:
        with mongo_faults():
            return self._collection.find_one({"_id": document_id(org, plain_id), "org": org})

    def _write(self, current: Document, fields: Document) -> Document | None:
        """The document with these fields; None if it is no longer in the version of `current`."""
        org, now = current["org"], to_milliseconds(self._clock())
        query = {"_id": current["_id"], "org": org, **at_version(version_of(current))}
        change = {"$set": {**fields, "updated_at": now}}
        with self._changing(org):
            return self._collection.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)

    def _insert(self, document: Document) -> Document | None:
        """The document, written now or by an earlier attempt of the same request; None if the id is taken."""
        try:
            with self._changing(document["org"]):
                self._collection.insert_one(document)
        except DuplicateKeyError:
            existing = self._find(document["org"], document["id"]) or {}
            ours = "request" in document and existing.get("request") == document["request"]
            return existing if ours else None
        return document


def version_of(document: Document) -> int:
    version: int = document.get("version", 1)
    return version


def at_version(version: int) -> Document:
    """What a document matches in this version."""
    return {"version": {"$in": [1, None]} if version == 1 else version}


def stored(fields: dict[str, Any]) -> Document:
    """The fields as MongoDB returns them, so that the reply to a write equals every later read."""
    off = fields.get("time_off")
    if off:
        fields["time_off"] = [{name: to_milliseconds(moment) for name, moment in each.items()} for each in off]
    return fields


def _made_up_ids(prefix: str, request: str | None) -> Iterator[str]:
    """Short random ids. Repeats of a request with a digest get the same ids in the same order."""
    for attempt in range(ID_ATTEMPTS):
        seed = f"{request}:{attempt}".encode() if request else secrets.token_bytes(16)
        yield f"{prefix}-{blake2b(seed, digest_size=4).hexdigest()}"
