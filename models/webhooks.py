"""Webhooks: the addresses that hear of changes, what they hear, and the deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from models.booking import BookingReply
from models.fields import Matches, Request, Shown, WholeNumber
from models.times import Instant
from models.waitlist import WaitReply

WebhookKind = Literal[
    "booking.created",
    "booking.confirmed",
    "booking.changed",
    "booking.moved",
    "booking.cancelled",
    "booking.completed",
    "booking.no_show",
    "booking.expired",
    "waitlist.offered",
]
WebhookStatus = Literal["active", "disabled"]
DisabledReason = Literal["failing", "gone", "by_request"]
DeliveryStatus = Literal["waiting", "delivered", "dead", "suppressed"]

TEST_KIND = "webhook.test"


def _without_repeats(values: list[WebhookKind]) -> list[WebhookKind]:
    return list(dict.fromkeys(values))


WebhookUrl = Annotated[
    str,
    StringConstraints(max_length=2000),
    Matches(
        r"^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?"
        r"([/?][!-\x22$-~]*)?$",
        "bad_url",
        "Give {field} as https, a host, and a path if there is one, such as https://www.example.com/holdfast.",
    ),
]
"""The address of a webhook: in ASCII, without user, password or fragment."""

Kinds = Annotated[list[WebhookKind], Field(min_length=1, max_length=20), AfterValidator(_without_repeats)]


class WebhookRequest(Request):
    """Body of POST /webhooks: where to send what."""

    url: WebhookUrl
    kinds: Kinds


class WebhookPatch(Request):
    """Body of PATCH /webhooks/{id}: only the fields that change. A webhook that is made active again hears of what
    changes from then on."""

    url: WebhookUrl | None = None
    kinds: Kinds | None = None
    status: WebhookStatus | None = None


class WebhookReply(Shown):
    """A webhook. `disabled_reason` says why it is off: `failing`, nothing arrived for 24 hours; `gone`, the receiver
    answered 410; `by_request`. failing_since: since when nothing has arrived; null while all is well."""

    webhook_id: str
    url: str
    kinds: list[WebhookKind]
    status: WebhookStatus
    disabled_reason: DisabledReason | None
    failing_since: Instant | None
    created_at: Instant


class WebhookMade(WebhookReply):
    """A new webhook. No later reply shows `secret` again."""

    secret: str


class WebhookRotated(Shown):
    """The new secret of a webhook. No later reply shows it again. Until `both_until` each delivery carries a signature
    by the old secret too."""

    webhook_id: str
    secret: str
    both_until: Instant


class WebhookPage(Shown):
    """One page of webhooks, the oldest first; `next_cursor` is null on the last one."""

    webhooks: list[WebhookReply]
    next_cursor: str | None


class DeliveryQuery(Request):
    """Query of a list of deliveries."""

    status: DeliveryStatus | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class DeliveryReply(Shown):
    """One delivery. delivery_id: what the receiver sees as `webhook-id`.

    booking_id: of what it is about; for an offer the id of the waitlist entry, for a test a name of its own.
    status: `waiting` also while it is tried again, `dead` once it is not, `suppressed` where there was nothing left to
    send.
    response_status, response_text: what the receiver answered last, the text's first 1,024 bytes. error: why there was
    no answer.
    """

    delivery_id: str
    kind: str
    booking_id: str
    version: int
    status: DeliveryStatus
    attempts: int
    created_at: Instant
    next_attempt_at: Instant | None
    finished_at: Instant | None
    response_status: int | None
    response_text: str | None
    error: str | None


class DeliveryPage(Shown):
    """One page of deliveries, the newest first; `next_cursor` is null on the last one."""

    deliveries: list[DeliveryReply]
    next_cursor: str | None


class BookingEventData(Shown):
    """A booking as it was at the version that a change made, and the fields that differ from the version before."""

    booking: BookingReply
    changed: list[str]


class BookingEvent(Shown):
    """What a webhook gets because of a booking."""

    type: str
    timestamp: Instant
    data: BookingEventData


class OfferEventData(Shown):
    """An entry of the waitlist as it was when the offer was made. Its hold is for the person who waits."""

    waitlist_entry: WaitReply
    changed: list[str]


class OfferEvent(Shown):
    """What a webhook gets because of an offer."""

    type: str
    timestamp: Instant
    data: OfferEventData


WebhookBody = dict[str, Any]
"""What a receiver gets, as JSON: one of these, or of a test `data` with the `webhook_id`."""
