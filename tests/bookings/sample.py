"""One valid booking, for tests that need a booking but not the service that makes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from models.booking import Booking
from services.timetable.grid import Grid


def sample(start: datetime, **changed: Any) -> Booking:
    """A confirmed visit of an hour by tech-1 at prop-1. It claims only its first tick, on a grid of 15 minutes."""
    tick = Grid(15).tick(start)
    booking = Booking(
        booking_id=f"bk_{tick}",
        org="demo",
        status="confirmed",
        property_id="prop-1",
        technician_id="tech-1",
        start=start,
        end=start + timedelta(hours=1),
        duration_minutes=60,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        customer={"name": "Alice"},
        source="web",
        version=1,
        created_at=start,
        updated_at=start,
        requested_start=start,
        fallback_used=False,
        hold_id=None,
        claims=(("property:prop-1", tick), ("technician:tech-1", tick)),
        history=[],
    )
    who = {"technician_ids": [changed["technician_id"]]} if "technician_id" in changed else {}
    return booking.changed(**who, **changed)
