"""The rule about Redis: its marks say the same about booked slots as MongoDB."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.load.rules.evidence import Break, Claim, Document, Evidence, Mark, claims_in

NEVER = -1
"""The PTTL of a key without expiry; -2, gone since it was read, is no fault."""


def mirror_is_true(evidence: Evidence) -> Iterator[Break]:
    """Redis marks as booked what MongoDB has booked.

    No claim is stuck, and none lasts for ever.
    """
    if evidence.marks is None:
        return
    due = {claim: booking for booking in evidence.active for claim in claims_in(booking)}
    for claim, booking in due.items():
        mark = evidence.marks.get(claim)
        true = mark and (mark.state, mark.owner, mark.version) == ("booked", booking["_id"], booking["version"])
        if not true:
            yield f"{claim[0]} at tick {claim[1]} is booked in MongoDB, and in Redis: {mark}", [booking]
    granted = _granted(evidence)
    for claim, mark in evidence.marks.items():
        for fault in _faults(claim, mark, due, granted):
            yield f"{claim[0]} at tick {claim[1]} {fault}", [{"mark": str(mark)}]


def _granted(evidence: Evidence) -> set[str] | None:
    """The ids of all holds that clients know of; None where an answer was lost, since then it may be any."""
    holds = evidence.of("hold")
    if any(exchange.unknown for exchange in holds):
        return None
    offered = {str(entry.get("hold_id")) for entry in evidence.entries if entry["status"] == "offered"}
    return {str(exchange.reply.get("hold_id")) for exchange in holds if exchange.ok} | offered


def _faults(claim: Claim, mark: Mark, due: dict[Claim, Document], granted: set[str] | None) -> Iterator[str]:
    if mark.state == "booked" and claim not in due:
        yield "is booked in Redis alone"
    elif mark.state in ("confirming", "moving"):
        yield f"is still {mark.state}"
    elif mark.state == "held" and granted is not None and mark.owner not in granted:
        yield "is held, and no client knows of that hold"
    if mark.expires_ms == NEVER:
        yield "never expires"


RULES = (mirror_is_true,)
