"""Example replies about API keys, people who sign in, and sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from models.keys import ApiKey, KeyMade, KeyPage
from models.shapes import ReplyShape
from models.users import Session, User, UserPage

_ADDED = datetime(2026, 12, 4, 9, tzinfo=UTC)
_KEY = ApiKey(
    key_id="key_4711",
    role="checkout",
    name="Web site",
    origins=["https://www.example.com"],
    created_at=_ADDED,
    expires_at=None,
    revoked=False,
)
_USER = ReplyShape(User).of(
    User(id="dana", name="Dana Example", email="dana@example.com", role="desk", status="active", created_at=_ADDED)
)

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    KeyMade: ReplyShape(KeyMade).of(KeyMade(key_id="key_4711", key="hf_checkout_0123456789abcdefghijklmnopqrstuv")),
    KeyPage: {"keys": [ReplyShape(ApiKey).of(_KEY)], "next_cursor": None},
    User: _USER,
    UserPage: {"users": [_USER], "next_cursor": None},
    Session: ReplyShape(Session).of(
        Session(
            org="acme",
            role="desk",
            user_id="dana",
            name="Dana Example",
            email="dana@example.com",
            expires_at=_ADDED + timedelta(hours=12),
        )
    ),
}
