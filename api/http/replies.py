"""How what services return looks as JSON: plain dicts with times as `2026-12-05T10:00:00Z`.

Made by hand, because a hold's reply is on the fastest path; tests hold every reply against its schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel
from werkzeug.datastructures import Headers

from models.booking import Booking
from models.hold import Hold
from models.waitlist import WaitEntry

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Json = dict[str, Any]

_ALREADY_PLAIN = frozenset({str, int, bool, float})


class FinalResponse(Response):
    """A response that is sent as it was made.

    Werkzeug copies the headers of every reply and looks for relative addresses to complete in them: a tenth of our time
    on a hold. Ours are whole when they are made.
    """

    def __init__(self, body: bytes, status: int, headers: list[tuple[str, str]], content_type: str = "") -> None:
        super().__init__(body, status, headers, content_type=content_type)
        if status in (204, 304):
            for name in ("Content-Type", "Content-Length"):
                del self.headers[name]
        else:
            self.headers["Content-Length"] = str(len(body))

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:  # noqa: ARG002  # werkzeug's signature
        return self.headers


def moment(value: datetime) -> str:
    """An aware time in UTC, to the second; parts of a second are cut off, so no deadline is promised late."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat()[:19] + "Z"


def plain(value: Any) -> Any:
    """Anything that services return, as JSON's own types. Members of dataclasses that are None are left out."""
    if value is None or type(value) in _ALREADY_PLAIN:
        return value
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        members = [(name, getattr(value, name)) for name in value.__dataclass_fields__]
        return {name: plain(item) for name, item in members if item is not None}
    return _plain_document(value)


def _plain_document(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return value.isoformat() if isinstance(value, date) else str(value)


def hold_reply(hold: Hold) -> Json:
    """The HoldReply of a hold; `booking_id` only where it became a booking."""
    reply = {
        "hold_id": hold.hold_id,
        "property_id": hold.visit.property_id,
        "technician_id": hold.visit.technician_id,
        "start": moment(hold.start),
        "end": moment(hold.end),
        "duration_minutes": hold.duration_minutes,
        "buffer_before_minutes": hold.buffer_before_minutes,
        "buffer_after_minutes": hold.buffer_after_minutes,
        "status": hold.status,
        "expires_at": moment(hold.expires_at),
        "ttl_seconds": hold.ttl_seconds,
        "requested_start": moment(hold.requested_start),
        "fallback_used": hold.fallback_used,
    }
    if hold.booking_id is not None:
        reply["booking_id"] = hold.booking_id
    return reply


def booking_reply(booking: Booking, *, manage_token: str | None = None, with_history: bool = False) -> Json:
    """The BookingReply of a booking. manage_token: only for the reply that made it; with_history: only for staff."""
    reply = {
        "booking_id": booking.booking_id,
        "status": booking.status,
        "property_id": booking.property_id,
        "technician_id": booking.technician_id,
        "start": moment(booking.start),
        "end": moment(booking.end),
        "duration_minutes": booking.duration_minutes,
        "buffer_before_minutes": booking.buffer_before_minutes,
        "buffer_after_minutes": booking.buffer_after_minutes,
        "customer": {name: value for name, value in booking.customer.items() if value is not None},
        "description": booking.description,
        "priority": booking.priority,
        "source": booking.source,
        "version": booking.version,
        "created_at": moment(booking.created_at),
        "updated_at": moment(booking.updated_at),
        "hold_id": booking.hold_id,
        "requested_start": moment(booking.requested_start),
        "fallback_used": booking.fallback_used,
    }
    if manage_token is not None:
        reply["manage_token"] = manage_token
    if booking.reserved_until is not None:
        reply["reserved_by"] = booking.reserved_by
        reply["reserved_until"] = moment(booking.reserved_until)
    if with_history:
        reply["history"] = plain(booking.history)
    return reply


def wait_reply(entry: WaitEntry, *, with_customer: bool = False) -> Json:
    """The WaitReply of a place in line. with_customer: only for staff."""
    reply: Json = {
        "waitlist_id": entry.waitlist_id,
        "status": entry.status,
        "property_id": entry.property_id,
        "technician_id": entry.technician_id,
        "from": moment(entry.from_),
        "to": moment(entry.to),
        "duration_minutes": entry.duration_minutes,
        "offer_minutes": entry.offer_minutes,
        "created_at": moment(entry.created_at),
    }
    if entry.start and entry.end and entry.offered_until:
        reply |= {
            "hold_id": entry.hold_id,
            "start": moment(entry.start),
            "end": moment(entry.end),
            "offered_technician_id": entry.offered_technician_id,
            "expires_at": moment(entry.offered_until),
        }
    if entry.booking_id is not None:
        reply["booking_id"] = entry.booking_id
    if with_customer:
        reply["customer"] = plain(entry.customer)
    return reply
