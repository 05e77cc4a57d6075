"""Makes news of a booking or a waitlist entry: what it was at a version, and what that version changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.booking import Booking
from services.ledger.documents import STORED, as_of
from services.outbox.entries import BookingChange


def booking_change(booking: Booking, version: int, logged: int) -> BookingChange:
    """The news of one version. booking: as it is at that version or a later one.

    Each version has added one entry to the history, with the values before it. So an earlier state is exact, except
    that data which was erased since is gone.
    """
    then = as_of(booking, version)
    entry: dict[str, Any] = then.history[-1]
    is_new = version == 1 or len(then.history) == 1
    changes = {} if is_new else {name: sides for name, sides in entry["changes"].items() if name in STORED}
    return BookingChange(
        booking=then,
        action=entry["action"],
        changed=tuple(changes),
        previous={name: sides["from"] for name, sides in changes.items()},
        by=entry["by"],
        at=entry["at"],
        logged=logged,
    )


def versions_since(booking: Booking, since: datetime) -> list[int]:
    """The versions of a booking that were made at a time or later, the present one always among them, in order."""
    count = len(booking.history)
    first = booking.version - count + 1
    return [first + each for each in range(count) if each == count - 1 or booking.history[each]["at"] >= since]
