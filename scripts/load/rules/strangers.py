"""Rules about strangers with the publishable key: their shares, what they may not choose, and what they cost others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Break, Document, Evidence, grouped
from scripts.load.rules.timeline import SLACK_SECONDS

STAFF = ("desk", "sms")
LONGEST_SECONDS = 1.5  # what the staff waits for an answer at most, and what 99 of 100 wait under overload
MOST_KEYS, MOST_REDIS_MS = 2000, 20.0
LEAST_SHARE = 0.8  # of the peak throughput, at five times the connections that reach it
MOST_SLOWER = 2.0  # a lone request two seconds after the load, by its usual time


@dataclass(frozen=True, slots=True)
class Kept:
    """A time in which a client address certainly kept a slot by a hold or an offer, and what shows it."""

    address: str
    begin: float
    end: float
    shown: Exchange | Document


def _held(evidence: Evidence) -> Iterator[Kept]:
    """The holds, each until its release or booking was asked for or its time ran out."""
    ends = evidence.on("release", "hold_id"), evidence.on("book", "hold_id")
    for hold in evidence.of("hold"):
        if hold.ok and hold.address:
            name = hold.reply["hold_id"]
            asked = [each.sent for end in ends for each in end[name]]
            until = hold.sent + float(hold.reply["ttl_seconds"]) - SLACK_SECONDS
            yield Kept(hold.address, hold.received, min([until, *asked]), hold)


def _offered(evidence: Evidence) -> Iterator[Kept]:
    """The offers to entries, each until its entry changed again or its time ran out."""
    joined = {each.reply.get("waitlist_id"): each.address for each in evidence.of("wish") if each.ok and each.address}
    for entry in evidence.entries:
        steps = entry["history"]
        for number, step in enumerate(steps):
            if step["action"] == "offer" and entry["_id"] in joined:
                until = steps[number + 1]["at"] if number + 1 < len(steps) else step["changes"]["offered_until"]["to"]
                end = evidence.moment(until) - SLACK_SECONDS
                yield Kept(joined[entry["_id"]], evidence.moment(step["at"]), end, entry)


def _too_many(kept: list[Kept], most: int) -> list[Kept]:
    """Those that were kept at the first moment when there were more than `most`; none if there was no such moment."""
    for one in sorted(kept, key=lambda each: each.begin):
        at_once = [each for each in kept if each.begin <= one.begin < each.end]
        if len(at_once) > most:
            return at_once
    return []


def shares_are_kept(evidence: Evidence) -> Iterator[Break]:
    """No client address has more live holds and offers than its share."""
    most = evidence.policy["public_holds_per_address"]
    for address, kept in grouped([*_held(evidence), *_offered(evidence)], lambda each: each.address).items():
        if found := _too_many(kept, most):
            yield f"{address} had {len(found)} slots at once, and may have {most}", [each.shown for each in found]


def the_calendar_stays_open(evidence: Evidence) -> Iterator[Break]:
    """All strangers together have at most public_holds_most live holds and offers."""
    most = evidence.policy["public_holds_most"]
    if found := _too_many([*_held(evidence), *_offered(evidence)], most):
        yield f"strangers had {len(found)} slots at once, and may have {most}", [each.shown for each in found]


def bookings_of_a_day_are_few(evidence: Evidence) -> Iterator[Break]:
    """No client address books more visits on one UTC day than its share."""
    most = evidence.policy["public_bookings_per_address_per_day"]
    booked = {each.reply["booking_id"]: each for each in evidence.of("book") if each.ok and each.address}
    days = grouped(booked.values(), lambda each: (each.address, _day(evidence, each)))
    for (address, day), made in days.items():
        if len(made) > most:
            yield f"{address} booked {len(made)} visits on {day}, and may book {most}", [*made]


def _day(evidence: Evidence, exchange: Exchange) -> str:
    return f"{datetime.fromtimestamp(exchange.received + evidence.calendar_ahead, UTC):%Y-%m-%d}"


def what_is_free_is_not_waited_for(evidence: Evidence) -> Iterator[Break]:
    """A stranger who wants to wait for a free slot is refused, and the slot is named."""
    for wish in evidence.of("wish"):
        if wish.address and wish.asked.get("free") and not wish.undecided:
            named = [each["start"] for each in wish.reply.get("next_available", [])]
            if wish.code != "slot_available" or wish.asked["start"] not in named:
                yield f"{wish.logical} wanted to wait for a free slot, and was answered {wish.code}", [wish]


def strangers_choose_little(evidence: Evidence) -> Iterator[Break]:
    """Travel, long visits and emergencies are refused with the publishable key."""
    for asked in evidence.of("overreach"):
        if asked.status != 400 and not asked.undecided:
            yield f"{asked.logical} was answered {asked.status}", [asked]


def the_staff_is_served(evidence: Evidence) -> Iterator[Break]:
    """No request of the staff is refused because of strangers."""
    staff = _staff(evidence)
    wanted = {each.logical: (each.asked.get("property_id"), each.asked.get("start")) for each in staff}
    rivals = Counter(wanted.values())
    for each in staff:
        contested = each.status == 409 and rivals[wanted[each.logical]] > 1
        if not each.ok and not contested:
            yield f"{each.logical} of the staff was refused ({each.code})", [each]


def the_staff_is_not_delayed(evidence: Evidence) -> Iterator[Break]:
    """No request of the staff takes longer than 1.5 s beside strangers."""
    for each in _staff(evidence):
        if each.milliseconds > LONGEST_SECONDS * 1000:
            yield f"{each.logical} of the staff took {each.milliseconds:.0f} ms", [each]


def _staff(evidence: Evidence) -> list[Exchange]:
    return [each for each in evidence.exchanges if each.client in STAFF]


def requests_cost_little(evidence: Evidence) -> Iterator[Break]:
    """No request makes a script call of over 2,000 keys, or takes over 20 ms of Redis."""
    for name, value in evidence.figures.items():
        most = {"keys": MOST_KEYS, "redis_ms": MOST_REDIS_MS}.get(name.rpartition(":")[2])
        if most is not None and value > most:
            yield f"{name} is {value:.1f}, and may be {most}", [dict(evidence.figures)]


def overload_is_shed(evidence: Evidence) -> Iterator[Break]:
    """At five times its load the server answers 80 % of its peak, 99 of 100 within 1.5 s."""
    figures = evidence.figures
    if figures and figures["overload_share"] < LEAST_SHARE:
        yield f"only {figures['overload_share']:.0%} of the peak was served", [dict(figures)]
    if figures and figures["overload_p99_ms"] > LONGEST_SECONDS * 1000:
        yield f"99 of 100 waited up to {figures['overload_p99_ms']:.0f} ms", [dict(figures)]


def it_recovers_at_once(evidence: Evidence) -> Iterator[Break]:
    """Two seconds after the overload a lone request takes at most twice its usual time."""
    figures = evidence.figures
    if figures and figures["afterwards_ms"] > MOST_SLOWER * figures["usual_ms"]:
        yield f"a lone request took {figures['afterwards_ms']:.1f} ms", [dict(figures)]
