"""What a new world has in MongoDB, copied from a world that the product made: four writes in place of sixteen."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from pymongo import WriteConcern

COLLECTIONS = ("orgs", "properties", "technicians")
AT_ONCE = WriteConcern(w=1, j=False)
"""For all but the last write: a majority has what an earlier write wrote once it has the last one."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Stock:
    """The documents of the two orgs of a world.

    org: the name that theirs begin with. made_at: when the last of them was made, so that no copy is of the future.
    """

    org: str
    made_at: datetime
    documents: dict[str, list[Document]]
    api_keys: list[Document]

    @classmethod
    def of(cls, db: Any, org: str, other_org: str) -> Stock:
        """Reads the documents of two orgs to which nobody has done anything yet."""
        ours = {"$in": [org, other_org]}
        documents = {name: [*db[name].find({"_id" if name == "orgs" else "org": ours})] for name in COLLECTIONS}
        keys = [*db["api_keys"].find({"org": ours})]
        made = [each["created_at"] for name in COLLECTIONS for each in documents[name]]
        return cls(org, max(made), documents, keys)

    def copy_to(self, db: Any, org: str) -> dict[tuple[str, str], str]:
        """Gives an org and its rival the same documents, as if they had been made now. The key of each (org, role)."""
        age, made = datetime.now(UTC) - self.made_at, dict[tuple[str, str], str]()
        for name, documents in self.documents.items():
            copies = [self._renamed(each, org, age) for each in documents]
            db.get_collection(name, write_concern=AT_ONCE).insert_many(copies)
        records = []
        for each in self.api_keys:
            record, key = self._renamed(each, org, age), f"hf_{each['role']}_{secrets.token_urlsafe(24)}"
            records.append(record | {"_id": sha256(key.encode()).hexdigest(), "key_id": f"key_{secrets.token_hex(6)}"})
            made[record["org"], record["role"]] = key
        db["api_keys"].insert_many(records)
        return made

    def _renamed(self, document: Document, org: str, age: timedelta) -> Document:
        return {name: self._value(value, org, age) for name, value in document.items()}

    def _value(self, value: Any, org: str, age: timedelta) -> Any:
        if isinstance(value, str):
            return value.replace(self.org, org)
        return value + age if isinstance(value, datetime) else value
