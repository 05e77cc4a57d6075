"""Sends the messages of the outbox: decides once more, writes down what leaves, and lets a post carry it.

A message is written down before and after it leaves. A courier that died in between has left a message of which nobody
knows whether it went out; the next one asks the post.
"""

from __future__ import annotations

from typing import Final, Protocol

from services.clock import Clock
from services.crash_points import CrashPoints
from services.messages.composing import Composed, Composing, Nothing
from services.messages.store import Message, MessageStore
from services.outbox.entries import Delivered, Entry, NotYet, Outcome, Suppressed

SAID_BY_ANOTHER: Final = Suppressed({"reason": "nothing_new"})


class Post(Protocol):
    """Carries messages of a channel. Several threads call it at once."""

    def carry(self, composed: Composed, message_id: str) -> Outcome:
        """Sends a message. A Delivered has the provider's id as `provider_id`, if it gave one."""

    def find(self, begun: Message, /) -> Outcome | None:
        """How a message left of which that is not known: Delivered if it did, None if it did not or nobody can tell,
        Again if that cannot be asked now."""


class MessageCourier:
    """A Courier of the outbox, for one channel."""

    def __init__(
        self, composing: Composing, messages: MessageStore, post: Post, clock: Clock, crash: CrashPoints
    ) -> None:
        self._composing = composing
        self._messages = messages
        self._post = post
        self._clock = clock
        self._crash = crash

    def send(self, entry: Entry) -> Outcome:
        """Sends the message of an entry, if there still is one. Raises StoreUnavailable."""
        begun = self._messages.find(entry.org, entry.id)
        if begun is not None and begun.sent:
            return Delivered({})
        if begun is not None and (found := self._post.find(begun)) is not None:
            return self._noted(entry, found)
        now = self._clock()
        composed = self._composing.compose(entry, now)
        if isinstance(composed, Nothing):
            return Suppressed({"reason": composed.reason})
        if composed.wait_until is not None:
            return NotYet(composed.wait_until)
        message = Message(
            message_id=entry.id,
            org=entry.org,
            booking_id=entry.booking_id,
            kind=composed.kind,
            channel=composed.channel,
            about=composed.about,
            version=composed.version,
            to=composed.to,
            text=composed.letter.kept,
            persons=composed.persons,
            began_at=now,
        )
        if not self._messages.begin(message):
            return SAID_BY_ANOTHER
        self._crash("after_message_begun")
        outcome = self._post.carry(composed, entry.id)
        self._crash("after_message_left")
        return self._noted(entry, outcome)

    def _noted(self, entry: Entry, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Delivered):
            self._messages.sent(entry.id, outcome.detail.get("provider_id"))
        return outcome
