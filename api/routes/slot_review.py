"""What else is wrong with a slot that is refused anyway, so that one answer names every fault.

The body's model sees types and shapes; the services know the grid, the present and the policy, and are asked here about
the fields that were readable.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.http.endpoint import Review
from models.access import STRANGERS, Caller, Role
from models.booking_changes import BookingPatch
from models.details import WITHHELD
from models.errors import Fault, InvalidRequest, Refusal
from models.slot import SlotFields
from services import Services

SHORTEST_SECRET_HOLDER = 16
"""With the publishable key a holder is a secret of the browser: it must not be guessable."""
TOO_LOUD = "emergency"
"""The priority that strangers may not give."""

_ELSEWHERE = {"property_id": "unread", "start": "2100-01-01T00:00:00Z"}
"""Stands in for a property or time that could not be read: on every grid and never past, so it adds no fault."""


def review_hold() -> Review:
    """Of POST /hold."""
    return Review(
        lambda services, caller, fields, faulty: [
            *_withheld_faults(caller, fields),
            *_holder_faults(caller, fields, faulty),
            *_slot_faults(services, caller, fields, faulty),
            *_lifetime_faults(services, caller, fields, faulty),
        ],
        suspects=lambda caller, body: _short_holder(caller, body) or _has_withheld(caller, body),
    )


def review_book() -> Review:
    """Of POST /book."""
    return Review(
        lambda services, caller, fields, faulty: [
            *_withheld_faults(caller, fields),
            *_target_faults(fields, faulty),
            *(_slot_faults(services, caller, fields, faulty) if _given(fields, "property_id", "start") else []),
            *_priority_faults(caller, fields, faulty),
        ],
        suspects=lambda caller, body: _is_too_loud(caller, body) or _has_withheld(caller, body),
    )


def review_reservation() -> Review:
    """Of POST /reserve."""
    return Review(_slot_faults)


def review_patch() -> Review:
    """Of PATCH /bookings/{booking_id}."""
    return Review(
        lambda services, caller, fields, faulty: [
            *_withheld_faults(caller, fields, BookingPatch.emptied_by_null),
            *_slot_faults(services, caller, fields, faulty),
            *_priority_faults(caller, fields, faulty),
        ],
        suspects=lambda caller, body: _is_too_loud(caller, body) or _has_withheld(caller, body),
    )


def _has_withheld(caller: Caller, body: BaseModel) -> bool:
    return not (caller.is_staff or body.model_fields_set.isdisjoint(WITHHELD[caller.role]))


def _withheld_faults(caller: Caller, fields: dict[str, Any], emptied: frozenset[str] = frozenset()) -> list[Fault]:
    """emptied: the fields for which null is a value."""
    return [
        Fault(name, "not_allowed", f"Leave out {name}, which this key may not set.")
        for name in fields
        if name in WITHHELD[caller.role] and (fields[name] is not None or name in emptied)
    ]


def _short_holder(caller: Caller, body: Any) -> bool:
    return caller.role is Role.CHECKOUT and body.holder is not None and len(body.holder) < SHORTEST_SECRET_HOLDER


def _holder_faults(caller: Caller, fields: dict[str, Any], faulty: frozenset[str]) -> list[Fault]:
    holder = fields.get("holder")
    if caller.role is not Role.CHECKOUT or holder is None or "holder" in faulty:
        return []
    if len(holder) >= SHORTEST_SECRET_HOLDER:
        return []
    text = f"Give holder as a secret of {SHORTEST_SECRET_HOLDER} or more characters."
    return [Fault("holder", "too_short", text)]


def _is_too_loud(caller: Caller, body: Any) -> bool:
    return bool(body.priority == TOO_LOUD) and caller.role in STRANGERS


def _priority_faults(caller: Caller, fields: dict[str, Any], faulty: frozenset[str]) -> list[Fault]:
    if caller.role not in STRANGERS or fields.get("priority") != TOO_LOUD or "priority" in faulty:
        return []
    return [Fault("priority", "not_allowed", "Give priority as 'low', 'medium' or 'high' with this key.")]


def _given(fields: dict[str, Any], *names: str) -> set[str]:
    """Which of the names the body gives a value; null is as good as left out."""
    return {name for name in names if fields.get(name) is not None}


def _slot_faults(services: Services, caller: Caller, fields: dict[str, Any], faulty: frozenset[str]) -> list[Fault]:
    readable = {name: fields[name] for name in _given(fields, *SlotFields.model_fields) - faulty}
    try:
        slot = SlotFields.model_validate({**_ELSEWHERE, **readable})
        services.candidates.wish(services.catalogue.snapshot(caller.org), services.clock(), slot, caller.role)
    except InvalidRequest as refusal:
        return [fault for fault in refusal.faults if fault.field not in faulty]
    except Refusal:  # no such service, or the policy cannot be read just now: what was found before is answer enough
        return []
    return []


def _lifetime_faults(services: Services, caller: Caller, fields: dict[str, Any], faulty: frozenset[str]) -> list[Fault]:
    seconds = fields.get("ttl_seconds")
    if seconds is None or "ttl_seconds" in faulty:
        return []
    try:
        most = services.catalogue.policy(caller.org).max_hold_seconds
    except Refusal:  # as above
        return []
    return [Fault("ttl_seconds", "too_long", f"Give ttl_seconds as {most} or less.")] if seconds > most else []


def _target_faults(fields: dict[str, Any], faulty: frozenset[str]) -> list[Fault]:
    named = _given(fields, "hold_id", "property_id", "start")
    if "hold_id" in named or {"property_id", "start"} <= named or "body" in faulty:
        return []
    return [Fault("body", "missing", "Give hold_id, or property_id and start.")]
