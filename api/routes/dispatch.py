"""Who comes: two visits that swap their technicians, and all visits of one technician given to others."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from api.http.endpoint import Ask, Recall, Reply, Routes
from api.routes.bookings import shown
from api.routes.holds import SLOT_REFUSALS
from models.access import STAFF
from models.booking import Booking
from models.dispatch import Reassigned, ReassignRequest, SwapReply, SwapRequest
from models.errors import (
    BookingNotFound,
    InvalidTransition,
    RequestInProgress,
    StoreUnavailable,
    TechnicianNotFound,
    TooLate,
    VersionConflict,
)

routes = Routes("Dispatch", "Who comes to a visit, where the office decides it for several visits at once.")


def _both(ask: Ask[Any], bookings: tuple[Booking, Booking]) -> dict[str, Any]:
    """Two bookings as staff see them. A customer that cannot be read now is left out, because the swap is made."""
    customers: dict[str, Any] = {}
    with suppress(StoreUnavailable):
        customers = ask.services.customers.ids_of(ask.caller.org, list(bookings))
    known = ({"customer_id": customers[each.booking_id]} if customers else {} for each in bookings)
    return {"bookings": [shown(ask.caller, each) | more for each, more in zip(bookings, known, strict=True)]}


def _again(ask: Ask[SwapRequest], _kept: dict[str, Any]) -> dict[str, Any]:
    return _both(ask, ask.services.swapping.first_answer(ask.caller, ask.given.with_, ask.idempotency))


@routes.post(
    "/bookings/{booking_id}/swap",
    "Swap the technicians of two bookings",
    roles=STAFF,
    body=SwapRequest,
    replies={200: SwapReply},
    refusals=(*SLOT_REFUSALS, BookingNotFound, InvalidTransition, TooLate, VersionConflict, RequestInProgress),
    recall=Recall((), _again),
)
def swap_bookings(ask: Ask[SwapRequest], booking_id: str) -> Reply:
    """Lets the technicians of two visits change places: both or neither. The times and the properties stay. Each visit
    needs to suit its new technicians, as after a move. Send an `Idempotency-Key`: without one, a repeat swaps back."""
    return Reply(200, _both(ask, ask.services.swapping.swap(ask.caller, booking_id, ask.given, ask.idempotency)))


@routes.post(
    "/technicians/{technician_id}/reassign",
    "Give the visits of a technician to others",
    roles=STAFF,
    body=ReassignRequest,
    replies={200: Reassigned},
    refusals=(TechnicianNotFound,),
)
def reassign_technician(ask: Ask[ReassignRequest], technician_id: str) -> Reply:
    """Gives each visit in that time to another technician who may make it and is free, at the same time: the earliest
    visit first, to the one with fewest visits that day. What cannot be moved is named in `left` with the reason. With
    `dry_run` it shows this plan and changes nothing. No time off is set. A repeat goes on with what is left."""
    return Reply(200, ask.services.reassigning.reassign(ask.caller, technician_id, ask.given))
