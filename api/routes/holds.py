"""POST /hold, and what is done with a hold afterwards."""

from __future__ import annotations

from api.http.endpoint import Ask, Reply, Routes
from api.routes.slot_review import review_hold
from models.errors import (
    HoldExpired,
    HoldLimit,
    HoldNotFound,
    HoldReleased,
    InvalidTransition,
    NoSlotAvailable,
    OutsideWorkingHours,
    PropertyNotFound,
    PropertyUnavailable,
    RequestInProgress,
    ServiceNotFound,
    SlotBooked,
    SlotHeld,
    TechnicianNotEligible,
    TechnicianNotFound,
    TechnicianUnavailable,
    TooFarAhead,
    TooManyHolds,
    TooSoon,
)
from models.hold import ExtendRequest, HoldPage, HoldReply, HoldRequest, HoldsQuery
from models.shapes import ReplyShape

routes = Routes(
    "Holds",
    "A hold keeps a property and a technician for one slot, for some minutes and for one client. It ends by itself.",
)

SHAPE = ReplyShape(HoldReply)

SLOT_REFUSALS = (
    PropertyNotFound,
    TechnicianNotFound,
    ServiceNotFound,
    SlotHeld,
    SlotBooked,
    NoSlotAvailable,
    PropertyUnavailable,
    TechnicianNotEligible,
    TechnicianUnavailable,
    OutsideWorkingHours,
    TooSoon,
    TooFarAhead,
)
"""The reasons why a slot is refused."""


@routes.post(
    "/hold",
    "Hold a property and a technician for a slot",
    body=HoldRequest,
    review=review_hold(),
    replies={201: HoldReply, 200: HoldReply},
    refusals=(
        *SLOT_REFUSALS,
        TooManyHolds,
        HoldNotFound,
        HoldExpired,
        HoldReleased,
        InvalidTransition,
        RequestInProgress,
    ),
    idempotency="service",
    location="/hold/{hold_id}",
)
def place_hold(ask: Ask[HoldRequest]) -> Reply:
    """Takes the slot for some minutes, so that no other client can hold or book it. The same client asking for the same
    slot again gets its own live hold, with 200."""
    placed = ask.services.holds.place(ask.caller, ask.given, ask.idempotency)
    return Reply(201 if placed.created else 200, placed.hold, placed.replayed)


@routes.get(
    "/holds",
    "List live holds",
    query=HoldsQuery,
    query_headers={"holder": "X-Holder"},
    replies={200: HoldPage},
)
def list_holds(ask: Ask[HoldsQuery]) -> Reply:
    """Lists the live holds of a holder and of the key that asks. Staff without a holder get those of all keys, of a
    property, of a technician or of the whole org."""
    holds, next_cursor = ask.services.hold_list.page(ask.caller, ask.given)
    return Reply(200, {"holds": [SHAPE.of(hold) for hold in holds], "next_cursor": next_cursor})


@routes.get("/hold/{hold_id}", "Read a hold", replies={200: HoldReply}, refusals=(HoldNotFound,))
def read_hold(ask: Ask[None], hold_id: str) -> Reply:
    """Shows a hold and what became of it. A hold that ended is remembered for an hour, and for ten minutes with the
    publishable key."""
    return Reply(200, ask.services.holds.get(ask.caller, hold_id))


@routes.post(
    "/hold/{hold_id}/extend",
    "Keep a hold for longer",
    body=ExtendRequest,
    replies={200: HoldReply},
    refusals=(HoldNotFound, HoldLimit, InvalidTransition, RequestInProgress, HoldExpired, HoldReleased),
)
def extend_hold(ask: Ask[ExtendRequest], hold_id: str) -> Reply:
    """Keeps a live hold for `ttl_seconds` from now, up to the longest time that the policy allows."""
    return Reply(200, ask.services.holds.extend(ask.caller, hold_id, ask.given.ttl_seconds))


@routes.delete(
    "/hold/{hold_id}",
    "Release a hold; again is fine",
    replies={204: None},
    refusals=(HoldNotFound, InvalidTransition, RequestInProgress),
)
def release_hold(ask: Ask[None], hold_id: str) -> Reply:
    """Gives the slot back. A repeat is fine."""
    ask.services.holds.release(ask.caller, hold_id)
    return Reply(204)
