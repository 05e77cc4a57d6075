"""Writes the demo org into a database: its properties, technicians, services, API keys and people.

It writes only what is missing, so a second run keeps every change that was made since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from pymongo.database import Database
from pymongo.errors import BulkWriteError

from models.access import Role
from models.catalogue import PropertyCreate, TechnicianCreate
from models.errors import AlreadyExists
from models.service import ServiceCreate
from models.users import UserCreate
from scripts.dev_server.demo_data import ORG, ORG_NAME, POLICY, PROPERTIES, SERVICES, TECHNICIANS
from services.access.api_keys import API_KEYS, new_key_record
from services.access.passwords import Passwords
from services.access.people import People
from services.catalogue.documents import ORGS, document_id
from services.catalogue.documents import PROPERTIES as PROPERTY_COLLECTION
from services.catalogue.documents import SERVICES as SERVICE_COLLECTION
from services.catalogue.documents import TECHNICIANS as TECHNICIAN_COLLECTION

DUPLICATE_KEY = 11000

Document = dict[str, Any]


class Seeded(Protocol):
    """The part of `services.Services` that `seed` uses: the database, and a clock that returns aware UTC."""

    @property
    def db(self) -> Database[Document]: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...


def seed(services: Seeded, keys: Mapping[str, str], people: Sequence[Mapping[str, str]] = ()) -> str:
    """Write the missing parts of the demo org. Returns its id.

    keys: an API key for each role; an existing key stays as it is, also when it is revoked. people: bodies of POST
    /users; who exists, or was removed, stays so. Makes no indexes.
    Raises pymongo's errors unchanged, because a demo must not start without its data; of people StoreUnavailable.
    """
    now = services.clock()
    properties = (PropertyCreate.model_validate(each).model_dump() for each in PROPERTIES)
    technicians = (TechnicianCreate.model_validate(each).model_dump() for each in TECHNICIANS)
    offered = (ServiceCreate.model_validate(each).model_dump() for each in SERVICES)
    org = {"_id": ORG, "name": ORG_NAME, "policy": POLICY, "created_at": now}
    records = (new_key_record(ORG, Role(role), key, now) for role, key in keys.items())
    _add_missing(services.db, ORGS, [org])
    _add_missing(services.db, PROPERTY_COLLECTION, (_of_demo(each, now) for each in properties))
    _add_missing(services.db, TECHNICIAN_COLLECTION, (_of_demo(each, now) for each in technicians))
    _add_missing(services.db, SERVICE_COLLECTION, (_of_demo(each, now) for each in offered))
    _add_missing(services.db, API_KEYS, records)
    desk = People(services.db, Passwords(), services.clock)
    for each in people:
        with suppress(AlreadyExists):
            desk.create(ORG, UserCreate.model_validate(each))
    return ORG


def _of_demo(fields: Document, now: datetime) -> Document:
    return {"_id": document_id(ORG, fields["id"]), "org": ORG, **fields, "created_at": now, "updated_at": now}


def _add_missing(db: Database[Document], collection: str, documents: Iterable[Document]) -> None:
    wanted = {each["_id"]: each for each in documents}
    for there in db[collection].find({"_id": {"$in": list(wanted)}}, {"_id": 1}):
        del wanted[there["_id"]]
    if not wanted:
        return
    try:
        db[collection].insert_many(wanted.values(), ordered=False)
    except BulkWriteError as error:
        # Another server that starts at the same time may have written some of them first.
        if {each["code"] for each in error.details["writeErrors"]} != {DUPLICATE_KEY}:
            raise
