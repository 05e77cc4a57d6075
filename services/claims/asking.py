"""The argument of place_hold, whose header explains it."""

from __future__ import annotations

from typing import Any

from models.access import SOURCES
from services.claims.keys import org_keys
from services.claims.placements import (
    KEY_KEPT_MS,
    PIN_BACKSTOP_MS,
    PUBLIC_REMEMBERED_MS,
    REMEMBERED_MS,
    ClaimRequest,
    Placement,
)


def asked(placement: Placement, confirm_window_ms: int) -> dict[str, Any]:
    """What a placement asks of the script."""
    request, wish, found = placement.request, placement.wish, placement.found
    remembered_ms = PUBLIC_REMEMBERED_MS if request.address_digest else REMEMBERED_MS
    short_lived = request.address_digest and request.state == "held"
    ask = {
        "state": request.state,
        "epoch": placement.epoch or "",
        "prefix": org_keys(request.org).prefix,
        "limits": placement.limits,
        "daily": placement.daily or 0,
        "fingerprint": request.idempotency.fingerprint if request.idempotency else "",
        "replaces": request.replaces,
        "hold_id": request.hold_id,
        "property_id": wish.property_id,
        "length": wish.length,
        "before": wish.before,
        "after": wish.after,
        "needed": wish.needed,
        "requested": wish.start,
        "lifetime_ms": placement.lifetime_ms,
        "key_kept_ms": placement.lifetime_ms + remembered_ms if short_lived else KEY_KEPT_MS,
        "window_ms": confirm_window_ms,
        "backstop_ms": PIN_BACKSTOP_MS,
        "record": _record(request, placement.attempt, remembered_ms),
        "choices": _with_barred(placement) if found.hidden.masks else found.choices,
    }
    if wish.units:
        ask["units"] = wish.units
    if request.swaps_with:
        ask["swaps_with"] = request.swaps_with
    if found.day:
        ask["day"] = found.day
    return ask


def _record(request: ClaimRequest, attempt: str, remembered_ms: int) -> dict[str, Any]:
    sometimes = {
        "booking_id": request.booking_id,
        "direct": int(request.state != "held"),
        "moves": int(request.state == "moving"),
        "address": request.address_digest,
        "override": " ".join(request.slot.override),
        "service_id": request.slot.service_id or "",
    }
    return {
        "owner": f"{request.key_id} {request.holder_digest}" if request.holder_digest else request.key_id,
        "attempt": attempt,
        "remembered_ms": remembered_ms,
        "source": SOURCES[request.joined_by or request.role],
        **{name: value for name, value in sometimes.items() if value},
    }


def _with_barred(placement: Placement) -> list[Any]:
    """The choices, each with those of its technicians who are barred, if there are any."""
    wish, choices, hidden, _ = placement.found
    barred = ([who for who in ids if hidden.bars(who, wish.travel(start))] for start, ids in choices)
    return [[*choice, out] if out else choice for choice, out in zip(choices, barred, strict=True)]
