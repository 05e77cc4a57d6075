"""Shows the office what customers are sent: what left, what is planned, and how a message reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, cast

from models.access import Caller
from models.booking import Booking
from models.errors import BookingNotFound, InvalidTransition, NotFound
from models.messages import MessageChannel, MessageKind, MessageQuery, MessageReply, MessageStatus, PreviewQuery
from models.messages import PreviewReply as Preview
from services.clock import Clock
from services.messages.composing import ASKED, Composed, Composing
from services.messages.source import DUE
from services.messages.store import Message, MessageStore
from services.outbox.shelf import Kept, OutboxShelf
from services.texting.gsm7 import segments

CHANNELS: Final[tuple[MessageChannel, ...]] = ("sms", "email")
OFFER: Final = "waitlist_offer"


class MessageDesk:
    """Messages for staff. Everything may raise StoreUnavailable. booking: the booking with an id, or None."""

    def __init__(
        self,
        *,
        shelf: OutboxShelf,
        messages: MessageStore,
        composing: Composing,
        booking: Callable[[str, str], Booking | None],
        clock: Clock,
    ) -> None:
        self._shelf = shelf
        self._messages = messages
        self._composing = composing
        self._booking = booking
        self._clock = clock

    def page(self, caller: Caller, query: MessageQuery) -> tuple[list[MessageReply], str | None]:
        """One page, the newest first, and the cursor of the next one or None. Raises InvalidRequest (cursor).

        What is planned is shown as it would be sent now, so each planned message costs up to three reads.
        """
        channels = CHANNELS if query.channel is None else (query.channel,)
        named = {"booking_id": query.booking_id, "kind": query.kind}
        kept, cursor = self._shelf.messages(caller.org, channels, query.limit, query.cursor, **named)
        begun = self._messages.among(caller.org, [each.id for each in kept])
        composing, now = self._composing.for_a_list(), self._clock()
        return [_shown(each, begun.get(each.id), composing, now) for each in kept], cursor

    def send_again(self, caller: Caller, message_id: str) -> MessageReply:
        """Lets a message that failed be sent in a moment, as it would read now. Raises NotFound, InvalidTransition (it
        has not failed)."""
        kept = self._shelf.find(caller.org, CHANNELS, message_id)
        if kept is None:
            raise NotFound("There is no such message.")
        if _status(kept, self._messages.find(caller.org, message_id), is_ahead=False) != "failed":
            raise InvalidTransition("This message has not failed. Only one that failed is sent again.")
        self._messages.forget_failed(caller.org, message_id)
        again = self._shelf.send_again(caller.org, kept.receiver, message_id, **{ASKED: True}) or kept
        return _shown(again, self._messages.find(caller.org, message_id), self._composing, self._clock())

    def preview(self, caller: Caller, query: PreviewQuery) -> Preview:
        """How a message about a booking reads. Raises BookingNotFound."""
        booking = self._booking(caller.org, query.booking_id)
        if booking is None:
            raise BookingNotFound
        letter = self._composing.preview(booking, query.kind, query.language, query.channel)
        if query.channel == "sms":
            return Preview(text=letter.text, segments=segments(letter.text))
        return Preview(text=letter.text, subject=letter.subject, html=letter.html)


def _shown(kept: Kept, begun: Message | None, composing: Composing, now: datetime) -> MessageReply:
    to, text = (begun.to, begun.text) if begun else (None, None)
    detail = kept.detail.get("reason")
    if begun is None and kept.state == "waiting":
        composed = composing.compose(kept, now)
        if isinstance(composed, Composed):
            to, text = composed.to, composed.letter.kept
        else:
            detail = composed.reason
    planned = datetime.fromisoformat(kept.body[DUE]) if DUE in kept.body else kept.created_at
    due = max(planned, kept.due or planned)
    return MessageReply(
        message_id=kept.id,
        **subject_of(kept.kind, kept.booking_id),
        channel=cast(MessageChannel, kept.channel),
        to=to,
        text=text,
        status=_status(kept, begun, is_ahead=due > now),
        detail=detail,
        send_after=due,
        created_at=kept.created_at,
    )


def shown_as_sent(messages: Sequence[Message]) -> list[MessageReply]:
    """Messages that left, without a look at their entries: for the export of what is held of a person."""
    return [
        MessageReply(
            message_id=each.message_id,
            **subject_of(each.kind, each.booking_id),
            channel=each.channel,
            to=each.to,
            text=each.text,
            status="failed" if each.report == "failed" else "sent" if each.sent else "queued",
            send_after=each.began_at,
            created_at=each.began_at,
        )
        for each in messages
    ]


def subject_of(kind: str, about_id: str) -> dict[str, Any]:
    """The kind of a message and what it is about, as members of a reply."""
    is_offer = kind == OFFER
    found: dict[str, Any] = {"kind": cast(MessageKind, kind), "booking_id": None if is_offer else about_id}
    return {**found, "waitlist_id": about_id} if is_offer else found


def _status(kept: Kept, begun: Message | None, *, is_ahead: bool) -> MessageStatus:
    if begun is not None and begun.report == "failed":
        return "failed"
    if kept.state == "waiting":
        return "held" if is_ahead else "queued"
    statuses: dict[str, MessageStatus] = {"delivered": "sent", "dead": "failed", "suppressed": "suppressed"}
    return statuses[kept.state]
