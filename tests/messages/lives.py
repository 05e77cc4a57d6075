"""Bookings with a history, for tests of what their customers are told: no store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models.booking import Booking
from models.waitlist import WaitEntry
from services.ledger.documents import STORED, as_of, change, difference
from services.outbox.entries import BookingChange, Entry
from tests.bookings.sample import sample

MADE = datetime(2026, 11, 20, 8, tzinfo=UTC)
START = datetime(2026, 12, 5, 9, tzinfo=UTC)
LATER = 2**63
"""A time of MongoDB's log after all that begins in tests."""
ALICE = {"name": "Alice", "phone": "+45 12345678", "phone_e164": "+4512345678", "email": "alice@example.com"}


def made(action: str = "book", by: str = "checkout:key_1", **changed: Any) -> Booking:
    """A booking that was made at MADE."""
    fields: dict[str, Any] = {"customer": ALICE, "created_at": MADE, "updated_at": MADE, **changed}
    return sample(START, booking_id="bk_alice", history=[change(MADE, by, action, {})], **fields)


def reserved(hours: int = 24, **changed: Any) -> Booking:
    until = MADE + timedelta(hours=hours)
    return made("reserve", "desk:key_2", status="pending", reserved_by="Dana", reserved_until=until, **changed)


def then(booking: Booking, seconds: float, action: str, by: str = "checkout:key_1", **changed: Any) -> Booking:
    """Its next version, so many seconds after the one before."""
    at = booking.updated_at + timedelta(seconds=seconds)
    _, changes = difference(booking, booking.changed(**changed))
    history = [*booking.history, change(at, by, action, changes)]
    return booking.changed(**changed, version=booking.version + 1, updated_at=at, history=history)


def moved(booking: Booking, seconds: float = 3600, hours: int = 1, by: str = "checkout:key_1") -> Booking:
    to = booking.start + timedelta(hours=hours)
    return then(booking, seconds, "move", by, start=to, end=to + timedelta(hours=1))


def cancelled(booking: Booking, seconds: float = 3600, by: str = "checkout:key_1") -> Booking:
    return then(booking, seconds, "cancel", by, status="cancelled")


def news(booking: Booking, version: int | None = None) -> BookingChange:
    """What the outbox hears of a version."""
    was = as_of(booking, version or booking.version)
    noted = was.history[-1]
    changes = {name: sides for name, sides in noted["changes"].items() if name in STORED}
    previous = {name: sides["from"] for name, sides in changes.items()}
    return BookingChange(was, noted["action"], tuple(changes), previous, noted["by"], noted["at"], LATER)


def waiting(**changed: Any) -> WaitEntry:
    """An entry of the waitlist with an offer that ends half an hour after MADE."""
    entry = WaitEntry(
        waitlist_id="wl_alice",
        org="demo",
        made_by="key_1",
        status="offered",
        property_id="prop-1",
        technician_id=None,
        from_=START,
        to=START + timedelta(hours=8),
        duration_minutes=60,
        offer_minutes=30,
        customer=ALICE,
        version=3,
        created_at=MADE,
        updated_at=MADE,
        hold_id="h_1",
        start=START,
        end=START + timedelta(hours=1),
        offered_technician_id="tech-1",
        offered_until=MADE + timedelta(minutes=30),
    )
    return replace(entry, **changed)


def entry(booking: Booking, kind: str = "moved", version: int | None = None, channel: Any = "email") -> Entry:
    return Entry(
        id=f"msg_{kind}_{version or booking.version}_{channel}",
        org=booking.org,
        booking_id=booking.booking_id,
        version=version or booking.version,
        kind=kind,
        channel=channel,
        receiver=channel,
        due=booking.updated_at,
        body={},
        attempts=0,
        created_at=booking.updated_at,
    )
