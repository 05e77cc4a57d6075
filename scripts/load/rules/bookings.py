"""Rules about bookings: no overlap, all claims there, all acknowledged ones there, none unasked, and Redis agrees.

Overlaps are looked for twice, by claims and by real intervals, so that a wrong claim cannot hide a double booking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from scripts.load.rules.evidence import (
    Break,
    Document,
    Evidence,
    Mark,
    Units,
    at_version,
    crew_of,
    grouped,
    places_of,
    request_of,
    seconds_of,
)

MAKES_BOOKINGS = ("book", "direct", "reserve")


def _claims_in(booking: Document) -> list[tuple[str, int]]:
    return [(claim["resource"], claim["tick"]) for claim in booking["claims"]]


def one_booking_per_claim(evidence: Evidence) -> Iterator[Break]:
    """No (resource, tick) in two active bookings."""
    held = [(claim, booking) for booking in evidence.active for claim in sorted(set(_claims_in(booking)))]
    seen: set[tuple[str, ...]] = set()
    for (resource, tick), pairs in sorted(grouped(held, lambda pair: pair[0]).items()):
        bookings = [booking for _, booking in pairs]
        group = tuple(sorted(str(booking["_id"]) for booking in bookings))
        if len(bookings) > 1 and group not in seen:
            seen.add(group)
            yield f"{len(bookings)} active bookings share {resource} at tick {tick}", [*bookings]


def one_visit_at_a_time(evidence: Evidence) -> Iterator[Break]:
    """No two active visits overlap in time, travel included."""
    # A sweep over real intervals that looks at no claim.
    intervals = [interval for booking in evidence.active for interval in _intervals(booking, evidence.units)]
    for resource, busy in sorted(grouped(intervals, lambda interval: interval[0]).items()):
        busy.sort(key=lambda interval: interval[1:3])
        latest = busy[0]
        for interval in busy[1:]:
            if interval[1] < latest[2]:
                yield f"{resource} is booked twice at {interval[1]:%Y-%m-%d %H:%M}", [latest[3], interval[3]]
            latest = max(latest, interval, key=lambda one: one[2])


def _intervals(booking: Document, units: Units) -> list[tuple[str, Any, Any, Document]]:
    """The (resource, from, to, booking) of a visit: its property with its units, and its technicians with travel."""
    start = booking["start"]
    end = start + timedelta(minutes=booking["duration_minutes"])
    before, after = (timedelta(minutes=booking[f"buffer_{side}_minutes"]) for side in ("before", "after"))
    return [
        *((f"property {each}", start, end, booking) for each in places_of(booking, units)),
        *((f"technician {each}", start - before, end + after, booking) for each in crew_of(booking)),
    ]


def claims_complete(evidence: Evidence) -> Iterator[Break]:
    """The claims of properties, units and technicians are all there, and no others."""
    for booking in evidence.active:
        claimed, due = Counter(_claims_in(booking)), evidence.claims(booking)
        if claimed != Counter(due):
            missing, extra = len(due - set(claimed)), sum(claimed.values()) - len(due & set(claimed))
            yield f"{booking['_id']} lacks {missing} of its claims and has {extra} that are not its own", [booking]


def acknowledged_is_kept(evidence: Evidence) -> Iterator[Break]:
    """Every booking answered with 2xx is in MongoDB."""
    # It stays as it was acknowledged until it is cancelled, and a cancelled one blocks nothing. A reservation may run
    # out, unless it was confirmed. Of a booking that was moved, the first version is looked at.
    stored = {booking["_id"]: booking for booking in evidence.bookings}
    cancels, confirms = evidence.on("cancel", "booking_id"), evidence.on("confirm", "booking_id")
    for exchange in evidence.of(*MAKES_BOOKINGS):
        if not exchange.ok:
            continue
        name = exchange.reply.get("booking_id", "")
        booking, cancelled = stored.get(name), cancels[name]
        if booking is None:
            yield f"{name or 'a booking without an id'} was acknowledged and is not in MongoDB", [exchange]
            continue
        may_expire = name in evidence.deadlines and not any(each.ok for each in confirms[name])
        is_there = booking["active"] or (may_expire and booking["status"] == "expired")
        if any(cancel.ok for cancel in cancelled):
            if booking["active"] or booking["status"] != "cancelled":
                yield f"{name} was cancelled and is {booking['status']}, active {booking['active']}", [booking]
        elif not cancelled and not is_there:
            yield f"{name} was acknowledged, never cancelled, and is {booking['status']}", [booking, exchange]
        elif evidence.claims(exchange.reply) != evidence.claims(at_version(booking, 1)):
            yield f"{name} is not the visit that was acknowledged", [booking, exchange]


def _differences(booking: Document, asked: Document) -> list[str]:
    """The fields that differ from the request. It may allow another technician or a later start."""
    exact = ["property_id", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes"]
    exact += [name for name in ("technician_id", "technician_ids") if name in asked]
    wrong = [name for name in exact if booking.get(name) != asked[name]]
    wrong += ["technicians"] if len(set(crew_of(booking))) != asked.get("technicians", len(crew_of(booking))) else []
    late = seconds_of(booking["start"]) - seconds_of(asked["start"])
    return wrong + (["start"] if late < 0 or (late > 0 and asked.get("fallback") != "next_available") else [])


def nothing_unasked(evidence: Evidence) -> Iterator[Break]:
    """No booking that was refused, or that no request asked for."""
    answers = grouped(evidence.exchanges, lambda exchange: exchange.logical)
    for booking in evidence.bookings:
        asked = answers[request_of(booking)]
        if not asked:
            yield f"{booking['_id']} belongs to no request of this run", [booking]
            continue
        if not any(exchange.ok or exchange.unknown for exchange in asked):
            yield f"{booking['_id']} exists, but its request was refused", [booking, asked[-1]]
        wrong = _differences(at_version(booking, 1), asked[0].asked)
        if wrong:
            yield f"{booking['_id']} differs from its request in {', '.join(wrong)}", [booking, asked[0]]


def one_request__one_booking(evidence: Evidence) -> Iterator[Break]:
    """No request made two, however often it was sent."""
    for name, bookings in grouped(evidence.bookings, request_of).items():
        if len(bookings) > 1:
            yield f"the request {name} made {len(bookings)} bookings", [*bookings]


def mirror_is_true(evidence: Evidence) -> Iterator[Break]:
    """Redis marks as booked what MongoDB has booked.

    No claim is stuck, and none lasts for ever.
    """
    if evidence.marks is None:
        return
    due = {claim: booking for booking in evidence.active for claim in _claims_in(booking)}
    for claim, booking in due.items():
        mark = evidence.marks.get(claim)
        true = mark and (mark.state, mark.owner, mark.version) == ("booked", booking["_id"], booking["version"])
        if not true:
            yield f"{claim[0]} at tick {claim[1]} is booked in MongoDB, and in Redis: {mark}", [booking]
    granted = _granted(evidence)
    for claim, mark in evidence.marks.items():
        for fault in _faults(mark, granted, is_due=claim in due):
            yield f"{claim[0]} at tick {claim[1]} {fault}", [{"mark": str(mark)}]


def _granted(evidence: Evidence) -> set[str] | None:
    """The ids of all holds that clients know of; None where an answer was lost, since then it may be any."""
    holds = evidence.of("hold")
    if any(exchange.unknown for exchange in holds):
        return None
    offered = {str(entry.get("hold_id")) for entry in evidence.entries if entry["status"] == "offered"}
    return {str(exchange.reply.get("hold_id")) for exchange in holds if exchange.ok} | offered


def _faults(mark: Mark, granted: set[str] | None, *, is_due: bool) -> Iterator[str]:
    if mark.state == "booked" and not is_due:
        yield "is booked in Redis alone"
    elif mark.state in ("confirming", "moving"):
        yield f"is still {mark.state}"
    elif mark.state == "held" and granted is not None and mark.owner not in granted:
        yield "is held, and no client knows of that hold"
    if mark.expires_ms == -1:  # -2, gone since it was read, is no fault
        yield "never expires"
