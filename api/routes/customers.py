"""Erasing and exporting the data of a person. The visits themselves stay."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import Ask, Recall, Reply, Routes
from api.http.replies import ReplyShape
from api.routes.bookings import shown
from models.access import Role
from models.customers import Erased, PersonReply, PersonRequest
from models.errors import BookingNotFound, RequestInProgress
from models.waitlist import WaitReply

routes = Routes("Customers", "The personal data of customers, to be exported or erased.")

ADMIN = frozenset({Role.ADMIN})

WAITING = ReplyShape(WaitReply)


@routes.post(
    "/bookings/{booking_id}/erase",
    "Erase personal data from a booking and its history; again is fine",
    roles=ADMIN,
    replies={200: Erased},
    refusals=(BookingNotFound, RequestInProgress),
)
def erase_booking(ask: Ask[None], booking_id: str) -> Reply:
    """Removes name, phone, e-mail address and free text from one booking and from its history. The visit itself stays.
    A repeat is fine."""
    return Reply(200, ask.services.personal_data.erase_booking(ask.caller, booking_id))


@routes.post(
    "/customers/erase",
    "Erase a person from all bookings, histories and waitlist entries; again is fine",
    roles=ADMIN,
    body=PersonRequest,
    replies={200: Erased},
    refusals=(RequestInProgress,),
)
def erase_person(ask: Ask[PersonRequest]) -> Reply:
    """Removes name, phone, e-mail address and free text from everything that names this person. The visits themselves
    stay. A repeat is fine."""
    return Reply(200, ask.services.personal_data.erase_person(ask.caller, ask.given))


def _held(ask: Ask[PersonRequest], _kept: dict[str, Any] | None = None) -> dict[str, Any]:
    found = ask.services.personal_data.export_person(ask.caller, ask.given)
    return {
        "bookings": [shown(ask.caller, booking, listed=True) for booking in found.bookings],
        "waitlist": [WAITING.of(WaitReply.of(entry, with_customer=True), {"hold_id"}) for entry in found.waitlist],
    }


@routes.post(
    "/customers/export",
    "All that is held of a person",
    roles=ADMIN,
    body=PersonRequest,
    replies={200: PersonReply},
    recall=Recall((), _held),
)
def export_person(ask: Ask[PersonRequest]) -> Reply:
    """Shows all that is kept of this person."""
    return Reply(200, _held(ask))
