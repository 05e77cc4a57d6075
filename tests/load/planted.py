"""Bookings, answers and marks to plant faults in: a small run that is faultless until a test spoils it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Evidence, Mark, claims_of, spans

GRID_SECONDS = 900
DAY = datetime(2030, 5, 6, tzinfo=UTC)


def slot(
    minutes: int = 600, *, site: str = "p0", who: str = "t0", duration: int = 60, travel: int = 0
) -> dict[str, Any]:
    """What a client asks for, as a request carries it."""
    return {
        "property_id": site,
        "technician_id": who,
        "start": (DAY + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration_minutes": duration,
        "buffer_before_minutes": travel,
        "buffer_after_minutes": travel,
    }


def answer(
    logical: str, asked: dict[str, Any], *, at: float = 1.0, status: int = 201, client: str = "web", **reply: Any
) -> Exchange:
    """One answered request, sent at a moment and answered a tenth of a second later."""
    name = logical.partition(":")[2]
    operation = "direct" if name.startswith("rebook") else name
    return Exchange(operation, logical, client, asked, at, at + 0.1, status, reply)


def held(tag: str, asked: dict[str, Any], *, at: float = 1.0, ttl_seconds: int = 300) -> Exchange:
    """A hold that was granted."""
    return answer(f"{tag}:hold", asked, at=at, hold_id=f"hold-{tag}", ttl_seconds=ttl_seconds, **asked)


def booked(tag: str, asked: dict[str, Any], *, at: float = 2.0, by_hold: bool = True) -> Exchange:
    """A booking that was acknowledged, of the tag's hold or direct."""
    if by_hold:
        return answer(f"{tag}:book", {**asked, "hold_id": f"hold-{tag}"}, at=at, booking_id=f"bk-{tag}", **asked)
    return answer(f"{tag}:direct", asked, at=at, client="desk", booking_id=f"bk-{tag}", **asked)


def document(tag: str, asked: dict[str, Any], *, name: str = "book", status: str = "confirmed") -> dict[str, Any]:
    """The booking as MongoDB has it."""
    visit = {**asked, "start": datetime.fromisoformat(asked["start"])}
    return {
        "_id": f"bk-{tag}",
        "org": "demo",
        **visit,
        "active": status == "confirmed",
        "status": status,
        "version": 1,
        "customer": {"name": f"run/{tag}:{name}", "phone": "+15550100"},
        "description": "the door code is 4711",
        "claims": [{"resource": resource, "tick": tick} for resource, tick in sorted(claims_of(visit, GRID_SECONDS))],
    }


def marks_of(booking: dict[str, Any]) -> dict[tuple[str, int], Mark]:
    """The marks that mirror a booking."""
    return {
        (resource, tick): Mark("booked", booking["_id"], booking["version"], 60_000)
        for resource, first, last in spans(booking, GRID_SECONDS)
        for tick in range(first, last)
    }


def evidence(exchanges: list[Exchange], bookings: list[dict[str, Any]], *, one_winner: bool = False) -> Evidence:
    """A run whose mirror is true to its bookings."""
    marks: dict[tuple[str, int], Mark] = {}
    for booking in bookings:
        if booking["active"]:
            marks |= marks_of(booking)
    return Evidence(GRID_SECONDS, one_winner, exchanges, bookings, marks=marks)


def faultless() -> Evidence:
    """Alice wins the slot by hold and book, Bob is refused, and another slot is booked directly."""
    first, second = slot(), slot(660, travel=15, site="p1", who="t1")
    exchanges = [
        held("0", first),
        answer("1:hold", first, at=1.2, status=409, code="slot_held"),
        booked("0", first),
        answer("2:direct", first, at=2.5, status=409, client="desk", code="slot_booked"),
        booked("3", second, at=2.6, by_hold=False),
    ]
    return evidence(exchanges, [document("0", first), document("3", second, name="direct")])
