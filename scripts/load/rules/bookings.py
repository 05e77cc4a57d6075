"""Rules about the bookings in MongoDB: no overlap, all claims there, all acknowledged ones there, none unasked.

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
    at_version,
    claims_in,
    grouped,
    request_of,
    seconds_of,
)

MAKES_BOOKINGS = ("book", "direct", "reserve")


def one_booking_per_claim(evidence: Evidence) -> Iterator[Break]:
    """No (resource, tick) in two active bookings."""
    held = [(claim, booking) for booking in evidence.active for claim in sorted(set(claims_in(booking)))]
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
    intervals = [interval for booking in evidence.active for interval in _intervals(booking)]
    for resource, busy in sorted(grouped(intervals, lambda interval: interval[0]).items()):
        busy.sort(key=lambda interval: interval[1:3])
        latest = busy[0]
        for interval in busy[1:]:
            if interval[1] < latest[2]:
                yield f"{resource} is booked twice at {interval[1]:%Y-%m-%d %H:%M}", [latest[3], interval[3]]
            latest = max(latest, interval, key=lambda one: one[2])


def _intervals(booking: Document) -> list[tuple[str, Any, Any, Document]]:
    """The (resource, from, to, booking) of a visit: its property, and its technician with travel."""
    start = booking["start"]
    end = start + timedelta(minutes=booking["duration_minutes"])
    before, after = (timedelta(minutes=booking[f"buffer_{side}_minutes"]) for side in ("before", "after"))
    return [
        (f"property {booking['property_id']}", start, end, booking),
        (f"technician {booking['technician_id']}", start - before, end + after, booking),
    ]


def claims_complete(evidence: Evidence) -> Iterator[Break]:
    """Property and technician claims are all there, and no others."""
    for booking in evidence.active:
        claimed, due = Counter(claims_in(booking)), evidence.claims(booking)
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
    exact += ["technician_id"] if "technician_id" in asked else []
    wrong = [name for name in exact if booking[name] != asked[name]]
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


RULES = (
    one_booking_per_claim, one_visit_at_a_time, claims_complete,
    acknowledged_is_kept, nothing_unasked, one_request__one_booking,
)  # fmt: skip
