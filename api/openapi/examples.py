"""Example replies for the OpenAPI document, made from their models; tests hold each against its schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from api.http.replies import ReplyShape
from models.booking import BookingReply
from models.hold import HoldReply
from models.waitlist import WaitReply

Json = dict[str, Any]

_ASKED = datetime(2026, 12, 4, 9, tzinfo=UTC)
_START = datetime(2026, 12, 5, 10, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_SLOT: Json = {
    "property_id": "prop-101",
    "technician_id": "tech-7",
    "start": _START,
    "end": _START + _HOUR,
    "duration_minutes": 60,
    "buffer_before_minutes": 0,
    "buffer_after_minutes": 0,
    "requested_start": _START,
    "fallback_used": False,
}

HOLD = ReplyShape(HoldReply).of(
    HoldReply(
        hold_id="h_2a7c9d",
        status="held",
        ttl_seconds=300,
        remaining_seconds=300,
        expires_at=_ASKED + timedelta(seconds=300),
        source="web",
        technician_ids=["tech-7"],
        **_SLOT,
    )
)
BOOKING = ReplyShape(BookingReply).of(
    BookingReply(
        booking_id="bk_5f1c9a",
        status="confirmed",
        customer={"name": "Alice Example", "phone": "+1 555 0100"},
        description="The kitchen tap drips.",
        source="web",
        version=1,
        created_at=_ASKED + timedelta(minutes=1),
        updated_at=_ASKED + timedelta(minutes=1),
        hold_id="h_2a7c9d",
        **_SLOT,
    )
)
WAITING = ReplyShape(WaitReply).of(
    WaitReply(
        waitlist_id="wl_7d3e10",
        status="waiting",
        property_id="prop-101",
        technician_id=None,
        from_=_START - 2 * _HOUR,
        to=_START + 8 * _HOUR,
        duration_minutes=60,
        offer_minutes=30,
        created_at=_ASKED,
    )
)

RESERVATION: Json = {
    **BOOKING,
    "status": "pending",
    "source": "desk",
    "hold_id": None,
    "reserved_by": "Dana Example, housing association",
    "reserved_until": "2026-12-06T09:01:00Z",
}

REPLIES: dict[tuple[str, int], Json] = {
    ("POST /technicians/{technician_id}/calendar", 201): {
        "technician_id": "tech-7",
        "calendar_url": "/technicians/tech-7/calendar.ics?token=hfc_0123456789abcdefghijklmnopqrstuv",
        "created_at": "2026-12-04T09:01:00Z",
    },
    ("POST /hold", 201): HOLD,
    ("POST /hold", 200): HOLD,
    ("GET /hold/{hold_id}", 200): HOLD,
    ("POST /book", 201): {**BOOKING, "manage_token": "hfm_demo.bk_5f1c9a.0123456789abcdef"},
    ("POST /reserve", 201): RESERVATION,
    ("POST /bookings/{booking_id}/confirm", 200): {**RESERVATION, "status": "confirmed", "version": 2},
    ("GET /bookings/{booking_id}", 200): BOOKING,
    ("PATCH /bookings/{booking_id}", 200): {
        **BOOKING,
        "start": "2026-12-05T11:00:00Z",
        "end": "2026-12-05T12:00:00Z",
        "requested_start": "2026-12-05T11:00:00Z",
        "version": 2,
    },
    ("POST /bookings/{booking_id}/cancel", 200): {**BOOKING, "status": "cancelled", "version": 2},
    ("GET /bookings", 200): {"bookings": [BOOKING], "next_cursor": None},
    ("POST /waitlist", 201): WAITING,
    ("GET /waitlist", 200): {"waitlist": [WAITING], "next_cursor": None},
    ("GET /waitlist/{waitlist_id}", 200): {
        **WAITING,
        "status": "offered",
        "hold_id": "h_2a7c9d",
        "start": "2026-12-05T10:00:00Z",
        "end": "2026-12-05T11:00:00Z",
        "offered_technician_id": "tech-7",
        "expires_at": "2026-12-04T12:31:00Z",
    },
}
