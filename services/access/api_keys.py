"""Makes, lists and revokes API keys. Only the call that makes a key shows it; MongoDB keeps its SHA-256.

A key has 192 random bits, so its plain hash reveals nothing. How soon each process refuses a revoked key, see
`services.access.authentication`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.access import Caller, Role
from models.errors import AlreadyExists
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults

API_KEYS = "api_keys"
ORGS = "orgs"
KEY_ROLES = frozenset(Role) - {Role.CUSTOMER}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What a list may show of a key."""

    key_id: str
    role: Role
    revoked: bool
    created_at: datetime


def caller_of(record: Document | None) -> Caller | None:
    """The caller whose key has this record; None without a record, and for a revoked key."""
    if record is None or record["revoked"]:
        return None
    return Caller(org=record["org"], role=Role(record["role"]), key_id=record["key_id"])


def new_key_record(org: str, role: Role, key: str, now: datetime) -> Document:
    """What MongoDB keeps of a new key. The key_id is random, so it reveals nothing about the key."""
    return {
        "_id": sha256(key.encode()).hexdigest(),
        "org": org,
        "role": Role(role).value,
        "key_id": f"key_{secrets.token_hex(6)}",
        "revoked": False,
        "created_at": now,
    }


class ApiKeys:
    """The keys of every org, in MongoDB. Every method may raise StoreUnavailable."""

    def __init__(self, db: Database[Document], clock: Clock) -> None:
        self._keys = db[API_KEYS]
        self._orgs = db[ORGS]
        self._clock = clock

    def create_org(self, org: str, name: str) -> None:
        """Makes an org with the default policy; changes nothing where it exists."""
        document = {"name": name, "policy": {}, "created_at": self._clock()}
        with mongo_faults():
            self._orgs.update_one({"_id": org}, {"$setOnInsert": document}, upsert=True)

    def org_exists(self, org: str) -> bool:
        with mongo_faults():
            return self._orgs.find_one({"_id": org}, {"_id": 1}) is not None

    def create_key(self, org: str, role: Role, key: str | None = None) -> str:
        """Makes a new key, or records the given one, and gives it. A given key that exists stays revoked if it was.

        Raises AlreadyExists if the given key belongs to another org or role; ValueError for a role that has no keys.
        """
        if role not in KEY_ROLES:
            raise ValueError(f"an API key cannot have the role {role}")
        made = key or f"hf_{role}_{secrets.token_urlsafe(24)}"
        record = new_key_record(org, role, made, self._clock())
        try:
            with mongo_faults():
                self._keys.insert_one(record)
        except DuplicateKeyError:
            with mongo_faults():
                same = self._keys.find_one({"_id": record["_id"], "org": org, "role": record["role"]})
            if same is None:
                raise AlreadyExists("This API key exists already, with another org or role.") from None
        return made

    def list_keys(self, org: str) -> list[ApiKey]:
        """The org's keys, the oldest first, revoked ones too."""
        with mongo_faults():
            records = list(self._keys.find({"org": org}).sort("created_at", ASCENDING))
        return [ApiKey(each["key_id"], Role(each["role"]), each["revoked"], each["created_at"]) for each in records]

    def revoke_key(self, org: str, key_id: str) -> bool:
        """Ends a key for good; a repeat does no harm. False if the org has no such key."""
        with mongo_faults():
            done = self._keys.update_one({"org": org, "key_id": key_id}, {"$set": {"revoked": True}})
        return done.matched_count == 1
