"""Example replies about webhooks, for the OpenAPI document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from models.shapes import ReplyShape
from models.webhooks import DeliveryPage, DeliveryReply, WebhookMade, WebhookPage, WebhookReply, WebhookRotated

_AT = datetime(2026, 12, 4, 9, tzinfo=UTC)
_WEBHOOK = WebhookReply(
    webhook_id="wh_4711",
    url="https://www.example.com/holdfast",
    kinds=["booking.created", "booking.moved", "booking.cancelled"],
    status="active",
    disabled_reason=None,
    failing_since=None,
    created_at=_AT,
)
_DELIVERY = DeliveryReply(
    delivery_id="msg_0123456789abcdef",
    kind="booking.created",
    booking_id="bk_5f1c9a",
    version=1,
    status="delivered",
    attempts=1,
    created_at=_AT,
    next_attempt_at=None,
    finished_at=_AT + timedelta(seconds=1),
    response_status=200,
    response_text="thanks",
    error=None,
)
_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 - an example


def _of(value: BaseModel) -> dict[str, Any]:
    return ReplyShape(type(value)).of(value)


EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    WebhookReply: _of(_WEBHOOK),
    WebhookMade: _of(WebhookMade(**_WEBHOOK.model_dump(), secret=_SECRET)),
    WebhookRotated: _of(WebhookRotated(webhook_id="wh_4711", secret=_SECRET, both_until=_AT + timedelta(days=1))),
    WebhookPage: _of(WebhookPage(webhooks=[_WEBHOOK], next_cursor=None)),
    DeliveryReply: _of(_DELIVERY),
    DeliveryPage: _of(DeliveryPage(deliveries=[_DELIVERY], next_cursor=None)),
}
"""A reply of each model."""
