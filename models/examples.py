"""Examples for the document: a body for each request model, and what the refusals of a code carry besides.

Tests hold each example against its schema.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from models.booking import BookRequest, ReserveRequest
from models.booking_changes import BookingPatch, ConfirmRequest, ReasonRequest
from models.catalogue import PolicyPatch, PropertyCreate, PropertyPatch, TechnicianCreate, TechnicianPatch
from models.customers import CustomerPatch, MergeRequest, PersonRequest
from models.dispatch import ReassignRequest, SwapRequest
from models.hold import ExtendRequest, HoldRequest
from models.imports import ImportRequest
from models.keys import KeyRequest, RotateRequest
from models.series import SeriesCancel, SeriesPatch, SeriesRequest
from models.service import ServiceCreate, ServicePatch
from models.sms import InboundText, TextReport
from models.users import PasswordChange, SessionRequest, UserCreate, UserPatch
from models.waitlist import WaitRequest
from models.webhooks import WebhookPatch, WebhookRequest

Json = dict[str, Any]

_SLOT: Json = {"property_id": "prop-101", "technician_id": "tech-7", "start": "2026-12-05T10:00:00Z"}
_ALICE: Json = {"name": "Alice Example", "phone": "+1 555 0100"}


def _example(summary: str, value: Json) -> Json:
    return {"summary": summary, "value": value}


BODIES: dict[type[BaseModel], dict[str, Json]] = {
    HoldRequest: {
        "exactly": _example(
            "This technician at this time",
            {**_SLOT, "duration_minutes": 60, "holder": "web-5f1c9a7be2d04c6b", "suggest": 3},
        ),
        "a service": _example(
            "What the service needs: its duration, its travel, and any technician who may be sent for it",
            {"property_id": "prop-101", "start": "2026-12-05T10:00:00Z", "service_id": "boiler-check"},
        ),
        "the next one": _example(
            "Any technician, from this time on",
            {"property_id": "prop-101", "start": "2026-12-05T10:00:00Z", "fallback": "next_available"},
        ),
    },
    ExtendRequest: {"longer": _example("Five minutes from now", {"ttl_seconds": 300})},
    BookRequest: {
        "a hold": _example(
            "Confirm what is held",
            {"hold_id": "h_2a7c9d", "customer": _ALICE, "description": "The kitchen tap drips."},
        ),
        "directly": _example(
            "Book at once; roles bot, desk and admin",
            {**_SLOT, "customer": {"name": "Alice Example"}, "priority": "high"},
        ),
    },
    ReserveRequest: {
        "two days": _example(
            "Keep a slot for two days", {**_SLOT, "reserved_by": "Dana Example, housing association", "hours": 48}
        )
    },
    BookingPatch: {
        "an hour later": _example("Move it by an hour", {"start": "2026-12-05T11:00:00Z"}),
        "another technician comes": _example(
            "Send another technician", {"technician_id": "tech-3", "priority": "high"}
        ),
    },
    SwapRequest: {"swap": _example("With the visit of another technician", {"with": "bk_8d2e4b"})},
    SeriesRequest: {
        "every second week": _example(
            "Every second Saturday, twelve times",
            {**_SLOT, "rrule": "FREQ=WEEKLY;INTERVAL=2;COUNT=12", "customer": _ALICE},
        ),
        "a look": _example(
            "Which first Saturdays of a month are free",
            {**_SLOT, "rrule": "FREQ=MONTHLY;BYDAY=1SA;COUNT=6", "dry_run": True},
        ),
    },
    SeriesPatch: {
        "another time": _example(
            "At nine, by another technician", {"from": "2027-03-01", "time": "09:00", "technician_id": "tech-3"}
        )
    },
    SeriesCancel: {"from a date": _example("All visits from a local date on", {"from": "2027-03-01"})},
    ReassignRequest: {
        "sick day": _example(
            "The plan for a sick day",
            {"from": "2026-12-05T00:00:00Z", "to": "2026-12-06T00:00:00Z", "dry_run": True},
        )
    },
    ImportRequest: {
        "check": _example(
            "Check a file; nothing is written",
            {"kind": "technicians", "csv": "id,name,timezone\nbob,Bob Example,Europe/Copenhagen\n", "dry_run": True},
        )
    },
    ConfirmRequest: {"late": _example("Even if the reservation ran out", {"if_expired": "book_if_free"})},
    ReasonRequest: {"why": _example("With the reason", {"reason": "The customer called."})},
    WaitRequest: {
        "any time that day": _example(
            "Any time on one day",
            {
                "property_id": "prop-101",
                "from": "2026-12-05T08:00:00Z",
                "to": "2026-12-05T18:00:00Z",
                "duration_minutes": 60,
                "customer": _ALICE,
                "offer_minutes": 30,
            },
        )
    },
    KeyRequest: {
        "for a web page": _example(
            "A publishable key for one site",
            {"role": "checkout", "name": "Web site", "origins": ["https://www.example.com"]},
        )
    },
    WebhookRequest: {
        "three kinds": _example(
            "What was made, moved or cancelled",
            {
                "url": "https://www.example.com/holdfast",
                "kinds": ["booking.created", "booking.moved", "booking.cancelled"],
            },
        )
    },
    WebhookPatch: {"on again": _example("Switch it on again", {"status": "active"})},
    RotateRequest: {"a day": _example("Both keys are valid for a day", {"overlap_seconds": 86400})},
    InboundText: {
        "a wish": _example(
            "A customer who wants a visit",
            {"MessageSid": "SM0123456789", "From": "+15550100", "To": "+15550199", "Body": "BOOK tomorrow 10:00"},
        )
    },
    TextReport: {
        "delivered": _example("A text that arrived", {"MessageSid": "SM0123456789", "MessageStatus": "delivered"})
    },
    PersonRequest: {
        "by phone": _example("A person by phone", {"phone": "+1 555 0100"}),
        "by e-mail": _example("A person by e-mail address", {"email": "alice@example.com"}),
    },
    PropertyCreate: {
        "chosen id": _example(
            "With an id of yours", {"id": "prop-201", "name": "Mill House", "timezone": "Europe/Paris"}
        ),
        "unit": _example("A flat of a building", {"name": "Flat 2 B", "parent_id": "prop-201"}),
    },
    PropertyPatch: {"closed": _example("No visits for now", {"status": "unavailable"})},
    ServiceCreate: {
        "boiler check": _example(
            "A public service with travel",
            {
                "id": "boiler-check",
                "name": "Boiler check",
                "duration_minutes": 90,
                "buffer_before_minutes": 15,
                "buffer_after_minutes": 15,
                "skill": "heating",
                "price_text": "From 120 euros",
                "public": True,
            },
        )
    },
    ServicePatch: {"price": _example("Another price", {"price_text": "From 140 euros"})},
    TechnicianCreate: {
        "weekdays": _example(
            "With working hours and time off",
            {
                "name": "Bob Example",
                "timezone": "Europe/Paris",
                "areas": ["harbour"],
                "skills": ["heating", "locks"],
                "working_hours": {"mon": [["08:00", "12:00"], ["13:00", "17:00"]], "tue": [["08:00", "17:00"]]},
                "time_off": [{"start": "2026-12-24T00:00:00Z", "end": "2026-12-27T00:00:00Z"}],
            },
        )
    },
    TechnicianPatch: {
        "away": _example("No visits for now", {"status": "unavailable"}),
        "sick": _example(
            "A sick day", {"time_off_add": [{"start": "2026-12-04T00:00:00+01:00", "end": "2026-12-05T00:00:00+01:00"}]}
        ),
    },
    UserCreate: {
        "at the desk": _example(
            "A receptionist",
            {
                "id": "dana",
                "name": "Dana Example",
                "email": "dana@example.com",
                "role": "desk",
                "password": "correct horse battery",
            },
        )
    },
    UserPatch: {"away": _example("No sign-in for now", {"status": "disabled"})},
    SessionRequest: {
        "a person": _example("A person", {"email": "dana@example.com", "password": "correct horse battery"}),
        "a key": _example("An API key", {"key": "hf_desk_0123456789abcdefghijklmnopqrstuv"}),
    },
    PasswordChange: {
        "a new one": _example(
            "A new password", {"current_password": "correct horse battery", "new_password": "staple my lamp gently"}
        )
    },
    CustomerPatch: {"a note": _example("A note for the office", {"notes": "The dog is friendly."})},
    MergeRequest: {"into": _example("Into the customer that stays", {"into": "cu_9b1d0e7a42c35f6881f0ac2d"})},
    PolicyPatch: {
        "stricter": _example(
            "An hour of lead, and a closed day", {"min_lead_minutes": 60, "blackout_dates": ["2026-12-25"]}
        ),
        "messages": _example(
            "Reminders two days and two hours before a visit, none at night",
            {"reminder_hours": [48, 2], "quiet_hours": ["22:00", "07:00"], "language": "da"},
        ),
    },
}
"""Request model -> examples by name."""

_CONFLICT: Json = {
    "kind": "technician",
    "id": "tech-7",
    "start": "2026-12-05T10:00:00Z",
    "end": "2026-12-05T11:00:00Z",
}


def _opening(start: str, end: str) -> Json:
    return {"start": f"2026-12-05T{start}:00Z", "end": f"2026-12-05T{end}:00Z", "technician_id": "tech-7"}


MEMBERS: dict[str, Json] = {
    "invalid_request": {
        "errors": [
            {
                "field": "start",
                "code": "naive_time",
                "message": "Give start with an offset from UTC at its end, Z or +01:00; a query writes + as %2B.",
            }
        ]
    },
    "slot_held": {"conflicts": [{**_CONFLICT, "state": "held", "retry_after_seconds": 240}]},
    "slot_available": {"next_available": [_opening("10:00", "11:00")]},
    "slot_booked": {
        "conflicts": [{**_CONFLICT, "state": "booked"}],
        "next_available": [_opening("11:00", "12:00")],
    },
}
"""Code of a refusal -> the members that its problem document has besides those that all have."""
