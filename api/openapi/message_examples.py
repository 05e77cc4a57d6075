"""Example replies about messages, for the OpenAPI document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from models.messages import MessagePage, MessageReply, PreviewReply
from models.shapes import ReplyShape

_AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
_TEXT = "Your visit is booked for Saturday 5 December at 11:00, Mill House."
MESSAGE = ReplyShape(MessageReply).of(
    MessageReply(
        message_id="msg_0123456789abcdef",
        booking_id="bk_5f1c9a",
        kind="confirmation",
        channel="sms",
        to="+15550100",
        text=_TEXT,
        status="sent",
        send_after=_AT + timedelta(seconds=60),
        created_at=_AT,
    )
)

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    MessageReply: MESSAGE,
    MessagePage: {"messages": [MESSAGE], "next_cursor": None},
    PreviewReply: ReplyShape(PreviewReply).of(PreviewReply(text=_TEXT, segments=1)),
}
"""A reply of each model."""
