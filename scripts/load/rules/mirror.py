"""The rule about Redis: its marks say of booked slots what MongoDB says."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.load.rules.evidence import Break, Claim, Document, Evidence

NEVER = -1
"""What Redis answers to PTTL for a key without expiry; -2, gone since it was read, is no fault."""


def mirror_differences(evidence: Evidence) -> list[Break]:
    """Redis marks as booked exactly what active future bookings claim; no claim is stuck, and none lasts for ever."""
    if evidence.marks is None:
        return []
    due = {
        (claim["resource"], claim["tick"]): booking
        for booking in evidence.bookings + evidence.neighbours
        if booking["active"]
        for claim in booking["claims"]
    }
    return [*_missing_marks(evidence, due), *_wrong_marks(evidence, due)]


def _missing_marks(evidence: Evidence, due: dict[Claim, Document]) -> Iterator[Break]:
    for claim, booking in due.items():
        if claim[0] not in evidence.watched:
            continue
        mark = (evidence.marks or {}).get(claim)
        if mark is None or (mark.state, mark.owner, mark.version) != ("booked", booking["_id"], booking["version"]):
            yield f"{claim[0]} at tick {claim[1]} is booked in MongoDB, and in Redis: {mark}", [booking]


def _wrong_marks(evidence: Evidence, due: dict[Claim, Document]) -> Iterator[Break]:
    holds = [exchange for exchange in evidence.exchanges if exchange.operation == "hold"]
    granted = {exchange.reply.get("hold_id") for exchange in holds if exchange.ok}
    granted |= {entry.get("hold_id") for entry in evidence.waits if entry["status"] == "offered"}
    some_unknown = any(exchange.unknown for exchange in holds)
    for claim, mark in (evidence.marks or {}).items():
        about: Document = {"resource": claim[0], "tick": claim[1], "mark": str(mark)}
        if mark.state == "booked" and claim not in due:
            yield f"{claim[0]} at tick {claim[1]} is booked in Redis alone", [about]
        elif mark.state in ("confirming", "moving"):
            yield f"{claim[0]} at tick {claim[1]} is still {mark.state}", [about]
        elif mark.state == "held" and mark.owner not in granted and not some_unknown:
            yield f"{claim[0]} at tick {claim[1]} is held for nobody who was told so", [about]
        if mark.expires_ms == NEVER:
            yield f"{claim[0]} at tick {claim[1]} never expires", [about]
