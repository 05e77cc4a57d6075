"""What webhooks hear: which kind of news a change is, and its body. Pure: no store is asked here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python

from models.booking import Booking, BookingReply
from models.shapes import ReplyShape
from models.waitlist import WaitEntry, WaitReply
from models.webhooks import WebhookBody
from services.outbox.entries import BookingChange, News, OfferMade

NOT_SENT = frozenset({"manage_token", "history", "customer_id", "internal_note", "hold_id"})
"""Members of a booking that are no news for others: credentials, and what is for staff alone."""
SENT = frozenset(BookingReply.model_fields) - NOT_SENT
WHERE_AND_WHEN = frozenset({"start", "end", "property_id", "technician_id", "technician_ids"})
BY_STATUS = {
    "confirmed": "booking.confirmed",
    "cancelled": "booking.cancelled",
    "completed": "booking.completed",
    "no_show": "booking.no_show",
    "expired": "booking.expired",
}
_BOOKING, _OFFER = ReplyShape(BookingReply), ReplyShape(WaitReply)


def kind_of(news: News) -> str | None:
    """The kind of some news; None where nothing changed that a webhook may see."""
    if isinstance(news, OfferMade):
        return "waitlist.offered"
    changed = changed_in(news)
    if news.booking.version == 1 or len(news.booking.history) == 1:
        return "booking.created"
    if "status" in changed:
        return BY_STATUS[news.booking.status]
    if not WHERE_AND_WHEN.isdisjoint(changed):
        return "booking.moved"
    return "booking.changed" if changed else None


def changed_in(change: BookingChange) -> list[str]:
    """The members that differ from the version before, as far as webhooks see them. An erasure is one of the
    customer."""
    if change.action == "erase":
        return ["customer"]
    return [name for name in change.changed if name in SENT]


def booking_body(kind: str, change: BookingChange) -> WebhookBody:
    """What a webhook gets for one version of a booking: the booking as it was then."""
    shown: Booking = change.booking.changed(hold_id=None)
    booking = _BOOKING.of(shown, set(NOT_SENT) - {"hold_id"})
    return _body(kind, change.at, {"booking": booking, "changed": changed_in(change)})


def offer_body(offer: WaitEntry) -> WebhookBody:
    """What a webhook gets for an offer. The hold of the offer is for the person who waits."""
    shown = _OFFER.of(WaitReply.of(offer, with_customer=True), {"hold_id"})
    return _body("waitlist.offered", offer.updated_at, {"waitlist_entry": shown, "changed": ["status"]})


def test_body(kind: str, webhook_id: str, at: datetime) -> WebhookBody:
    """What a webhook gets so that its owner sees whether it arrives."""
    return _body(kind, at, {"webhook_id": webhook_id, "changed": []})


def _body(kind: str, at: datetime, data: dict[str, Any]) -> WebhookBody:
    body: WebhookBody = to_jsonable_python({"type": kind, "timestamp": at, "data": data})
    return body
