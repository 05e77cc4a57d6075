"""Writes the catalogue and the policy, and reads them for display: always from MongoDB, never from memory.

Each write announces a new epoch, so that every process reads the catalogue again. A write with an unknown outcome
announces one too. A stricter policy changes no existing hold or booking.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel
from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.catalogue import (
    Policy,
    PolicyPatch,
    Property,
    PropertyCreate,
    PropertyPatch,
    Technician,
    TechnicianCreate,
    TechnicianPatch,
)
from models.errors import AlreadyExists, PropertyNotFound, Refusal, StoreUnavailable, TechnicianNotFound
from services.catalogue.checks import hours_faults, policy_faults, refuse_if, time_off_faults
from services.catalogue.reader import (
    ORGS,
    PROPERTIES,
    TECHNICIANS,
    Catalogue,
    document_id,
    policy_of,
    property_of,
    technician_of,
)
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import DEFAULT_PAGE, page_by_id
from services.timetable.grid import to_milliseconds

POLICY_ATTEMPTS = 20
ID_ATTEMPTS = 5


class CatalogueDesk:
    """Creates, changes and lists properties and technicians, and changes the policy, of one org at a time.

    cached: this process's own copy, which a write drops. announce: publishes an org's change to all processes.
    Everything may raise StoreUnavailable; the outcome of a write is then unknown.
    """

    def __init__(
        self,
        db: Database[Document],
        clock: Clock,
        *,
        cached: Catalogue,
        announce: Callable[[str], None],
        grid_minutes: int,
    ) -> None:
        self._properties = db[PROPERTIES]
        self._technicians = db[TECHNICIANS]
        self._orgs = db[ORGS]
        self._clock = clock
        self._cached = cached
        self._announce = announce
        self._grid_minutes = grid_minutes

    def list_properties(
        self, org: str, limit: int = DEFAULT_PAGE, cursor: str | None = None, *, listed_only: bool = False
    ) -> tuple[list[Property], str | None]:
        """One page by id, and the cursor of the next page or None. listed_only: without the unlisted ones.

        Raises InvalidRequest (limit, cursor).
        """
        wanted: Document = {"unlisted": {"$in": [False, None]}} if listed_only else {}
        documents, following = page_by_id(self._properties, org, limit, cursor, wanted)
        return [property_of(document) for document in documents], following

    def list_technicians(
        self, org: str, limit: int = DEFAULT_PAGE, cursor: str | None = None
    ) -> tuple[list[Technician], str | None]:
        """One page by id, and the cursor of the next page or None. Raises InvalidRequest (limit, cursor)."""
        documents, following = page_by_id(self._technicians, org, limit, cursor)
        return [technician_of(document) for document in documents], following

    def get_property(self, org: str, property_id: str) -> Property:
        """Raises PropertyNotFound."""
        return property_of(_required(_find(self._properties, org, property_id), PropertyNotFound))

    def get_technician(self, org: str, technician_id: str) -> Technician:
        """Raises TechnicianNotFound."""
        return technician_of(_required(_find(self._technicians, org, technician_id), TechnicianNotFound))

    def get_policy(self, org: str) -> Policy:
        """The org's policy, with defaults for the rules that it has not set."""
        with mongo_faults():
            return policy_of(self._orgs.find_one({"_id": org}, {"policy": 1}))

    def create_property(self, org: str, wanted: PropertyCreate, *, request: str | None = None) -> Property:
        """Raises AlreadyExists if the id is taken. request: as in `create_technician`."""
        return property_of(self._create(self._properties, org, "prop", wanted, request))

    def create_technician(self, org: str, wanted: TechnicianCreate, *, request: str | None = None) -> Technician:
        """Raises AlreadyExists if the id is taken, InvalidRequest (working hours, time off).

        request: a digest of the Idempotency-Key, the caller and the body. If the first attempt was written but its
        reply was lost, a repeat with the same digest gets what the first attempt made, not AlreadyExists.
        """
        refuse_if([*hours_faults(wanted.working_hours), *time_off_faults(wanted.time_off)])
        return technician_of(self._create(self._technicians, org, "tech", wanted, request))

    def patch_property(self, org: str, property_id: str, patch: PropertyPatch) -> Property:
        """Changes the fields in the patch; null clears `address`. Raises PropertyNotFound."""
        return property_of(_required(self._patch(self._properties, org, property_id, patch), PropertyNotFound))

    def patch_technician(self, org: str, technician_id: str, patch: TechnicianPatch) -> Technician:
        """Changes the fields in the patch; null clears `working_hours`. Raises TechnicianNotFound, InvalidRequest."""
        refuse_if([*hours_faults(patch.working_hours), *time_off_faults(patch.time_off)])
        return technician_of(_required(self._patch(self._technicians, org, technician_id, patch), TechnicianNotFound))

    def patch_policy(self, org: str, patch: PolicyPatch) -> Policy:
        """Changes the rules in the patch. Raises InvalidRequest with every rule that does not fit the others."""
        for _ in range(POLICY_ATTEMPTS):
            with mongo_faults():
                current = self._orgs.find_one({"_id": org}, {"policy": 1, "policy_revision": 1}) or {}
            wanted = Policy.model_validate({**current.get("policy", {}), **patch.model_dump(exclude_unset=True)})
            refuse_if(policy_faults(wanted, patch, self._grid_minutes))
            if not patch.model_fields_set or self._write_policy(org, patch, current.get("policy_revision")):
                return wanted
        raise StoreUnavailable()

    def _write_policy(self, org: str, patch: PolicyPatch, revision: int | None) -> bool:
        """False if the policy has changed since `revision` was read. The caller then checks its change again, because
        two changes that are valid alone may not be valid together."""
        changes = {f"policy.{name}": value for name, value in patch.model_dump(mode="json", exclude_unset=True).items()}
        unchanged = {"_id": org, "policy_revision": {"$exists": False} if revision is None else revision}
        update = {
            "$set": {**changes, "policy_revision": (revision or 0) + 1},
            "$setOnInsert": {"name": org, "created_at": self._clock()},
        }
        try:
            with self._changing(org):
                # An org without a document gets one. With another revision the upsert fails on the org's own _id.
                self._orgs.update_one(unchanged, update, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    def _create(
        self, collection: Collection[Document], org: str, prefix: str, wanted: BaseModel, request: str | None
    ) -> Document:
        fields = _stored(wanted.model_dump())
        now = to_milliseconds(self._clock())
        fields |= {"org": org, "created_at": now, "updated_at": now}
        chosen = fields.pop("id")
        if request is not None:
            fields["request"] = request
        for plain_id in [chosen] if chosen else _made_up_ids(prefix, request):
            made = self._insert(collection, {**fields, "_id": document_id(org, plain_id), "id": plain_id})
            if made is not None:
                return made
        raise AlreadyExists()

    def _insert(self, collection: Collection[Document], document: Document) -> Document | None:
        """The document, written now or by an earlier attempt of the same request; None if the id is taken."""
        try:
            with self._changing(document["org"]):
                collection.insert_one(document)
        except DuplicateKeyError:
            existing = _find(collection, document["org"], document["id"]) or {}
            ours = "request" in document and existing.get("request") == document["request"]
            return existing if ours else None
        return document

    def _patch(self, collection: Collection[Document], org: str, plain_id: str, patch: BaseModel) -> Document | None:
        query = {"_id": document_id(org, plain_id), "org": org}
        if not patch.model_fields_set:
            return _find(collection, org, plain_id)
        changes = {**_stored(patch.model_dump(exclude_unset=True)), "updated_at": to_milliseconds(self._clock())}
        with self._changing(org):
            return collection.find_one_and_update(query, {"$set": changes}, return_document=ReturnDocument.AFTER)

    @contextmanager
    def _changing(self, org: str) -> Iterator[None]:
        """Announces the write in its block, also one with an unknown outcome. A refused write changes nothing."""
        try:
            with mongo_faults():
                yield
        except StoreUnavailable:
            self._spread(org)
            raise
        self._spread(org)

    def _spread(self, org: str) -> None:
        self._cached.forget(org, None)
        with suppress(StoreUnavailable):  # without Redis, the relay announces the change
            self._announce(org)


def _stored(fields: dict[str, Any]) -> Document:
    """The fields as MongoDB returns them, so that the reply to a write equals every later read."""
    off = fields.get("time_off")
    if off:
        fields["time_off"] = [{name: to_milliseconds(moment) for name, moment in each.items()} for each in off]
    return fields


def _find(collection: Collection[Document], org: str, plain_id: str) -> Document | None:
    with mongo_faults():
        return collection.find_one({"_id": document_id(org, plain_id), "org": org})


def _required(document: Document | None, missing: type[Refusal]) -> Document:
    if document is None:
        raise missing
    return document


def _made_up_ids(prefix: str, request: str | None) -> Iterator[str]:
    """Short random ids. Repeats of a request with a digest get the same ids in the same order."""
    for attempt in range(ID_ATTEMPTS):
        seed = f"{request}:{attempt}".encode() if request else secrets.token_bytes(16)
        yield f"{prefix}-{blake2b(seed, digest_size=4).hexdigest()}"
