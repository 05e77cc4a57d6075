"""Who had which slot when, as far as clients can know: a grant is certain from its answer until its end is asked for.

Only what is certain accuses: a grant trespasses if its request was sent after another client's grant was answered, and
was itself answered before that grant can have ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Claim, Evidence, grouped, seconds_of

SLACK_SECONDS = 0.1  # a hold or reservation may end this much before its lifetime is over by our clock
OVER_ITS_SHARE = 429  # such a refusal says nothing about the slot: an address has booked enough that day
GRANTS = ("hold", "book", "direct", "reserve", "move", "swapped")  # the requests whose 2xx gives a client a slot


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time in which a slot certainly belonged to one hold or booking. owner: the hold's id, or a direct booking's."""

    owner: str
    begin: float
    end: float
    grant: Exchange

    def covers(self, exchange: Exchange) -> bool:
        return self.begin <= exchange.sent and exchange.received <= self.end


def _owner(exchange: Exchange) -> str:
    """The hold that a grant belongs to; a direct booking is its own owner, wherever it is moved."""
    asked, reply = exchange.asked, exchange.reply
    hold_id = reply.get("hold_id") if exchange.operation == "hold" else asked.get("hold_id") or reply.get("hold_id")
    return str(hold_id or reply.get("booking_id"))


def _identity(grant: Exchange) -> tuple[str, str, object]:
    """What a grant gives: a hold, a booking, or one version of a booking."""
    name = "hold_id" if grant.operation == "hold" else "booking_id"
    version = grant.reply.get("version") if grant.operation in ("move", "swapped") else None
    return grant.operation, str(grant.reply.get(name)), version


def _halves(evidence: Evidence) -> Iterator[Exchange]:
    """Each half of a granted swap, as a grant of its own."""
    for swap in evidence.of("swap"):
        for booking in swap.reply["bookings"] if swap.ok else ():
            yield replace(swap, operation="swapped", reply=booking, asked={})


def _first_grants(evidence: Evidence) -> list[Exchange]:
    """The earliest 2xx for each hold, booking, move and half of a swap, sent when it was first asked for."""
    asked = grouped(evidence.exchanges, lambda exchange: exchange.logical)
    granted = grouped([*(each for each in evidence.of(*GRANTS) if each.ok), *_halves(evidence)], _identity)
    firsts = [min(group, key=lambda grant: grant.received) for group in granted.values()]
    return [replace(first, sent=min(each.sent for each in asked[first.logical])) for first in firsts]


def _first_sent(exchanges: list[Exchange]) -> float:
    return min((each.sent for each in exchanges), default=math.inf)


def hold_tenures(evidence: Evidence, grants: list[Exchange]) -> Iterator[Tenure]:
    """When each hold was certainly live: from its answer to its end, or to a change of its booking.

    An extension may shorten it too: certainty ends when it is asked for, and begins anew with its answer.
    """
    booked = [grant for grant in grants if grant.operation == "book"]
    cancelled = {tenure.owner: tenure.end for tenure in booking_tenures(evidence, booked)}
    releases, extensions = evidence.on("release", "hold_id"), evidence.on("extend", "hold_id")
    for grant in grants:
        if grant.operation != "hold":
            continue
        hold_id = _owner(grant)
        released = _first_sent(releases[hold_id]) if releases[hold_id] else cancelled.get(hold_id, math.inf)
        until = grant.sent + float(grant.reply.get("ttl_seconds", 0)) - SLACK_SECONDS
        yield Tenure(hold_id, grant.received, min(until, released, _first_sent(extensions[hold_id])), grant)
        for extension in extensions[hold_id]:
            if extension.ok:
                until = extension.sent + float(extension.asked["ttl_seconds"]) - SLACK_SECONDS
                yield Tenure(hold_id, extension.received, min(until, released), grant)


def offer_tenures(evidence: Evidence) -> Iterator[Tenure]:
    """When each offer was certainly live: from the answer that showed it to its end, or until its owner left."""
    left, released = evidence.on("leave", "waitlist_id"), evidence.on("release", "hold_id")
    looks = [each for each in evidence.of("look") if each.reply.get("status") == "offered"]
    for hold_id, seen in grouped(looks, lambda look: str(look.reply["hold_id"])).items():
        offer = seen[0].reply
        given_up = _first_sent(left[offer["waitlist_id"]] + released[hold_id])
        moved = evidence.deadlines.get(hold_id)
        until = moved if moved else seconds_of(offer["expires_at"]) - evidence.calendar_ahead
        # As a hold: travel, which the answer does not name, is left out.
        who = offer.get("offered_technician_ids") or [offer["offered_technician_id"]]
        visit = {"technician_ids": who, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
        grant = replace(seen[0], reply={**offer, **visit})
        yield Tenure(hold_id, seen[0].received, min(until - SLACK_SECONDS, given_up), grant)


def booking_tenures(evidence: Evidence, grants: list[Exchange]) -> Iterator[Tenure]:
    """When each booking certainly stood where it was: from its answer until a cancellation or move was asked for.

    A reservation stands until it runs out, and again from its confirmation on.
    """
    cancels, moves = evidence.on("cancel", "booking_id"), evidence.on("move", "booking_id")
    for grant in grants:
        if grant.operation == "hold":
            continue
        name, version = str(grant.reply.get("booking_id")), grant.reply.get("version", 1)
        changes = [move for move in moves[name] if move.asked["version"] == version and (move.ok or move.unknown)]
        end = _first_sent(cancels[name] + changes + _swaps_after(evidence, grant, name, version))
        if grant.operation == "reserve" and name in evidence.deadlines:
            end = min(end, evidence.deadlines[name] - SLACK_SECONDS)
        yield Tenure(_owner(grant), grant.received, end, grant)
    for confirmed in evidence.of("confirm"):
        if confirmed.ok:
            end = _first_sent(cancels[str(confirmed.asked["booking_id"])])
            yield Tenure(_owner(confirmed), confirmed.received, end, confirmed)


def _swaps_after(evidence: Evidence, grant: Exchange, name: str, version: int) -> list[Exchange]:
    """The swaps of a booking that may have come after a version of it, which a grant gave."""
    found = []
    for swap in evidence.of("swap"):
        if name not in (swap.asked["booking_id"], swap.asked["with"]) or not (swap.ok or swap.unknown):
            continue
        made = [each["version"] for each in swap.reply.get("bookings", ()) if each["booking_id"] == name]
        if swap.logical != grant.logical and not (made and made[0] <= version):
            found.append(swap)
    return found


def tenures(evidence: Evidence) -> list[Tenure]:
    grants = _first_grants(evidence)
    return [*hold_tenures(evidence, grants), *booking_tenures(evidence, grants), *offer_tenures(evidence)]


def trespasses(evidence: Evidence) -> Iterator[tuple[Exchange, Exchange, Claim]]:
    """Grants whose whole request lies inside another's tenure of the same claim: (grant, other grant, claim)."""
    claimed = [(claim, tenure) for tenure in tenures(evidence) for claim in evidence.claims(tenure.grant.reply)]
    had = grouped(claimed, lambda pair: pair[0])
    for grant in _first_grants(evidence):
        owner = _owner(grant)
        for claim in sorted(evidence.claims(grant.reply)):
            blockers = [tenure for _, tenure in had[claim] if tenure.owner != owner and tenure.covers(grant)]
            if blockers:
                yield grant, blockers[0].grant, claim
                break


def owners_refused(evidence: Evidence) -> Iterator[tuple[Exchange, Exchange]]:
    """Bookings of a hold that were refused while it was certainly live: (refusal, the hold's grant)."""
    holds = [*hold_tenures(evidence, _first_grants(evidence)), *offer_tenures(evidence)]
    live = grouped(holds, lambda tenure: tenure.owner)
    for refused in evidence.of("book"):
        inside = [tenure for tenure in live[str(refused.asked["hold_id"])] if tenure.covers(refused)]
        if inside and not refused.ok and not refused.undecided and refused.status != OVER_ITS_SHARE:
            yield refused, inside[0].grant
