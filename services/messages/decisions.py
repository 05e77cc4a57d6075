"""Decides from a booking alone which news of it a customer is to get. Pure: no store, no clock.

What is sent is decided when it is sent, from the booking as it is then and from what the customer knows. So two changes
soon after another are one message, and a change that was taken back is none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from models.access import CONVERSATION, Role
from models.booking import Booking
from models.messages import MessageKind
from services.ledger.documents import as_of

HELD_BACK: Final = timedelta(seconds=60)
"""A message about a change waits for this time, because the change may be taken back."""
LATEST: Final = timedelta(hours=24)
"""A message that would leave later than this is not sent."""
DEADLINE_NOTICE: Final = timedelta(hours=2)
"""So long before a reservation runs out its customer is reminded, but not in the first half of its time."""
WHERE_AND_WHEN: Final = ("property_id", "start", "end")

_CUSTOMERS: Final = frozenset({Role.CHECKOUT, Role.CUSTOMER, Role.BOT})


def news_of(before: Booking | None, now: Booking) -> MessageKind | None:
    """What a customer who knows a booking as it was `before` is to be told of it as it is now, if anything."""
    was, is_now = before.status if before else None, now.status
    if is_now == "confirmed" and was != "confirmed":
        return "confirmation"
    if is_now == "cancelled" and was == "confirmed":
        return "cancelled"
    if is_now == was == "confirmed" and before is not None and _visit(before) != _visit(now):
        return "moved"
    return None


def known_state(booking: Booking, version: int, known: int | None) -> Booking | None:
    """The booking as the customer knows it, before the news of a version. None: the customer knows nothing of it.

    known: the newest version that was described to the customer. Without one, it is the version before the first of the
    changes that were made within HELD_BACK of another.
    """
    if known is None:
        known = version - 1
        while known > 0 and entry_of(booking, known + 1)["at"] - entry_of(booking, known)["at"] < HELD_BACK:
            known -= 1
    if known < 1 or known <= booking.version - len(booking.history):  # before its import nothing is known of it
        return None
    return as_of(booking, known)


def said_before(booking: Booking, version: int, channel: str) -> int | None:
    """The newest version before this one that our own text conversation made, so the customer knows it on a channel."""
    oldest = booking.version - len(booking.history) + 1
    versions = range(version - 1, oldest - 1, -1)
    return next((each for each in versions if is_said_already(entry_of(booking, each)["by"], channel)), None)


def entry_of(booking: Booking, version: int) -> dict[str, Any]:
    """The entry of the history that a version added; the first one for a version before the history."""
    return booking.history[max(0, len(booking.history) - 1 - (booking.version - version))]


def is_by_customer(by: str) -> bool:
    """Whether a change was made by the customer, on a page or in a conversation, and not by the office."""
    return by.partition(":")[0] in _CUSTOMERS


def is_said_already(by: str, channel: str) -> bool:
    """Whether our own text conversation made a change. It has answered by text; an e-mail is still sent."""
    return by == CONVERSATION and channel == "sms"


def reminder_times(booking: Booking, hours: list[int]) -> list[datetime]:
    """When a customer is to be reminded of a visit."""
    return [booking.start - timedelta(hours=each) for each in hours]


def deadline_notice(booking: Booking) -> datetime | None:
    """When a customer is to be reminded that a reservation runs out; None for what does not run out."""
    if booking.status != "pending" or booking.reserved_until is None:
        return None
    half = (booking.reserved_until - booking.created_at) / 2
    return booking.reserved_until - min(DEADLINE_NOTICE, half)


def minute_of(moment: datetime) -> int:
    """The number of a reminder that is due at a time."""
    return int(moment.timestamp()) // 60


def _visit(booking: Booking) -> tuple[object, ...]:
    return tuple(getattr(booking, name) for name in WHERE_AND_WHEN)
