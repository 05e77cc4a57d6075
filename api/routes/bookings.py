"""POST /book and /reserve, and what is done with a booking afterwards."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import EVERY_KEY, Ask, Recall, Reply, Routes, View
from api.http.replies import ReplyShape
from api.routes.holds import SLOT_REFUSALS
from api.routes.slot_review import review_book, review_slot
from models.access import STAFF, Role
from models.booking import BookingPage, BookingQuery, BookingReply, BookRequest, ReserveRequest
from models.booking_changes import Action, BookingPatch, ReasonRequest
from models.errors import (
    BookingNotFound,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    InvalidTransition,
    PreconditionRequired,
    RequestInProgress,
    VersionConflict,
)
from services.bookings.confirming import Confirmed

routes = Routes("Bookings")

OFFICE = EVERY_KEY - {Role.CHECKOUT}
"""The roles that see an org's bookings: all, except that of the key in the browser."""

SHAPE = ReplyShape(BookingReply)


def _hidden(ask: Ask[Any]) -> set[str] | None:
    return None if ask.caller.role in STAFF else {"history"}


@routes.post(
    "/book",
    "Book a hold, or a slot directly",
    body=BookRequest,
    review=review_book(),
    replies={201: BookingReply, 200: BookingReply},
    refusals=(*SLOT_REFUSALS, HoldNotFound, HoldExpired, HoldReleased),
    idempotency="service",
    location="/bookings/{booking_id}",
    etag=True,
)
def book(ask: Ask[BookRequest]) -> Reply:
    return _made(ask, ask.services.bookings.book(ask.caller, ask.given, ask.idempotency))


def _made(ask: Ask[Any], made: Confirmed) -> Reply:
    token = ask.services.access.manage_token(ask.caller.org, made.booking.booking_id)
    status = 201 if made.created else 200
    return Reply(status, made.booking, made.replayed, _hidden(ask), {"manage_token": token})


@routes.post(
    "/reserve",
    "Keep a slot for some hours, to be confirmed",
    roles=STAFF,
    body=ReserveRequest,
    review=review_slot(),
    replies={201: BookingReply, 200: BookingReply},
    refusals=SLOT_REFUSALS,
    idempotency="service",
    location="/bookings/{booking_id}",
    etag=True,
)
def reserve(ask: Ask[ReserveRequest]) -> Reply:
    return _made(ask, ask.services.bookings.reserve(ask.caller, ask.given, ask.idempotency))


@routes.get(
    "/bookings/{booking_id}",
    "Read a booking",
    roles=OFFICE | {Role.CUSTOMER},
    replies={200: BookingReply},
    refusals=(BookingNotFound,),
    etag=True,
)
def read(ask: Ask[None], booking_id: str) -> Reply:
    return Reply(200, ask.services.booking_life.get(ask.caller, booking_id), hidden=_hidden(ask))


@routes.get("/bookings", "List bookings by start", roles=OFFICE, query=BookingQuery, replies={200: BookingPage})
def page(ask: Ask[BookingQuery]) -> Reply:
    bookings, next_cursor = ask.services.booking_life.page(ask.caller, ask.given)
    found = [SHAPE.of(booking, _hidden(ask)) for booking in bookings]
    return Reply(200, {"bookings": found, "next_cursor": next_cursor})


@routes.patch(
    "/bookings/{booking_id}",
    "Move a booking or change its details",
    roles=OFFICE | {Role.CUSTOMER},
    body=BookingPatch,
    review=review_slot(),
    replies={200: BookingReply},
    refusals=(
        *SLOT_REFUSALS,
        BookingNotFound,
        InvalidTransition,
        VersionConflict,
        PreconditionRequired,
        RequestInProgress,
    ),
    if_match="required",
    etag=True,
)
def reschedule(ask: Ask[BookingPatch], booking_id: str) -> Reply:
    booking = ask.services.booking_life.reschedule(ask.caller, booking_id, ask.given, ask.expected_version)
    return Reply(200, booking, hidden=_hidden(ask))


def _acting(path: str, summary: str, action: Action, roles: frozenset[Role]) -> View:
    """Declares one way from status to status: POST /bookings/{id}/<path>."""

    def act(ask: Ask[ReasonRequest], booking_id: str) -> Reply:
        life, reason = ask.services.booking_life, ask.given.reason
        booking = life.act(ask.caller, booking_id, action, reason, ask.expected_version)
        return Reply(200, booking, hidden=_hidden(ask))

    act.__name__ = action
    declare = routes.post(
        f"/bookings/{{booking_id}}/{path}",
        f"{summary}; again gives the same answer",
        roles=roles,
        body=ReasonRequest,
        body_required=False,
        replies={200: BookingReply},
        refusals=(BookingNotFound, InvalidTransition, VersionConflict),
        recall=Recall(("booking_id", "version"), _as_then),
        if_match="optional",
        etag=True,
    )
    return declare(act)


def _as_then(ask: Ask[ReasonRequest], kept: dict[str, Any]) -> dict[str, Any]:
    booking = ask.services.booking_life.as_of(ask.caller, kept["booking_id"], kept["version"])
    return SHAPE.of(booking, _hidden(ask))


confirm = _acting("confirm", "Confirm a reservation", "confirm", STAFF)
cancel = _acting("cancel", "Cancel a booking", "cancel", OFFICE | {Role.CUSTOMER})
complete = _acting("complete", "Note that a visit took place", "complete", STAFF)
no_show = _acting("no-show", "Note that the customer was not there", "no_show", STAFF)
