"""The webhooks in MongoDB. No secret is stored: each follows from the id and the generation, see WebhookSecrets."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bson.timestamp import Timestamp
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.database import Database

from services.clock import Clock
from services.ledger.documents import MONGO_PUTS_ITS_TIME_HERE
from services.ledger.following import log_time
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.stores.pages import read_cursor, write_cursor
from services.timetable.grid import to_milliseconds

OVERLAP_MS: Final = 24 * 3600 * 1000
"""For how long the secret before a rotation signs too."""
MOST_EARLIER: Final = 5
OFF_AFTER_MS: Final = 24 * 3600 * 1000
LONGEST_PAUSE_MS: Final = 3 * 3600 * 1000
"""Failures that lie further apart say nothing of the time between them. What fails is tried again within an hour."""
INDEXES: Final = [
    IndexModel([("org", ASCENDING), ("_id", ASCENDING)], name="by_org"),
    IndexModel([("status", ASCENDING), ("since", ASCENDING)], name="listening"),
]


@dataclass(frozen=True, slots=True)
class Webhook:
    """since: the time of MongoDB's log from which on it hears of changes, as one number.

    generation: of its secret. earlier: the generations before, each with the time until which it signs too.
    """

    webhook_id: str
    org: str
    url: str
    kinds: list[str]
    status: str
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime
    since: int
    generation: int
    earlier: list[tuple[int, datetime]]


class WebhookStore:
    """Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document], clock: Clock) -> None:
        self._webhooks = db["webhooks"]
        self._clock = clock

    def prepare(self) -> None:
        """Creates the indexes, if they are not there yet."""
        with mongo_faults():
            self._webhooks.create_indexes(INDEXES)

    def make(self, org: str, url: str, kinds: list[str]) -> Webhook:
        """A new webhook, which hears of what changes from now on."""
        document: Document = {
            "_id": f"wh_{secrets.token_hex(12)}",
            "org": org,
            "url": url,
            "kinds": kinds,
            "status": "active",
            "disabled_reason": None,
            "failing_since": None,
            "created_at": to_milliseconds(self._clock()),
            "since": MONGO_PUTS_ITS_TIME_HERE,
            "generation": 1,
            "earlier": [],
        }
        with mongo_faults():
            self._webhooks.insert_one(document)
        return _webhook_of(document)

    def find(self, org: str, webhook_id: str) -> Webhook | None:
        with mongo_faults():
            found = self._webhooks.find_one({"_id": webhook_id, "org": org})
        return _webhook_of(found) if found else None

    def page(self, org: str, limit: int, cursor: str | None) -> tuple[list[Webhook], str | None]:
        """One page by id, and the cursor of the next one or None. Raises InvalidRequest."""
        wanted: Document = {"org": org}
        if cursor is not None:
            [last] = read_cursor(cursor, 1)
            wanted["_id"] = {"$gt": last}
        with mongo_faults():
            found = [_webhook_of(each) for each in self._webhooks.find(wanted).sort("_id").limit(limit + 1)]
        return found[:limit], write_cursor(found[limit - 1].webhook_id) if len(found) > limit else None

    def listening(self, orgs: Collection[str]) -> list[Webhook]:
        """The active webhooks of some orgs."""
        with mongo_faults():
            found = self._webhooks.find({"org": {"$in": list(orgs)}, "status": "active"})
            return [_webhook_of(each) for each in found]

    def listening_since(self) -> datetime | None:
        """From when on any webhook of any org hears of changes; None if there is no active one."""
        with mongo_faults():
            found = self._webhooks.find_one({"status": "active"}, {"since": 1}, sort=[("since", ASCENDING)])
        return found["since"].as_datetime() if found else None

    def change(self, org: str, webhook_id: str, values: dict[str, Any]) -> Webhook | None:
        """Sets some fields; None if there is no such webhook. One that becomes active hears from now on."""
        changed: Document = {name: {"$literal": value} for name, value in values.items()}
        if values.get("status") == "active":
            was_off = {"$eq": ["$status", "disabled"]}
            changed |= {"since": {"$cond": [was_off, "$$CLUSTER_TIME", "$since"]}}
            changed |= {name: {"$cond": [was_off, None, f"${name}"]} for name in ("disabled_reason", "failing_since")}
        elif values.get("status") == "disabled":
            changed["disabled_reason"] = {"$ifNull": ["$disabled_reason", "by_request"]}
        return self._update(org, webhook_id, [{"$set": changed}])

    def rotate(self, org: str, webhook_id: str) -> Webhook | None:
        """The webhook with a secret of a new generation; None if there is no such webhook."""
        ends = {"generation": "$generation", "until": {"$add": ["$$NOW", OVERLAP_MS]}}
        earlier = {"$slice": [{"$concatArrays": [[ends], "$earlier"]}, MOST_EARLIER]}
        change = {"earlier": earlier, "generation": {"$add": ["$generation", 1]}}
        return self._update(org, webhook_id, [{"$set": change}])

    def delete(self, org: str, webhook_id: str) -> bool:
        """False if there was none."""
        with mongo_faults():
            return self._webhooks.delete_one({"_id": webhook_id, "org": org}).deleted_count == 1

    def succeeded(self, webhook: Webhook) -> None:
        """Notes that something arrived."""
        if webhook.failing_since is not None:
            self._update(webhook.org, webhook.webhook_id, [{"$set": {"failing_since": None}}])

    def failed(self, webhook: Webhook, *, gone: bool) -> bool:
        """Notes that something did not arrive. Whether that switches the webhook off: after a day in which attempts
        failed again and again, or because the receiver said that it is gone."""
        goes_on = {"$gte": ["$failed_at", {"$subtract": ["$$NOW", LONGEST_PAUSE_MS]}]}
        since = {"$cond": [goes_on, {"$ifNull": ["$failing_since", "$$NOW"]}, "$$NOW"]}
        long = {"$lte": ["$failing_since", {"$subtract": ["$$NOW", OFF_AFTER_MS]}]}
        ends = {"$and": [{"$eq": ["$status", "active"]}, True if gone else long]}
        reason = "gone" if gone else "failing"
        change: list[Document] = [
            {"$set": {"failing_since": since, "failed_at": "$$NOW"}},
            {
                "$set": {
                    "status": {"$cond": [ends, "disabled", "$status"]},
                    "disabled_reason": {"$cond": [ends, reason, "$disabled_reason"]},
                }
            },
        ]
        found = self._update(webhook.org, webhook.webhook_id, change)
        return found is not None and found.status == "disabled" and webhook.status == "active"

    def _update(self, org: str, webhook_id: str, change: list[Document]) -> Webhook | None:
        query = {"_id": webhook_id, "org": org}
        with mongo_faults():
            found = self._webhooks.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
        return _webhook_of(found) if found else None


def _webhook_of(document: Document) -> Webhook:
    names = ("org", "url", "kinds", "status", "disabled_reason", "failing_since", "created_at", "generation")
    values: dict[str, Any] = {name: document[name] for name in names}
    since: Timestamp = document["since"]
    earlier = [(each["generation"], each["until"].replace(tzinfo=UTC)) for each in document["earlier"]]
    return Webhook(webhook_id=document["_id"], since=log_time(since), earlier=earlier, **values)
