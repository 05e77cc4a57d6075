"""What was sent to customers, or is being sent: the only writer of `messages`.

A message is written down before it leaves. So after a crash it is known what may have left, and of two entries of the
outbox that would say the same only one does. It is kept for a month.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.messages import MessageChannel, MessageKind
from services.ledger.following import log_time
from services.ledger.persons import BY_PERSON
from services.stores.connections import Document
from services.stores.faults import mongo_faults

KEPT_SECONDS: Final = 30 * 86_400
INDEXES: Final = [
    IndexModel(
        [("org", ASCENDING), ("booking_id", ASCENDING), ("channel", ASCENDING), ("about", ASCENDING)],
        name="said_once",
        unique=True,
    ),
    IndexModel(
        [("org", ASCENDING), ("booking_id", ASCENDING), ("channel", ASCENDING), ("version", DESCENDING)],
        name="by_version",
    ),
    IndexModel([("began_at", ASCENDING)], name="kept", expireAfterSeconds=KEPT_SECONDS),
    BY_PERSON,
]
BEGAN: Final = "messages"
"""The document of `meta` that says since when messages are sent, by channel."""

Report = Literal["delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was begun. message_id: of its entry in the outbox.

    about: what is said; each thing is said once to a customer of a booking on a channel. version: of the booking that
    the message describes. to, text: None once they were erased. sent: whether it left for certain. provider_id: of the
    provider. report: what the provider said later.
    """

    message_id: str
    org: str
    booking_id: str
    kind: MessageKind
    channel: MessageChannel
    about: str
    version: int
    to: str | None
    text: str | None
    persons: Sequence[str]
    began_at: datetime
    sent: bool = False
    provider_id: str | None = None
    report: Report | None = None


class MessageStore:
    """Messages in MongoDB. Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._messages = db["messages"]
        self._meta = db["meta"]

    def prepare(self) -> None:
        """Creates the indexes, if they are not there yet."""
        with mongo_faults():
            self._messages.create_indexes(INDEXES)

    def began(self, on: Collection[MessageChannel], *, ends_others: bool = True) -> dict[MessageChannel, int]:
        """When the sending on these channels began, which this call may be: nothing older is news to customers. In
        times of MongoDB's log, as numbers. ends_others: on another channel it begins anew once that is on again."""
        now: Document = {each: {"$ifNull": [f"${each}", "$$CLUSTER_TIME"]} for each in on}
        kept = {"_id": BEGAN} if ends_others else "$$ROOT"
        with mongo_faults():
            found = self._meta.find_one_and_update(
                {"_id": BEGAN},
                [{"$replaceWith": {"$mergeObjects": [kept, now]}}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return {each: log_time(found[each]) for each in on} if found else {}

    def begin(self, message: Message) -> bool:
        """Writes a message down before it is sent, or writes it anew. False if another one says the same."""
        with mongo_faults():
            try:
                document = _document_of(message)
                self._messages.replace_one({"_id": message.message_id, "org": message.org}, document, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    def find(self, org: str, message_id: str) -> Message | None:
        """The message of an entry, if it was begun."""
        with mongo_faults():
            found = self._messages.find_one({"_id": message_id, "org": org})
        return _message_of(found) if found else None

    def among(self, org: str, message_ids: Iterable[str]) -> dict[str, Message]:
        """Those of some messages that were begun, by id."""
        with mongo_faults():
            found = self._messages.find({"_id": {"$in": [*message_ids]}, "org": org})
            return {each["_id"]: _message_of(each) for each in found}

    def known_version(self, org: str, booking_id: str, channel: MessageChannel) -> int | None:
        """The newest version of a booking that was described on a channel, if any was."""
        query = {"org": org, "booking_id": booking_id, "channel": channel, "sent": True}
        with mongo_faults():
            found = self._messages.find_one(query, {"version": 1}, sort=[("version", DESCENDING)])
        return found["version"] if found else None

    def sent(self, message_id: str, provider_id: str | None) -> None:
        """Notes that a message left."""
        with mongo_faults():
            self._messages.update_one({"_id": message_id}, {"$set": {"sent": True, "provider_id": provider_id}})

    def report(self, message_id: str, provider_id: str, report: Report) -> Message | None:
        """Notes what the provider says of a message that it took, and gives the message. `delivered` stays."""
        query = {"_id": message_id, "provider_id": {"$in": [provider_id, None]}, "report": {"$ne": "delivered"}}
        noted = {"report": report, "provider_id": provider_id, "sent": True}
        with mongo_faults():
            found = self._messages.find_one_and_update(query, {"$set": noted})
        return _message_of(found) if found else None

    def forget_failed(self, org: str, message_id: str) -> None:
        """Lets a message of which the provider says that it did not arrive be begun anew."""
        with mongo_faults():
            self._messages.delete_one({"_id": message_id, "org": org, "report": "failed"})

    def of_person(self, org: str, persons: Iterable[str]) -> list[Message]:
        """The messages to a person, whom any of these keys names (`ledger.persons`), the oldest first."""
        query: Document = {"persons": {"$in": [*persons]}, "org": org}
        with mongo_faults():
            found = self._messages.find(query).hint("by_person").sort([("began_at", ASCENDING), ("_id", ASCENDING)])
            return [_message_of(each) for each in found]

    def erase_person(self, org: str, persons: Iterable[str]) -> int:
        """Removes the addresses and texts of messages to a person, and gives the number of messages."""
        return self._erase({"persons": {"$in": [*persons]}, "org": org})

    def erase_booking(self, org: str, booking_id: str) -> int:
        """As erase_person, of the messages about one booking."""
        return self._erase({"org": org, "booking_id": booking_id, "to": {"$ne": None}})

    def _erase(self, query: Document) -> int:
        erased: Document = {"to": None, "text": None, "persons": []}
        with mongo_faults():
            return self._messages.update_many(query, {"$set": erased}).modified_count


_FIELDS: Final = tuple(each.name for each in fields(Message) if each.name != "message_id")


def _document_of(message: Message) -> Document:
    return {"_id": message.message_id, **{name: getattr(message, name) for name in _FIELDS}}


def _message_of(document: Document) -> Message:
    values: dict[str, Any] = {name: document[name] for name in _FIELDS}
    return Message(message_id=document["_id"], **values)
