"""Example replies for the OpenAPI document, made from their models; tests hold each against its schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from api.openapi import access_examples, import_examples, message_examples, webhook_examples
from api.openapi.message_examples import MESSAGE
from api.openapi.schemas import Health, PropertyPage, Readiness, ServicePage, TechnicianPage
from models.availability import AvailabilityReply, AvailabilitySlot, DaysReply, FreeDay, OpeningReply
from models.booking import BookingReply, MadeReply, ManageTokenReply, OwnBookingReply
from models.booking_lists import BookingPage
from models.calendar import CalendarReply
from models.catalogue import Away, Policy, Property, PublicPolicy, Technician
from models.customers import CustomerPage, CustomerRecord, CustomerWithBookings, Erased, PersonReply
from models.dispatch import LeftVisit, MovedVisit, Reassigned, SwapReply
from models.hold import HoldPage, HoldReply
from models.live import BoardReply
from models.series import (
    CancelledVisit,
    SeriesCancelled,
    SeriesChanged,
    SeriesMade,
    SeriesOccurrence,
    SeriesPreview,
    SeriesReply,
)
from models.service import Service
from models.shapes import ReplyShape
from models.time_off import ChangedTechnician, VisitInTimeOff
from models.waitlist import WaitPage, WaitReply

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
        ref="6f0c1de2a94b7788c3d5e6f708192a3b",
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

CUSTOMER = ReplyShape(CustomerRecord).of(
    CustomerRecord(
        customer_id="cu_9b1d0e7a42c35f6881f0ac2d",
        name="Alice Example",
        phone="+1 555 0100",
        email="alice@example.com",
        notes="The dog is friendly.",
        visits=3,
        version=2,
    )
)

SERIES: Json = {
    "series_id": "se_4e8f2d",
    "property_id": "prop-101",
    "rrule": "FREQ=WEEKLY;INTERVAL=2;COUNT=12",
    "start": "2026-12-05T10:00:00Z",
    "created_at": "2026-12-04T09:00:00Z",
}
_IN_SERIES: Json = {**BOOKING, "source": "desk", "hold_id": None, "series_id": SERIES["series_id"]}
_OPENING = OpeningReply(start=_START + _HOUR, end=_START + 2 * _HOUR, technician_id="tech-7")
_FREE_VISIT = SeriesOccurrence(start=_START, end=_START + _HOUR, state="free")
_TAKEN_VISIT = SeriesOccurrence(
    start=_START, end=_START + _HOUR, state="taken", code="slot_booked", next_available=[_OPENING]
)

MADE: Json = {**BOOKING, "manage_token": "hfm_demo.bk_5f1c9a.0123456789abcdef"}
RESERVATION: Json = {
    **BOOKING,
    "status": "pending",
    "source": "desk",
    "hold_id": None,
    "reserved_by": "Dana Example, housing association",
    "reserved_until": "2026-12-06T09:01:00Z",
}

_PROPERTY = Property(
    id="prop-101",
    name="Harbour House",
    address="Quay Street 28, 1010 Sampletown",
    area="harbour",
    timezone="Europe/Paris",
)
_TECHNICIAN = Technician(
    id="tech-7",
    name="Bob Example",
    timezone="Europe/Paris",
    areas=["harbour"],
    skills=["heating", "locks"],
    working_hours={"mon": [["08:00", "12:00"], ["13:00", "17:00"]]},
    time_off=[Away(start=datetime(2026, 12, 24, tzinfo=UTC), end=datetime(2026, 12, 27, tzinfo=UTC))],
)
_SERVICE = Service(
    id="boiler-check",
    name="Boiler check",
    duration_minutes=90,
    buffer_before_minutes=15,
    buffer_after_minutes=15,
    skill="heating",
    price_text="From 120 euros",
    public=True,
)
_AWAY_VISIT = VisitInTimeOff(booking_id="bk_5f1c9a", property_id="prop-101", start=_START, end=_START + _HOUR)
_WHERE: Json = {"property_id": "prop-101", "start": _START, "end": _START + _HOUR}
_FREE = AvailabilitySlot(start=_START, end=_START + _HOUR, state="free", technician_ids=["tech-7"])


def _page(name: str, *entries: Json) -> Json:
    return {name: list(entries), "next_cursor": None}


def _of(value: BaseModel) -> Json:
    return ReplyShape(type(value)).of(value)


_BEFORE_WORK: Json = {"start": "2026-12-05T00:00:00Z", "end": "2026-12-05T07:00:00Z"}
_OF_MODELS: dict[type[BaseModel], Json] = {
    HoldReply: HOLD,
    HoldPage: _page("holds", HOLD),
    BookingReply: BOOKING,
    OwnBookingReply: BOOKING,
    MadeReply: BOOKING,
    Reassigned: _of(
        Reassigned(
            moves=[
                MovedVisit(
                    booking_id="bk_5f1c9a",
                    property_id="prop-101",
                    start=_START,
                    end=_START + _HOUR,
                    to_technician_id="tech-3",
                )
            ],
            left=[
                LeftVisit(
                    booking_id="bk_8d2e4b",
                    code="slot_booked",
                    detail="Every other technician who may come has another visit then.",
                )
            ],
        )
    ),
    SwapReply: {
        "bookings": [
            BOOKING,
            {**BOOKING, "booking_id": "bk_8d2e4b", "technician_id": "tech-3", "technician_ids": ["tech-3"]},
        ]
    },
    BookingPage: _page("bookings", BOOKING),
    ManageTokenReply: {"manage_token": MADE["manage_token"]},
    SeriesMade: {"series_id": SERIES["series_id"], "bookings": [_IN_SERIES]},
    SeriesPreview: {"occurrences": [_of(_FREE_VISIT), _of(_TAKEN_VISIT)]},
    SeriesReply: {**SERIES, "bookings": [_IN_SERIES]},
    SeriesChanged: {
        "moves": [_of(MovedVisit(booking_id="bk_5f1c9a", to_technician_id="tech-3", **_WHERE))],
        "left": [_of(LeftVisit(booking_id="bk_6a2d0b", code="slot_booked", detail="This slot is already booked."))],
    },
    SeriesCancelled: {
        "cancelled": [_of(CancelledVisit(booking_id="bk_5f1c9a", technician_id="tech-7", **_WHERE))],
        "left": [_of(LeftVisit(booking_id="bk_6a2d0b", code="store_unavailable", detail="Please send it again."))],
    },
    WaitReply: WAITING,
    WaitPage: _page("waitlist", WAITING),
    AvailabilityReply: _of(AvailabilityReply(timezone="Europe/Paris", grid_minutes=15, slots=[_FREE])),
    DaysReply: _of(DaysReply(timezone="Europe/Paris", days=[FreeDay(date=_START.date(), free=17, first=_START)])),
    Property: _of(_PROPERTY),
    PropertyPage: _page("properties", _of(_PROPERTY)),
    Technician: _of(_TECHNICIAN),
    ChangedTechnician: {**_of(_TECHNICIAN), "visits": [_of(_AWAY_VISIT)], "version": 2},
    TechnicianPage: _page("technicians", _of(_TECHNICIAN)),
    Service: _of(_SERVICE),
    ServicePage: _page("services", _of(_SERVICE)),
    Policy: Policy().model_dump(mode="json"),
    PublicPolicy: PublicPolicy.of(Policy(), 15).model_dump(mode="json"),
    CalendarReply: _of(
        CalendarReply(
            technician_id="tech-7",
            calendar_url="/technicians/tech-7/calendar.ics?token=hfc_0123456789abcdefghijklmnopqrstuv",
            created_at=_ASKED,
        )
    ),
    **access_examples.EXAMPLES,
    **import_examples.EXAMPLES,
    CustomerRecord: CUSTOMER,
    CustomerPage: _page("customers", CUSTOMER),
    CustomerWithBookings: {**CUSTOMER, **_page("bookings", {**BOOKING, "customer_id": CUSTOMER["customer_id"]})},
    Erased: _of(Erased(bookings=2, waitlist=1, customers=1, messages=3)),
    PersonReply: {"bookings": [BOOKING], "waitlist": [WAITING], "customers": [CUSTOMER], "messages": [MESSAGE]},
    **webhook_examples.EXAMPLES,
    BoardReply: {
        "stream_id": "1796378400000-0",
        "timezone": "Europe/Paris",
        "technicians": [
            {"id": "tech-7", "name": "Jón", "areas": ["north"], "skills": ["boiler"], "closed": [_BEFORE_WORK]}
        ],
        "properties": [
            {
                "id": "prop-101",
                "name": "Skúlagata 4",
                "address": "Skúlagata 4, Reykjavík",
                "timezone": "Europe/Paris",
                "has_units": False,
            }
        ],
        "visits": [{**BOOKING, "hold_id": None, "customer_id": CUSTOMER["customer_id"]}],
        "holds": [HOLD],
    },
    **message_examples.EXAMPLES,
    Health: _of(Health(status="ok")),
    Readiness: _of(Readiness(status="ready", checks={"redis": "ok", "mongodb": "ok"})),
}
"""A reply of each model."""

_OF_ENDPOINTS: dict[tuple[str, int], Json] = {
    ("POST /book", 201): MADE,
    ("POST /reserve", 201): RESERVATION,
    ("POST /reserve", 200): RESERVATION,
    ("POST /bookings/{booking_id}/confirm", 200): {**RESERVATION, "status": "confirmed", "version": 2},
    ("PATCH /bookings/{booking_id}", 200): {
        **BOOKING,
        "start": "2026-12-05T11:00:00Z",
        "end": "2026-12-05T12:00:00Z",
        "requested_start": "2026-12-05T11:00:00Z",
        "version": 2,
    },
    ("POST /bookings/{booking_id}/cancel", 200): {**BOOKING, "status": "cancelled", "version": 2},
    ("POST /bookings/{booking_id}/complete", 200): {**BOOKING, "status": "completed", "version": 2},
    ("POST /bookings/{booking_id}/no-show", 200): {**BOOKING, "status": "no_show", "version": 2},
    ("POST /bookings/{booking_id}/restore", 200): {**BOOKING, "version": 3},
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
"""A more fitting reply of some endpoints."""


def example_of(endpoint: str, status: int, model: type[BaseModel]) -> Json | None:
    """A reply of an endpoint with this status, or None if there is no example of its model."""
    return _OF_ENDPOINTS.get((endpoint, status)) or _OF_MODELS.get(model)
