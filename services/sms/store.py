"""Keeps the conversations, and which messages were taken.

A message is taken by a unique insert before anything is done about it, so one worker acts on it, and each repeat gets
the first answer. A conversation has a lease, so that two messages of one phone are answered one after the other. What a
worker leaves that dies passes on after TURN_SECONDS: the next one acts from the state before it, and the hold or the
booking that was made meets itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from models.errors import RequestInProgress
from services.ledger.persons import BY_PERSON, phone_key
from services.sms.talk import Talk
from services.stores.connections import Document
from services.stores.faults import mongo_faults

TURN_SECONDS = 6
"""How long one message may take. Twilio waits for 15 seconds."""
LOOK_EVERY_SECONDS = 0.05
MOST_REPLIES = 20
KEPT_MESSAGE_SECONDS = 2 * 86_400
KEPT_TALK_SECONDS = 90 * 86_400
QUESTION_COUNTS_FOR = timedelta(hours=12)
"""A later message does not answer what was asked: YES may then be meant for a reminder, and not for `Cancel it?`."""

Act = Callable[[Talk], tuple[Talk, str]]


class Conversations:
    """One conversation for each org and phone. Everything may raise StoreUnavailable; then the message can be sent
    again."""

    def __init__(self, db: Database[Document]) -> None:
        self._talks = db["conversations"]
        self._messages = db["sms_messages"]

    def prepare(self) -> None:
        """Creates the indexes, if they are not there yet."""
        with mongo_faults():
            expiry = IndexModel([("at", ASCENDING)], name="forgotten", expireAfterSeconds=KEPT_TALK_SECONDS)
            self._talks.create_indexes([BY_PERSON, expiry])
            expiry = IndexModel([("at", ASCENDING)], name="forgotten", expireAfterSeconds=KEPT_MESSAGE_SECONDS)
            self._messages.create_indexes([expiry, IndexModel([("talk", ASCENDING)], name="by_talk")])

    def answer(self, org: str, phone: str, sid: str, act: Act) -> str:
        """The answer to a message: the first one if it was answered before, else what `act` makes of the conversation.

        sid: names the message. Raises RequestInProgress if another worker works on it for too long, and what `act`
        raises; then the message is not taken.
        """
        talk_id, me = f"{org}/{phone}", secrets.token_hex(8)
        message_id = f"{talk_id}/{sid}"
        with self._taken(self._messages, message_id, me, {"talk": talk_id}) as message:
            if "reply" in message:
                return str(message["reply"])
            with self._taken(self._talks, talk_id, me, {"org": org, "persons": [phone_key(phone)]}) as found:
                # A worker that died may have saved the conversation, but not yet the answer to the message.
                replies: list[Document] = found.get("replies", [])
                known = [each["text"] for each in replies if each["sid"] == sid]
                if known:
                    text = str(known[0])
                else:
                    talk, text = act(_talk_of(found))
                    replies = [*replies, {"sid": sid, "text": text}][-MOST_REPLIES:]
                    self._save(self._talks, talk_id, me, {"talk": talk.model_dump(mode="json"), "replies": replies})
            self._save(self._messages, message_id, me, {"reply": text})
            return text

    def erase(self, org: str, persons: Iterable[str]) -> int:
        """Removes the conversations of a person, and the answers. Gives how many there were."""
        with mongo_faults():
            found = [each["_id"] for each in self._talks.find({"persons": {"$in": sorted(persons)}, "org": org})]
            self._messages.delete_many({"talk": {"$in": found}})
            return int(self._talks.delete_many({"_id": {"$in": found}}).deleted_count)

    @contextmanager
    def _taken(self, documents: Any, key: str, me: str, fields: Document) -> Iterator[Document]:
        """Takes a document for this worker, once no other has it; without a lease if it has its reply already."""
        found = self._take(documents, key, me, fields)
        try:
            yield found
        finally:
            if found.get("owner") == me:
                self._save(documents, key, me, {"until": datetime.fromtimestamp(0, UTC)})

    def _take(self, documents: Any, key: str, me: str, fields: Document) -> Document:
        deadline = monotonic() + 2 * TURN_SECONDS
        while True:
            found = self._try(documents, key, me, fields)
            if found is not None and ("reply" in found or found["owner"] == me):
                return found
            if monotonic() > deadline:
                raise RequestInProgress(retry_after_seconds=1)
            Event().wait(LOOK_EVERY_SECONDS)

    def _try(self, documents: Any, key: str, me: str, fields: Document) -> Document | None:
        """The document, with this worker as its owner if no other has it. None if another made it at this moment."""
        free = {"$and": [{"$lte": ["$until", "$$NOW"]}, {"$eq": [{"$type": "$reply"}, "missing"]}]}
        lease = {
            "owner": {"$cond": [free, me, "$owner"]},
            "until": {"$cond": [free, {"$add": ["$$NOW", TURN_SECONDS * 1000]}, "$until"]},
        }
        with mongo_faults():
            try:
                found: Document | None = documents.find_one_and_update(
                    {"_id": key},
                    [{"$set": {**fields, "at": {"$ifNull": ["$at", "$$NOW"]}, **lease}}],
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:
                return None
        return found

    def _save(self, documents: Any, key: str, me: str, values: Document) -> None:
        """Writes what is still this worker's. Another one that took it over has acted by itself."""
        with mongo_faults():
            documents.update_one({"_id": key, "owner": me}, {"$set": values, "$currentDate": {"at": True}})


def _talk_of(found: Document) -> Talk:
    """A conversation as it stood after the last message, or at rest if that is long ago."""
    talk = Talk.model_validate(found.get("talk", {}))
    return talk if datetime.now(UTC) - found["at"] < QUESTION_COUNTS_FOR else talk.at_rest()
