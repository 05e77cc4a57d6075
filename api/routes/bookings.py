"""POST /book and /reserve, and what is done with a booking afterwards."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from api.http.endpoint import EVERY_KEY, Ask, Recall, Reply, Routes, View
from api.routes.holds import SLOT_REFUSALS
from api.routes.slot_review import review_book, review_patch, review_reservation
from models.access import STAFF, Caller, Role
from models.booking import (
    Booking,
    BookingReply,
    BookRequest,
    MadeReply,
    ManageTokenReply,
    OwnBookingReply,
    ReserveRequest,
)
from models.booking_changes import Action, BookingPatch, ConfirmRequest, ReasonRequest
from models.booking_lists import BookingPage, BookingQuery
from models.details import WITHHELD
from models.errors import (
    BookingNotFound,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    InvalidTransition,
    PreconditionRequired,
    PropertyNotFound,
    Refusal,
    RequestInProgress,
    SlotBooked,
    SlotHeld,
    StoreUnavailable,
    TechnicianNotFound,
    TooEarly,
    TooLate,
    VersionConflict,
)
from models.shapes import ReplyShape
from services.bookings.confirming import Confirmed

routes = Routes(
    "Bookings",
    "A booking is a visit that takes place. It is confirmed, or reserved until a deadline. Later it is cancelled, "
    "completed or missed.",
)

OFFICE = EVERY_KEY - {Role.CHECKOUT}
"""The roles that see an org's bookings: all, except that of the key in the browser."""

SHAPE = ReplyShape(BookingReply)
HIDDEN = {role: None if role in STAFF else {"history", *WITHHELD[role]} for role in Role}


def shown(caller: Caller, booking: Booking, *, listed: bool = False) -> dict[str, Any]:
    """A booking as a caller sees it: the history for staff, the hold's id for its holder, though not in a list."""
    is_holder = booking.made_by == caller.key_id or booking.booking_id == caller.booking_id
    hold_id = booking.held_as if is_holder and not listed else None
    return {**SHAPE.of(booking, HIDDEN[caller.role]), "hold_id": hold_id}


def listed(ask: Ask[Any], bookings: list[Booking]) -> list[dict[str, Any]]:
    """Bookings of a list as the caller sees them, for staff with their customers."""
    found = [shown(ask.caller, booking, listed=True) for booking in bookings]
    if bookings and ask.caller.role in STAFF:
        customers = ask.services.customers.ids_of(ask.caller.org, bookings)
        found = [{**each, "customer_id": customers[each["booking_id"]]} for each in found]
    return found


def _seen(ask: Ask[Any], booking: Booking) -> dict[str, Any]:
    """A booking as the caller sees it: for its customer with the names, for staff with the customer, unless that cannot
    be read now, because the answer may be about a change that is made."""
    body = shown(ask.caller, booking)
    if ask.caller.role is Role.CUSTOMER:
        return body | ask.services.booking_life.names(booking)
    if ask.caller.role in STAFF:
        with suppress(StoreUnavailable):
            return body | {"customer_id": ask.services.customers.ids_of(booking.org, [booking])[booking.booking_id]}
    return body


@routes.post(
    "/book",
    "Book a hold, or a slot directly",
    body=BookRequest,
    review=review_book(),
    replies={201: MadeReply, 200: MadeReply},
    refusals=(*SLOT_REFUSALS, HoldNotFound, HoldExpired, HoldReleased),
    idempotency="service",
    location="/bookings/{booking_id}",
    etag=True,
)
def book(ask: Ask[BookRequest]) -> Reply:
    """Makes a confirmed booking: of a hold that the caller owns, or of a slot at once. A repeat of the same request
    gets the same booking, with 200. `manage_token` in the reply is a credential of this one booking, to be given to the
    customer."""
    return _made(ask, ask.services.bookings.book(ask.caller, ask.given, ask.idempotency))


def _made(ask: Ask[Any], made: Confirmed) -> Reply:
    body, stored = shown(ask.caller, made.booking), made.stored
    if made.disclosed:
        token = ask.services.access.manage_tokens.make(stored.org, stored.booking_id, stored.token_generation)
        body |= {"manage_token": token}
    else:
        body |= {"customer": None, "description": None}
    return Reply(201 if made.created else 200, body, made.replayed)


@routes.post(
    "/reserve",
    "Keep a slot for some hours, to be confirmed",
    roles=STAFF,
    body=ReserveRequest,
    review=review_reservation(),
    replies={201: BookingReply, 200: BookingReply},
    refusals=SLOT_REFUSALS,
    idempotency="service",
    location="/bookings/{booking_id}",
    etag=True,
)
def reserve(ask: Ask[ReserveRequest]) -> Reply:
    """Keeps a slot as a `pending` booking until a deadline. It blocks the slot as a booking does; without a
    confirmation it becomes `expired`."""
    return _made(ask, ask.services.bookings.reserve(ask.caller, ask.given, ask.idempotency))


@routes.get(
    "/bookings/{booking_id}",
    "Read a booking",
    roles=OFFICE | {Role.CUSTOMER},
    replies={200: OwnBookingReply},
    refusals=(BookingNotFound,),
    etag=True,
)
def read_booking(ask: Ask[None], booking_id: str) -> Reply:
    """Shows one booking. Its `ETag` is the version that a change names in `If-Match`."""
    return Reply(200, _seen(ask, ask.services.booking_life.get(ask.caller, booking_id)))


@routes.get(
    "/bookings",
    "List bookings by start, or by their last change",
    roles=OFFICE,
    query=BookingQuery,
    replies={200: BookingPage},
)
def list_bookings(ask: Ask[BookingQuery]) -> Reply:
    """Lists bookings by start, or with `updated_since` by their last change. Pages follow one another by `cursor`."""
    life, query = ask.services.booking_life, ask.given
    body: dict[str, Any] = {}
    if query.updated_since is None:
        bookings, body["next_cursor"] = life.page(ask.caller, query)
    else:
        bookings, body["next_cursor"], body["next_updated_since"] = life.changes_since(
            ask.caller, query, query.updated_since
        )
    return Reply(200, {"bookings": listed(ask, bookings), **body})


@routes.patch(
    "/bookings/{booking_id}",
    "Move a booking or change its details",
    roles=OFFICE | {Role.CUSTOMER},
    body=BookingPatch,
    review=review_patch(),
    replies={200: OwnBookingReply},
    refusals=(
        *SLOT_REFUSALS,
        BookingNotFound,
        InvalidTransition,
        VersionConflict,
        PreconditionRequired,
        RequestInProgress,
        TooLate,
    ),
    if_match="required",
    etag=True,
)
def change_booking(ask: Ask[BookingPatch], booking_id: str) -> Reply:
    """Moves a booking to another time, technician or property, or changes what it says. A move is made whole or not at
    all: after a refusal the booking stands as it was."""
    booking = ask.services.booking_life.reschedule(ask.caller, booking_id, ask.given, ask.expected_version)
    return Reply(200, _seen(ask, booking))


@routes.post(
    "/bookings/{booking_id}/manage-token",
    "Make a new manage token; the ones before end",
    roles=STAFF,
    replies={201: ManageTokenReply},
    refusals=(BookingNotFound, InvalidTransition, VersionConflict),
    idempotency="none",
)
def make_manage_token(ask: Ask[None], booking_id: str) -> Reply:
    """Makes a new manage token for a booking. All earlier tokens of the booking end at once. The reply is never
    repeated, so it takes no idempotency key."""
    booking = ask.services.booking_life.end_tokens(ask.caller, booking_id)
    token = ask.services.access.manage_tokens.make(booking.org, booking.booking_id, booking.token_generation)
    return Reply(201, ManageTokenReply(manage_token=token))


def _acting(
    path: str, summary: str, action: Action, roles: frozenset[Role], about: str, *refusals: type[Refusal]
) -> View:
    """Declares one way from status to status: POST /bookings/{id}/<path>. about: what it does, for the document."""

    def act(ask: Ask[ReasonRequest], booking_id: str) -> Reply:
        life, reason = ask.services.booking_life, ask.given.reason
        booking = life.act(ask.caller, booking_id, action, reason, ask.expected_version)
        return Reply(200, _seen(ask, booking))

    act.__name__ = "mark_no_show" if action == "no_show" else f"{action}_booking"
    act.__doc__ = f"{about} A repeat gets the same answer."
    declare = routes.post(
        f"/bookings/{{booking_id}}/{path}",
        summary,
        roles=roles,
        body=ReasonRequest,
        body_required=False,
        replies={200: OwnBookingReply},
        refusals=(BookingNotFound, InvalidTransition, VersionConflict, *refusals),
        recall=Recall(("booking_id", "version"), _as_then),
        if_match="optional",
        etag=True,
    )
    return declare(act)


def _as_then(ask: Ask[ReasonRequest], kept: dict[str, Any]) -> dict[str, Any]:
    booking = ask.services.booking_life.as_of(ask.caller, kept["booking_id"], kept["version"])
    return _seen(ask, booking)


_TAKING_ANEW = (PropertyNotFound, TechnicianNotFound, SlotHeld, SlotBooked, RequestInProgress)
"""The refusals of a booking that has ended and is to be active again, of what was removed from the catalogue too."""


@routes.post(
    "/bookings/{booking_id}/confirm",
    "Confirm a reservation",
    roles=STAFF,
    body=ConfirmRequest,
    body_required=False,
    replies={200: OwnBookingReply},
    refusals=(BookingNotFound, InvalidTransition, VersionConflict, *_TAKING_ANEW),
    recall=Recall(("booking_id", "version"), _as_then),
    if_match="optional",
    etag=True,
)
def confirm_booking(ask: Ask[ConfirmRequest], booking_id: str) -> Reply:
    """Makes a `pending` booking `confirmed`, so that it has no deadline any more. A repeat gets the same answer. With
    `if_expired: book_if_free` a reservation that ran out is confirmed too, if its slot is free."""
    life, given, if_free = ask.services.booking_life, ask.given, ask.given.if_expired == "book_if_free"
    booking = life.act(ask.caller, booking_id, "confirm", given.reason, ask.expected_version, if_free=if_free)
    return Reply(200, _seen(ask, booking))


_acting(
    "cancel",
    "Cancel a booking",
    "cancel",
    OFFICE | {Role.CUSTOMER},
    "Ends a booking before its visit, and frees the slot.",
    TooLate,
)
_acting(
    "complete",
    "Note that a visit took place",
    "complete",
    STAFF,
    "Makes a `confirmed` booking `completed`, once its visit has begun.",
    TooEarly,
)
_acting(
    "no-show",
    "Note that the customer was not there",
    "no_show",
    STAFF,
    "Makes a `confirmed` booking `no_show` after its visit has begun, because the customer was not there.",
    TooEarly,
)
_acting(
    "restore",
    "Restore a booking that has ended",
    "restore",
    STAFF,
    "Makes a `cancelled`, `completed` or `no_show` booking `confirmed` again, if its slot is free. The rules of the "
    "policy are not asked again.",
    *_TAKING_ANEW,
)
