"""The caller behind a request: its org, role and key."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What an API key is for. `customer` is not a key: it is the bearer of one booking's manage token."""

    CHECKOUT = "checkout"
    BOT = "bot"
    DESK = "desk"
    ADMIN = "admin"
    CUSTOMER = "customer"


STAFF = frozenset({Role.DESK, Role.ADMIN})
SESSION_PREFIX = "hfs_"
"""The token of a session begins so. It stands in a cookie and is no bearer token."""
STRANGERS = frozenset({Role.CHECKOUT, Role.CUSTOMER})
"""The roles that anybody on the internet can have. Policy decides how long their visits are, and the travel around."""

SOURCES = {Role.CHECKOUT: "web", Role.CUSTOMER: "web", Role.DESK: "desk", Role.BOT: "sms", Role.ADMIN: "api"}
"""A caller's role -> the source of the bookings that it makes."""

CONVERSATION_KEY = "sms"
"""Stands for a key where the service itself acts for a customer in a conversation by text."""
CONVERSATION = f"{Role.BOT}:{CONVERSATION_KEY}"
"""The same in histories. What such a caller did was answered in the conversation, so no further text is sent of it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The origin of one request.

    org: whose objects it may see. key_id: the API key's public id, which owns holds and scopes idempotency keys; a key
    that took the place of another keeps the id of the first. shown_id: the id of the very key that the request shows,
    for histories and logs. earlier_ids: the keys whose place it took.
    address: the client's address, which only ever counts a quota. booking_id, token_generation: the one booking a
    `customer` may touch, and which of that booking's manage tokens it has. origins: the web pages that may use the key;
    empty if every page may. session_id: of the session of somebody who signed in, whose person or key is the owner and
    is shown. name: in histories, the role and the shown key or person. is_public: the key is publishable, so it stands
    in every visitor's browser.
    """

    org: str
    role: Role
    key_id: str
    address: str = ""
    booking_id: str | None = None
    token_generation: int = 0
    origins: frozenset[str] = frozenset()
    shown_id: str = ""
    earlier_ids: frozenset[str] = frozenset()
    session_id: str = ""

    name: str = field(init=False)
    is_staff: bool = field(init=False)
    is_public: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown_id", self.shown_id or self.key_id)
        object.__setattr__(self, "name", f"{self.role}:{self.shown_id}")
        object.__setattr__(self, "is_staff", self.role in STAFF)
        object.__setattr__(self, "is_public", self.role is Role.CHECKOUT)

    def was(self, name: str) -> bool:
        """Whether a history names this caller: by the key that it shows, or by one whose place that key took."""
        return name in {f"{self.role}:{key_id}" for key_id in (self.shown_id, self.key_id, *self.earlier_ids)}


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """A client's promise that two requests are one: its key, and a digest of everything that was asked."""

    key: str
    fingerprint: str
