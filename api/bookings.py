"""POST /book, and what is done with a booking afterwards."""

from __future__ import annotations

from api.endpoint import EVERY_KEY, Ask, Reply, Routes
from api.holds import SLOT_REFUSALS
from api.replies import booking_reply
from api.slot_review import review_book
from models.access import Role
from models.booking import BookingPage, BookingQuery, BookingReply, BookRequest, CancelRequest
from models.errors import (
    BookingNotFound,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    InvalidTransition,
    VersionConflict,
)

routes = Routes("Bookings")

OFFICE = EVERY_KEY - {Role.CHECKOUT}
"""Who sees an org's bookings: not the key that is published in the browser."""


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
    booked = ask.services.bookings.book(ask.caller, ask.given, ask.idempotency)
    token = ask.services.access.manage_token(ask.caller.org, booked.booking.booking_id)
    body = booking_reply(booked.booking, manage_token=token, with_history=ask.caller.is_staff)
    return Reply(201 if booked.created else 200, body, booked.replayed)


@routes.get(
    "/bookings/{booking_id}",
    "Read a booking",
    roles=OFFICE | {Role.CUSTOMER},
    replies={200: BookingReply},
    refusals=(BookingNotFound,),
    etag=True,
)
def read(ask: Ask[None], booking_id: str) -> Reply:
    booking = ask.services.booking_life.get(ask.caller, booking_id)
    return Reply(200, booking_reply(booking, with_history=ask.caller.is_staff))


@routes.get("/bookings", "List bookings by start", roles=OFFICE, query=BookingQuery, replies={200: BookingPage})
def page(ask: Ask[BookingQuery]) -> Reply:
    bookings, next_cursor = ask.services.booking_life.page(ask.caller, ask.given)
    found = [booking_reply(booking, with_history=ask.caller.is_staff) for booking in bookings]
    return Reply(200, {"bookings": found, "next_cursor": next_cursor})


@routes.post(
    "/bookings/{booking_id}/cancel",
    "Cancel a booking; again gives the same answer",
    roles=OFFICE | {Role.CUSTOMER},
    body=CancelRequest,
    body_required=False,
    replies={200: BookingReply},
    refusals=(BookingNotFound, InvalidTransition, VersionConflict),
    if_match=True,
    etag=True,
)
def cancel(ask: Ask[CancelRequest], booking_id: str) -> Reply:
    booking = ask.services.booking_life.cancel(ask.caller, booking_id, ask.given.reason, ask.expected_version)
    return Reply(200, booking_reply(booking, with_history=ask.caller.is_staff))
