"""Bookings as MongoDB documents: writing one, reading one, and what one looked like at an earlier version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson.timestamp import Timestamp

from models.booking import ACTIVE_STATUSES, Booking, BookingReply
from models.fields import members_that_may_be_absent
from services.ledger.crews import crew_in
from services.ledger.persons import person_fields
from services.ledger.search import search_fields
from services.stores.connections import Document

_NOT_AS_SHOWN = ("booking_id", "claims", "manage_token", "customer_id")
STORED = tuple(name for name in Booking.model_fields if name not in _NOT_AS_SHOWN)
"""The fields that a document holds under their own names. A manage token is never stored, and the id of the customer
only with the customer."""
MONGO_PUTS_ITS_TIME_HERE = Timestamp(0, 0)
"""In an insert mongod replaces such a timestamp by the time of its own log. `changed` orders all bookings by their last
change, whichever clock their other times come from."""
_ABSENT = members_that_may_be_absent(BookingReply)


def document_of(booking: Booking) -> Document:
    """The document of a booking, all its claims in it: one insert takes all of them or none."""
    document: Document = {"_id": booking.booking_id}
    for name in STORED:
        value = getattr(booking, name)
        if value is not None or name not in _ABSENT:
            document[name] = value
    document["claims"] = [{"resource": resource, "tick": tick} for resource, tick in booking.claims]
    document["active"] = booking.status in ACTIVE_STATUSES
    document |= person_fields(booking.customer, booking.history)
    document["search"] = search_fields(booking.booking_id, booking.property_id, booking.customer)
    document["changed"] = MONGO_PUTS_ITS_TIME_HERE
    return document


def booking_of(document: Document) -> Booking:
    """The booking in a document. A field that the document lacks has its default."""
    values: dict[str, Any] = {name: document[name] for name in STORED if name in document}
    values["technician_ids"] = crew_in(document)
    return Booking(
        booking_id=document["_id"],
        claims=tuple((claim["resource"], claim["tick"]) for claim in document["claims"]),
        **values,
    )


def difference(old: Booking, new: Booking) -> tuple[Document, dict[str, tuple[Any, Any]]]:
    """What to set in a booking's document, and what its history says of that: each field's value before and after."""
    before, after = document_of(old), document_of(new)
    names = dict.fromkeys((*after, *before))  # a field that is emptied is in the earlier one alone
    fields = {name: after.get(name) for name in names if before.get(name) != after.get(name)}
    changes = {name: (before.get(name), value) for name, value in fields.items() if name in STORED}
    if len(old.technician_ids) == len(new.technician_ids) == 1:
        changes.pop("technician_ids", None)  # technician_id says it
    return fields, changes


def noted(by: str, action: str, changes: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """One entry of a history without its time: the caller and action, and each field's value before and after."""
    values = {name: {"from": before, "to": after} for name, (before, after) in changes.items()}
    return {"by": by, "action": action, "changes": values}


def change(at: datetime, by: str, action: str, changes: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """One whole entry of a history. at: in whole milliseconds, as MongoDB keeps times."""
    return {"at": at, **noted(by, action, changes)}


def as_of(booking: Booking, version: int) -> Booking:
    """The booking as it was at an earlier version: what was answered then, for a repeat of that request.

    The history of an imported booking begins with its import; nothing is known of what was before.
    """
    kept = max(1, len(booking.history) - (booking.version - version))
    values: dict[str, Any] = {}
    for entry in reversed(booking.history[kept:]):
        before = {name: change["from"] for name, change in entry["changes"].items() if name in STORED}
        if "technician_id" in before:
            before.setdefault("technician_ids", [before["technician_id"]])
        values |= before
    history = booking.history[:kept]
    values |= {"version": version, "updated_at": history[-1]["at"], "history": history}
    return booking.changed(**values)
