"""Example bodies and replies for the OpenAPI document. Replies are made from their models; tests hold each example
against its schema."""

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

BODIES: dict[str, Json] = {
    "POST /hold": {
        "exactly": {
            "summary": "This technician at this time",
            "value": {
                "property_id": "prop-101",
                "technician_id": "tech-7",
                "start": "2026-12-05T10:00:00Z",
                "duration_minutes": 60,
                "holder": "web-5f1c9a7be2d04c6b",
                "suggest": 3,
            },
        },
        "the next one": {
            "summary": "Any technician, from this time on",
            "value": {"property_id": "prop-101", "start": "2026-12-05T10:00:00Z", "fallback": "next_available"},
        },
    },
    "POST /hold/{hold_id}/extend": {"longer": {"value": {"ttl_seconds": 300}}},
    "POST /book": {
        "a hold": {
            "summary": "Confirm what is held",
            "value": {
                "hold_id": "h_2a7c9d",
                "customer": {"name": "Alice Example", "phone": "+1 555 0100"},
                "description": "The kitchen tap drips.",
            },
        },
        "directly": {
            "summary": "Book at once; roles bot, desk and admin",
            "value": {
                "property_id": "prop-101",
                "technician_id": "tech-7",
                "start": "2026-12-05T10:00:00Z",
                "customer": {"name": "Alice Example"},
                "priority": "high",
            },
        },
    },
    "POST /reserve": {
        "two days": {
            "value": {
                "property_id": "prop-101",
                "technician_id": "tech-7",
                "start": "2026-12-05T10:00:00Z",
                "reserved_by": "Dana Example, housing association",
                "hours": 48,
            }
        }
    },
    "PATCH /bookings/{booking_id}": {
        "an hour later": {"value": {"start": "2026-12-05T11:00:00Z"}},
        "another technician comes": {"value": {"technician_id": "tech-3", "priority": "high"}},
    },
    "POST /bookings/{booking_id}/no-show": {"why": {"value": {"reason": "The door stayed shut."}}},
    "POST /bookings/{booking_id}/cancel": {"why": {"value": {"reason": "The customer called."}}},
    "POST /waitlist": {
        "any time that day": {
            "value": {
                "property_id": "prop-101",
                "from": "2026-12-05T08:00:00Z",
                "to": "2026-12-05T18:00:00Z",
                "duration_minutes": 60,
                "customer": {"name": "Alice Example", "phone": "+1 555 0100"},
                "offer_minutes": 30,
            }
        }
    },
    "POST /keys": {
        "for a web page": {
            "value": {"role": "checkout", "name": "Web site", "origins": ["https://www.example.com"]},
        }
    },
    "POST /keys/{key_id}/rotate": {"a day": {"value": {"overlap_seconds": 86400}}},
    "POST /customers/erase": {"by phone": {"value": {"phone": "+1 555 0100"}}},
    "POST /customers/export": {"by e-mail": {"value": {"email": "alice@example.com"}}},
    "PATCH /properties/{property_id}": {"closed": {"value": {"status": "unavailable"}}},
    "PATCH /policy": {"stricter": {"value": {"min_lead_minutes": 60, "blackout_dates": ["2026-12-25"]}}},
    "POST /properties": {
        "chosen id": {"value": {"id": "prop-201", "name": "Mill House", "timezone": "Europe/Paris"}},
    },
    "POST /technicians": {
        "weekdays": {
            "value": {
                "name": "Bob Example",
                "timezone": "Europe/Paris",
                "working_hours": {"mon": [["08:00", "12:00"], ["13:00", "17:00"]], "tue": [["08:00", "17:00"]]},
                "time_off": [{"start": "2026-12-24T00:00:00Z", "end": "2026-12-27T00:00:00Z"}],
            }
        }
    },
}

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

_CONFLICT: Json = {
    "kind": "technician",
    "id": "tech-7",
    "start": "2026-12-05T10:00:00Z",
    "end": "2026-12-05T11:00:00Z",
}

MEMBERS: dict[str, Json] = {
    "invalid_request": {
        "errors": [
            {
                "field": "start",
                "code": "naive_time",
                "message": "Give start with its offset from UTC, such as 2026-12-05T10:00:00Z.",
            }
        ]
    },
    "slot_held": {"conflicts": [{**_CONFLICT, "state": "held", "retry_after_seconds": 240}]},
    "slot_available": {
        "next_available": [{"start": "2026-12-05T10:00:00Z", "end": "2026-12-05T11:00:00Z", "technician_id": "tech-7"}],
    },
    "slot_booked": {
        "conflicts": [{**_CONFLICT, "state": "booked"}],
        "next_available": [{"start": "2026-12-05T11:00:00Z", "end": "2026-12-05T12:00:00Z", "technician_id": "tech-7"}],
    },
}
"""What a problem of this code carries besides the members that all have."""
