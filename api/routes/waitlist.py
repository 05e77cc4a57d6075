"""POST /waitlist, and what is done with an entry afterwards."""

from __future__ import annotations

from typing import Any

from api.http.endpoint import Ask, Reply, Review, Routes
from models.access import STAFF, Caller
from models.errors import (
    AlreadyExists,
    Fault,
    InvalidTransition,
    NotFound,
    PropertyNotFound,
    Refusal,
    RequestInProgress,
    ServiceNotFound,
    SlotAvailable,
    TechnicianNotEligible,
    TechnicianNotFound,
)
from models.shapes import ReplyShape
from models.waitlist import WaitEntry, WaitPage, WaitQuery, WaitReply, WaitRequest
from services import Services

routes = Routes(
    "Waitlist",
    "An entry waits for a slot that is taken now. When it becomes free, it is held for the entry that waits longest.",
)

SHAPE = ReplyShape(WaitReply)

_UNREAD = {
    "property_id": "unread",
    "customer": {"name": "unread"},
    "from": "2100-01-01T00:00:00Z",
    "to": "2100-02-01T00:00:00Z",
}
"""Stands in for what could not be read."""


def _further_faults(services: Services, caller: Caller, fields: dict[str, Any], faulty: frozenset[str]) -> list[Fault]:
    """What services find wrong with the window and the lengths, in a request that is refused anyway."""
    named = {"from", "to", "duration_minutes", "service_id"} - faulty
    readable = {name: value for name, value in fields.items() if name in named}
    has_window = {"from", "to"} <= readable.keys()
    if not has_window:
        readable = {name: value for name, value in readable.items() if name not in ("from", "to")}
    try:
        read = WaitRequest.model_validate({**_UNREAD, **readable})
        window = (read.from_, read.to) if has_window else None
        found = services.waitlist.rules.faults(caller, window, read.lengths)
        return [fault for fault in found if fault.field not in faulty]
    except Refusal:  # no such service, or the policy cannot be read just now: what was found before is answer enough
        return []


@routes.post(
    "/waitlist",
    "Wait for a slot to become free",
    body=WaitRequest,
    review=Review(_further_faults),
    replies={201: WaitReply},
    refusals=(
        PropertyNotFound,
        TechnicianNotFound,
        ServiceNotFound,
        TechnicianNotEligible,
        SlotAvailable,
        AlreadyExists,
        RequestInProgress,
    ),
    idempotency="service",
    location="/waitlist/{waitlist_id}",
)
def join_waitlist(ask: Ask[WaitRequest]) -> Reply:
    """Makes an entry that waits for a slot in a window of time. When one becomes free, it is held for the entry, and
    the entry shows the hold. With the publishable key a wish that can be met at once is refused with `slot_available`.
    """
    joined = ask.services.waitlist.join(ask.caller, ask.given, ask.idempotency)
    return Reply(201, _shown(ask, joined.entry), joined.replayed)


@routes.get("/waitlist", "List the waitlist", roles=STAFF, query=WaitQuery, replies={200: WaitPage})
def list_waitlist(ask: Ask[WaitQuery]) -> Reply:
    """Lists the entries in the order in which they are served, page by page."""
    entries, next_cursor = ask.services.waitlist.page(ask.caller, ask.given)
    found = [SHAPE.of(_shown(ask, entry)) for entry in entries]
    return Reply(200, {"waitlist": found, "next_cursor": next_cursor})


@routes.get("/waitlist/{waitlist_id}", "Read an entry of the waitlist", replies={200: WaitReply}, refusals=(NotFound,))
def read_waitlist_entry(ask: Ask[None], waitlist_id: str) -> Reply:
    """Shows one entry, and the hold that is offered to it."""
    return Reply(200, _shown(ask, ask.services.waitlist.get(ask.caller, waitlist_id)))


@routes.delete(
    "/waitlist/{waitlist_id}",
    "Leave the waitlist and give up what is offered; again is fine",
    replies={204: None},
    refusals=(NotFound, InvalidTransition, RequestInProgress),
)
def leave_waitlist(ask: Ask[None], waitlist_id: str) -> Reply:
    """Ends the entry and releases what is offered to it. A repeat is fine."""
    ask.services.waitlist.leave(ask.caller, waitlist_id)
    return Reply(204)


def _shown(ask: Ask[Any], entry: WaitEntry) -> WaitReply:
    return WaitReply.of(entry, with_customer=ask.caller.is_staff)
