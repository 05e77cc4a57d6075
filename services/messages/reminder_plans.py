"""For which reminders the visits of each org were looked through, and how far: the only writer of these notes.

They are documents of `meta`, because there is one for each org, and only a relay reads them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from pymongo.database import Database

from models.messages import MessageChannel
from services.stores.connections import Document
from services.stores.faults import mongo_faults

PREFIX: Final = "reminders:"
BEHIND_PREFIX: Final = "reminders;"
"""The first text behind all that begin with PREFIX."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reminders an org's visits are to have. channels: those with a sender, and since when each has one, in times
    of MongoDB's log."""

    hours: list[int]
    channels: dict[MessageChannel, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """wanted: what was planned. start, booking_id: of the last visit that was looked at; None for none yet. done:
    whether all were."""

    wanted: Wanted
    start: datetime | None = None
    booking_id: str = ""
    done: bool = False


class ReminderPlans:
    """Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._meta = db["meta"]

    def all(self) -> dict[str, Plan]:
        """What was planned, by org."""
        with mongo_faults():
            found = self._meta.find({"_id": {"$gte": PREFIX, "$lt": BEHIND_PREFIX}})
            return {each["_id"].removeprefix(PREFIX): _plan_of(each) for each in found}

    def find(self, org: str) -> Plan | None:
        """What was planned for an org."""
        with mongo_faults():
            found = self._meta.find_one({"_id": PREFIX + org})
        return _plan_of(found) if found else None

    def save(self, org: str, plan: Plan) -> None:
        """Notes what was planned for an org."""
        with mongo_faults():
            self._meta.replace_one({"_id": PREFIX + org}, asdict(plan), upsert=True)


def _plan_of(document: Document) -> Plan:
    return Plan(Wanted(**document["wanted"]), document["start"], document["booking_id"], document["done"])
