"""The messages that customers get by text and by e-mail: their kinds, their states, and what an org says of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from models.fields import Matches, NoneIfBlank, PlainId, Request, Shown, WholeNumber
from models.times import Instant
from models.working_hours import TimeOfDay

MessageKind = Literal["confirmation", "reminder", "moved", "cancelled", "waitlist_offer", "reservation_deadline"]
MessageChannel = Literal["sms", "email"]
MessageStatus = Literal["held", "queued", "sent", "failed", "suppressed"]

OwnLanguage = Literal["en", "da", "is"]
"""The languages that we have texts in."""
Language = Annotated[
    str, Matches("^[a-z]{2}$", "bad_language", "Give {field} as the two small letters of a language, such as da.")
]
"""A language of ISO 639. Without texts in it, the org's own language is written."""
FormLanguage = Annotated[Language | None, NoneIfBlank]
"""A language of a form, in which a field that was left empty is an empty text."""


def _two_times(value: list[str]) -> list[str]:
    if value[0] == value[1]:
        raise PydanticCustomError("bad_span", "Give {field} as two different times, such as 22:00 and 07:00, or null.")
    return value


QuietHours = Annotated[list[TimeOfDay], Field(min_length=2, max_length=2), AfterValidator(_two_times)]
"""From when to when messages wait, by the property's clock; mostly over midnight."""
ReminderHours = Annotated[
    list[Annotated[WholeNumber, Field(ge=1, le=336)]],
    Field(max_length=5),
    AfterValidator(lambda value: sorted(set(value), reverse=True)),
]
"""How many hours before a visit its reminders are sent; an empty list for none."""
SmsNumber = Annotated[
    str,
    Matches(r"^\+[1-9][0-9]{6,14}$", "bad_phone", "Give {field} with + and the country code, such as +4512345678."),
]
"""The number that texts are sent from, as E.164."""


class MessageQuery(Request):
    """Query of GET /messages: the newest first."""

    booking_id: PlainId | None = None
    kind: MessageKind | None = None
    channel: MessageChannel | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class PreviewQuery(Request):
    """Query of GET /messages/preview: how a message about a booking reads."""

    kind: MessageKind
    booking_id: PlainId
    channel: MessageChannel = "sms"
    language: OwnLanguage | None = None


class PreviewReply(Shown):
    """How a message reads. segments: of a text. subject, html: of an e-mail."""

    text: str
    segments: int | None = None
    subject: str | None = None
    html: str | None = None


class MessageReply(Shown):
    """One message to a customer. `to` and `text` are what was sent, or what would be sent now; null where there is
    nothing to send, and once they were erased.

    booking_id: null for an offer, which has a waitlist_id. detail: why a message is not sent, in one word.
    """

    message_id: str
    booking_id: str | None
    waitlist_id: str | None = None
    kind: MessageKind
    channel: MessageChannel
    to: str | None
    text: str | None
    status: MessageStatus
    detail: str | None = None
    send_after: Instant
    created_at: Instant


class MessagePage(Shown):
    """One page of messages, the newest first; `next_cursor` is null on the last one."""

    messages: list[MessageReply]
    next_cursor: str | None
