"""Rules about the bookings that MongoDB has: no overlap, whole claims, all that was acknowledged, nothing unasked.

Overlaps are looked for twice, by claims and by real intervals, so that a wrong claim cannot hide a double booking.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Break, Document, Evidence, at_version, claims_of, spans, told


def double_claims(evidence: Evidence) -> Iterable[Break]:
    """No (org, resource, tick) in two active bookings, by the claims that the documents carry."""
    holders: dict[tuple[str, int], list[Document]] = defaultdict(list)
    for booking in evidence.bookings + evidence.neighbours:
        if booking["active"]:
            for resource, tick in {(claim["resource"], claim["tick"]) for claim in booking["claims"]}:
                holders[resource, tick].append(booking)
    seen: set[tuple[Any, ...]] = set()
    for (resource, tick), bookings in sorted(holders.items()):
        group = tuple(sorted(str(booking["_id"]) for booking in bookings))
        if len(bookings) > 1 and group not in seen:
            seen.add(group)
            yield f"{len(bookings)} active bookings share {resource} at tick {tick}", bookings


def overlapping_times(evidence: Evidence) -> Iterable[Break]:
    """No two active visits overlap in time, travel included: a sweep over real intervals that looks at no claim."""
    intervals: dict[str, list[tuple[Any, Any, Document]]] = defaultdict(list)
    for booking in evidence.bookings + evidence.neighbours:
        if booking["active"]:
            start = booking["start"]
            end = start + timedelta(minutes=booking["duration_minutes"])
            travel = [timedelta(minutes=booking[f"buffer_{side}_minutes"]) for side in ("before", "after")]
            intervals[f"property {booking['property_id']}"].append((start, end, booking))
            intervals[f"technician {booking['technician_id']}"].append((start - travel[0], end + travel[1], booking))
    for resource, busy in sorted(intervals.items()):
        busy.sort(key=lambda interval: interval[:2])
        latest = busy[0]
        for interval in busy[1:]:
            if interval[0] < latest[1]:
                yield f"{resource} is booked twice at {interval[0]:%Y-%m-%d %H:%M}", [latest[2], interval[2]]
            latest = max(latest, interval, key=lambda one: one[1])


def incomplete_claims(evidence: Evidence) -> Iterable[Break]:
    """An active booking claims every tick of its property and of its technician, and nothing else."""
    for booking in evidence.bookings:
        if not booking["active"]:
            continue
        claimed = Counter((claim["resource"], claim["tick"]) for claim in booking["claims"])
        due = claims_of(booking, evidence.grid_seconds)
        if set(claimed) != due or max(claimed.values()) > 1:
            missing, extra = len(due - set(claimed)), sum(claimed.values()) - len(due & set(claimed))
            yield f"{booking['_id']} lacks {missing} of its claims and has {extra} that are not its own", [booking]


MAKES_BOOKINGS = ("book", "direct", "reserve")


def made_bookings(evidence: Evidence) -> list[Exchange]:
    return [exchange for exchange in evidence.exchanges if exchange.ok and exchange.operation in MAKES_BOOKINGS]


def _acts(evidence: Evidence, operation: str) -> dict[str, list[Exchange]]:
    """What was asked for by such requests, by booking."""
    acts: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        if exchange.operation == operation:
            acts[exchange.asked["booking_id"]].append(exchange)
    return acts


def lost_bookings(evidence: Evidence) -> Iterable[Break]:
    """Every acknowledged booking is there, as acknowledged, until it is cancelled; a cancelled one blocks nothing.

    A reservation may run out, unless it was confirmed. Where a booking was moved, its first version is looked at here.
    """
    stored = {str(booking["_id"]): booking for booking in evidence.bookings}
    cancels, confirms = _acts(evidence, "cancel"), _acts(evidence, "confirm")
    for exchange in made_bookings(evidence):
        identifier = exchange.reply.get("booking_id", "")
        booking = stored.get(identifier)
        cancelled = cancels.get(identifier, [])
        may_expire = identifier in evidence.deadlines and not any(each.ok for each in confirms.get(identifier, []))
        if booking is None:
            yield f"{identifier or 'a booking without an id'} was acknowledged and is not in MongoDB", [told(exchange)]
        elif any(cancel.ok for cancel in cancelled):
            if booking["active"] or booking["status"] != "cancelled":
                yield f"{identifier} was cancelled and is {booking['status']}, active {booking['active']}", [booking]
        elif not cancelled and not booking["active"] and not (may_expire and booking["status"] == "expired"):
            yield (
                f"{identifier} was acknowledged, never cancelled, and is {booking['status']}",
                [booking, told(exchange)],
            )
        elif claims_of(exchange.reply, evidence.grid_seconds) != claims_of(
            at_version(booking, 1), evidence.grid_seconds
        ):
            yield f"{identifier} is not at the time and place that were acknowledged", [booking, told(exchange)]


def _differs(booking: Document, asked: Document, evidence: Evidence) -> list[str]:
    """In what a booking is not what was asked for. Another technician or start only where the request allowed it."""
    wrong = [name for name in ("property_id", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
             if booking[name] != asked[name]]  # fmt: skip
    if "technician_id" in asked and booking["technician_id"] != asked["technician_id"]:
        wrong.append("technician_id")
    wanted = next(first for _, first, _ in _asked_spans(asked, evidence))
    start = evidence.tick(booking["start"])
    if start < wanted or (start > wanted and asked.get("fallback") != "next_available"):
        wrong.append("start")
    return wrong


def _asked_spans(asked: Document, evidence: Evidence) -> list[tuple[str, int, int]]:
    return spans({"technician_id": "", **asked}, evidence.grid_seconds)


def unasked_bookings(evidence: Evidence) -> Iterable[Break]:
    """Nothing exists that nobody asked for, and nothing whose request was refused."""
    answers: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        answers[exchange.logical].append(exchange)
    for booking in evidence.bookings:
        name = str(booking["customer"]["name"]).partition("/")[2]
        asked = answers.get(name)
        if not asked:
            yield f"{booking['_id']} belongs to no request of this run", [booking]
            continue
        if not any(exchange.ok or exchange.unknown for exchange in asked):
            yield f"{booking['_id']} exists, but its request was refused", [booking, told(asked[-1])]
        wrong = _differs(at_version(booking, 1), asked[0].asked, evidence)
        if wrong:
            yield f"{booking['_id']} differs from its request in {', '.join(wrong)}", [booking, told(asked[0])]


def repeated_bookings(evidence: Evidence) -> Iterable[Break]:
    """One request, one booking, however often it was sent."""
    made: dict[str, list[Document]] = defaultdict(list)
    for booking in evidence.bookings:
        made[str(booking["customer"]["name"])].append(booking)
    for name, bookings in made.items():
        if len(bookings) > 1:
            yield f"the request {name.partition('/')[2]} made {len(bookings)} bookings", bookings
