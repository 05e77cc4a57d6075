"""Bookings as MongoDB documents: writing one, reading one, and what one looked like at an earlier version."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from models.booking import Booking
from services.stores.connections import Document
from services.timetable.grid import to_milliseconds

_FIELDS = (
    "org",
    "status",
    "property_id",
    "technician_id",
    "start",
    "end",
    "duration_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "customer",
    "description",
    "priority",
    "source",
    "version",
    "created_at",
    "updated_at",
    "requested_start",
    "fallback_used",
    "hold_id",
    "placed_as",
    "made_by",
    "fingerprint",
    "history",
)
_RESERVATION = ("reserved_by", "reserved_until")


def document_of(booking: Booking) -> Document:
    """The document of a booking, all its claims in it: one insert takes all of them or none."""
    document: Document = {"_id": booking.booking_id}
    for name in _FIELDS:
        document[name] = getattr(booking, name)
    for name in _RESERVATION:
        if getattr(booking, name) is not None:
            document[name] = getattr(booking, name)
    document["claims"] = [{"resource": resource, "tick": tick} for resource, tick in booking.claims]
    document["active"] = booking.active
    return document


def booking_of(document: Document) -> Booking:
    """The booking in a document."""
    values: dict[str, Any] = {name: document.get(name) for name in (*_FIELDS, *_RESERVATION)}
    return Booking(
        booking_id=document["_id"],
        claims=tuple((claim["resource"], claim["tick"]) for claim in document["claims"]),
        **values,
    )


def difference(old: Booking, new: Booking) -> tuple[Document, dict[str, tuple[Any, Any]]]:
    """What to set in a booking's document, and what its history tells of that: each field's value before and after."""
    before, after = document_of(old), document_of(new)
    fields = {name: value for name, value in after.items() if before.get(name) != value}
    return fields, {name: (before.get(name), value) for name, value in fields.items() if name in _FIELDS}


def change(at: datetime, by: str, action: str, changes: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """One entry of a booking's history: who did what when, and each field's value before and after."""
    told = {name: {"from": before, "to": after} for name, (before, after) in changes.items()}
    return {"at": to_milliseconds(at), "by": by, "action": action, "changes": told}


def as_of(booking: Booking, version: int) -> Booking:
    """The booking as it was at an earlier version: what was answered then, for a repeat of that request.

    An imported one whose history began anew is given as far back as that goes.
    """
    kept = max(1, len(booking.history) - (booking.version - version))
    values: dict[str, Any] = {}
    for entry in reversed(booking.history[kept:]):
        values |= {name: told["from"] for name, told in entry["changes"].items() if name in _FIELDS}
    history = booking.history[:kept]
    return replace(booking, version=version, updated_at=history[-1]["at"], history=history, **values)
