"""Makes, lists, rotates and revokes API keys. Only the call that makes a key shows it; MongoDB keeps its SHA-256.

A key has 192 random bits, so its plain hash reveals nothing. Every change of a key sets its `changed_at` by MongoDB's
clock, which is how each process finds it: see `services.access.authentication`. The collection also has the sessions of
`services.access.sessions`, and those of a key end with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from pymongo import ASCENDING, IndexModel
from pymongo.database import Database

from models.access import Caller, Role
from models.errors import InvalidTransition, NotFound
from models.keys import ApiKey, KeyMade
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import DEFAULT_PAGE, bad_cursor, read_cursor, write_cursor
from services.timetable.grid import to_milliseconds

API_KEYS = "api_keys"
ORGS = "orgs"
KEY_ROLES = frozenset(Role) - {Role.CUSTOMER}

CHANGED = {"$currentDate": {"changed_at": True}}
"""Part of every write, so that all processes find what it changed."""

_OF_SESSIONS = {"is_session": True}
_INDEXES = [
    IndexModel([("org", ASCENDING), ("key_id", ASCENDING)], unique=True, name="one_per_key_id"),
    IndexModel([("org", ASCENDING), ("created_at", ASCENDING), ("key_id", ASCENDING)], name="by_age"),
    IndexModel([("changed_at", ASCENDING)], name="by_change"),
    IndexModel([("org", ASCENDING), ("user_id", ASCENDING)], name="of_person", partialFilterExpression=_OF_SESSIONS),
    IndexModel([("org", ASCENDING), ("of_key", ASCENDING)], name="of_key", partialFilterExpression=_OF_SESSIONS),
    IndexModel([("expires_at", ASCENDING)], name="over", expireAfterSeconds=3600, partialFilterExpression=_OF_SESSIONS),
]


def ensure_key_indexes(db: Database[Document]) -> None:
    """Makes the indexes of the keys, if they are not there yet. StoreUnavailable."""
    with mongo_faults():
        db[API_KEYS].create_indexes(_INDEXES)


def caller_of(record: Document) -> Caller:
    """The caller whose key or session has this record. A key that took the place of another is the same caller, so
    holds, waitlist entries and repeated requests go on with it; histories and logs tell them apart."""
    return Caller(
        record["org"],
        Role(record["role"]),
        record.get("acts_as") or record["key_id"],
        origins=frozenset(record.get("origins") or ()),
        shown_id=record.get("shown_as") or record["key_id"],
        earlier_ids=frozenset(record.get("took_over") or ()),
        session_id=record["key_id"] if record.get("is_session") else "",
    )


def new_key_record(org: str, role: Role, key: str, now: datetime) -> Document:
    """What MongoDB keeps of a new key. The key_id is random, so it reveals nothing about the key."""
    return {
        "_id": sha256(key.encode()).hexdigest(),
        "org": org,
        "role": Role(role).value,
        "key_id": f"key_{secrets.token_hex(6)}",
        "revoked": False,
        "created_at": to_milliseconds(now),
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

    def create_key(self, org: str, role: Role, *, name: str | None = None, origins: Sequence[str] = ()) -> KeyMade:
        """Makes a new key. origins: the web pages that may use it; none means all.

        Raises ValueError for a role that has no keys.
        """
        return self._create(org, role, {"name": name, "origins": list(origins)})

    def rotate_key(self, org: str, key_id: str, overlap_seconds: int) -> KeyMade:
        """Makes a key in the place of this one, which itself ends after the overlap.

        After a failure between the two steps the old key stays valid; a repeat makes a further key.
        Raises NotFound, InvalidTransition (the key has ended).
        """
        old = self._find(org, key_id)
        if has_ended(old, self._clock()):
            raise InvalidTransition("This key has ended, so no key can take its place. Make a new one.")
        kept = {name: old.get(name) for name in ("name", "origins")} | {
            "acts_as": old.get("acts_as") or key_id,
            "took_over": [*(old.get("took_over") or []), key_id],
        }
        made = self._create(org, Role(old["role"]), kept)
        ends = self._clock() + timedelta(seconds=overlap_seconds)
        self._change(org, key_id, {"$set": {"expires_at": to_milliseconds(ends)}})
        self._change_sessions(org, key_id, {"$min": {"expires_at": to_milliseconds(ends)}})
        return made

    def revoke_key(self, org: str, key_id: str) -> None:
        """Ends a key for good, and its sessions; a repeat does no harm. Raises NotFound."""
        self._change(org, key_id, {"$set": {"revoked": True}})
        self._change_sessions(org, key_id, {"$set": {"revoked": True}})

    def ended(self, keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of some keys and sessions, each by org and key_id, that are valid no more."""
        wanted, now = list(keys), self._clock()
        if not wanted:
            return []
        with mongo_faults():
            records = list(self._keys.find({"$or": [{"org": org, "key_id": key_id} for org, key_id in wanted]}))
        valid = {(each["org"], each["key_id"]) for each in records if not has_ended(each, now)}
        return [key for key in wanted if key not in valid]

    def list_keys(
        self, org: str, limit: int = DEFAULT_PAGE, cursor: str | None = None
    ) -> tuple[list[ApiKey], str | None]:
        """One page of the org's keys, the oldest first, ended ones too; and the cursor of the next page or None.

        Raises InvalidRequest for a cursor that no list gave.
        """
        query: Document = {"org": org, "is_session": None}
        if cursor is not None:
            query["$or"] = self._after(org, cursor)
        order = [("created_at", ASCENDING), ("key_id", ASCENDING)]
        with mongo_faults():
            found = list(self._keys.find(query).sort(order).limit(limit + 1))
        shown = [_shown(record) for record in found[:limit]]
        return shown, write_cursor(shown[-1].key_id) if len(found) > limit else None

    def _after(self, org: str, cursor: str) -> list[Document]:
        """The filter of what a list has behind its entry at the cursor."""
        [key_id] = read_cursor(cursor, 1)
        with mongo_faults():
            last = self._keys.find_one(_one(org, key_id))
        if last is None:
            raise bad_cursor()
        created_at = last["created_at"]
        return [{"created_at": {"$gt": created_at}}, {"created_at": created_at, "key_id": {"$gt": key_id}}]

    def _create(self, org: str, role: Role, values: Document) -> KeyMade:
        if role not in KEY_ROLES:
            raise ValueError(f"an API key cannot have the role {role}")
        key = f"hf_{role}_{secrets.token_urlsafe(24)}"
        record = new_key_record(org, role, key, self._clock()) | values
        with mongo_faults():
            self._keys.update_one({"_id": record["_id"]}, {"$setOnInsert": record, **CHANGED}, upsert=True)
        return KeyMade(key_id=record["key_id"], key=key)

    def _find(self, org: str, key_id: str) -> Document:
        with mongo_faults():
            return _required(self._keys.find_one(_one(org, key_id)))

    def _change(self, org: str, key_id: str, update: Document) -> None:
        with mongo_faults():
            _required(self._keys.find_one_and_update(_one(org, key_id), {**update, **CHANGED}))

    def _change_sessions(self, org: str, key_id: str, update: Document) -> None:
        with mongo_faults():
            self._keys.update_many({"org": org, "of_key": key_id, **_OF_SESSIONS}, {**update, **CHANGED})


def _one(org: str, key_id: str) -> Document:
    """The query of one key, which is no session."""
    return {"org": org, "key_id": key_id, "is_session": None}


def _required(record: Document | None) -> Document:
    if record is None:
        raise NotFound("There is no such key.")
    return record


def has_ended(record: Document, now: datetime) -> bool:
    """Whether a key is valid no more: it was revoked, or its time after a rotation is over."""
    expires_at = record.get("expires_at")
    return record["revoked"] or (expires_at is not None and expires_at <= now)


def _shown(record: Document) -> ApiKey:
    return ApiKey(
        key_id=record["key_id"],
        role=record["role"],
        name=record.get("name"),
        origins=record.get("origins") or None,
        created_at=record["created_at"],
        expires_at=record.get("expires_at"),
        revoked=record["revoked"],
    )
