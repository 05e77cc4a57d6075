"""Who had what when, as far as clients can know: a grant is certain from its answer until its end is asked for.

Only what is certain accuses: a grant trespasses if its request was sent after somebody else's was acknowledged, and
answered before that one can have ended.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Claim, Evidence, claims_of

SLACK_SECONDS = 0.1
"""A hold or reservation may end this much before its lifetime is over by our clock."""

GRANTS = ("hold", "book", "direct", "reserve", "move")
"""The operations whose 2xx gives somebody a slot."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time in which a slot certainly was one hold's or booking's. owner: the hold's id, or the direct booking's."""

    owner: str
    begin: float
    end: float
    grant: Exchange


def _owner(exchange: Exchange) -> str:
    """The hold that a grant belongs to; a direct booking is its own, wherever it is moved."""
    if exchange.operation == "hold":
        return str(exchange.reply.get("hold_id"))
    return str(exchange.asked.get("hold_id") or exchange.reply.get("hold_id") or exchange.reply.get("booking_id"))


def _by_target(evidence: Evidence, operation: str, name: str) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        if exchange.operation == operation:
            found[str(exchange.asked.get(name))].append(exchange)
    return found


def _first_grants(evidence: Evidence) -> list[Exchange]:
    """The answers that granted something new: the earliest 2xx for each hold, booking and move, sent when first asked
    for."""
    first_sent: dict[str, float] = {}
    for exchange in evidence.exchanges:
        first_sent[exchange.logical] = min(exchange.sent, first_sent.get(exchange.logical, math.inf))
    grants: dict[tuple[str, str], Exchange] = {}
    for exchange in evidence.exchanges:
        if exchange.ok and exchange.operation in GRANTS:
            identifier = str(exchange.reply.get("hold_id" if exchange.operation == "hold" else "booking_id"))
            if exchange.operation == "move":
                identifier += f" {exchange.reply.get('version')}"
            known = grants.get((exchange.operation, identifier))
            if known is None or exchange.received < known.received:
                grants[exchange.operation, identifier] = exchange
    return [replace(exchange, sent=first_sent[exchange.logical]) for exchange in grants.values()]


def hold_tenures(evidence: Evidence, grants: list[Exchange]) -> Iterator[Tenure]:
    """When each hold was certainly live: from its answer to its expiry, its release, or until its booking was cancelled
    or moved.

    An extension may shorten it too: what was certain ends when one is asked for, and begins anew with its answer.
    """
    booked = [grant for grant in grants if grant.operation == "book"]
    cancelled = {tenure.owner: tenure.end for tenure in booking_tenures(evidence, booked)}
    releases, extensions = _by_target(evidence, "release", "hold_id"), _by_target(evidence, "extend", "hold_id")
    for grant in grants:
        if grant.operation != "hold":
            continue
        hold_id = _owner(grant)
        released = min((release.sent for release in releases[hold_id]), default=cancelled.get(hold_id, math.inf))
        changed = min((extension.sent for extension in extensions[hold_id]), default=math.inf)
        lifetime = float(grant.reply.get("ttl_seconds", 0)) - SLACK_SECONDS
        yield Tenure(hold_id, grant.received, min(grant.sent + lifetime, released, changed), grant)
        for extension in extensions[hold_id]:
            if extension.ok:
                until = extension.sent + float(extension.asked["ttl_seconds"]) - SLACK_SECONDS
                yield Tenure(hold_id, extension.received, min(until, released), grant)


def offer_tenures(evidence: Evidence) -> Iterator[Tenure]:
    """When each offer of the waitlist was certainly live: from when its owner saw it to its end, or until he left."""
    left, released = _by_target(evidence, "leave", "waitlist_id"), _by_target(evidence, "release", "hold_id")
    seen: set[str] = set()
    for exchange in evidence.exchanges:
        offer = exchange.reply
        if exchange.operation != "look" or offer.get("status") != "offered" or offer["hold_id"] in seen:
            continue
        seen.add(offer["hold_id"])
        given_up = [each.sent for each in left[offer["waitlist_id"]] + released[offer["hold_id"]]]
        until = evidence.moment(datetime.fromisoformat(offer["expires_at"])) - SLACK_SECONDS
        yield Tenure(offer["hold_id"], exchange.received, min([until, *given_up]), _as_hold(exchange))


def _as_hold(exchange: Exchange) -> Exchange:
    """An offer as the grant of a hold; travel, which it does not tell, is left out."""
    offer = {**exchange.reply, "technician_id": exchange.reply["offered_technician_id"]}
    return replace(exchange, reply={**offer, "buffer_before_minutes": 0, "buffer_after_minutes": 0})


def booking_tenures(evidence: Evidence, grants: list[Exchange]) -> Iterator[Tenure]:
    """When each booking certainly stood where it was: from its answer until its cancellation, or a change of this
    version, was asked for; a reservation until it runs out, and once more from its confirmation."""
    cancels, moves = _by_target(evidence, "cancel", "booking_id"), _by_target(evidence, "move", "booking_id")
    for grant in grants:
        if grant.operation == "hold":
            continue
        booking_id = str(grant.reply.get("booking_id"))
        ends = [cancel.sent for cancel in cancels[booking_id]]
        version = grant.reply.get("version", 1)
        ends += [move.sent for move in moves[booking_id] if move.asked["version"] == version and _may_be_done(move)]
        if grant.operation == "reserve" and booking_id in evidence.deadlines:
            ends.append(evidence.deadlines[booking_id].moment - SLACK_SECONDS)
        yield Tenure(_owner(grant), grant.received, min(ends, default=math.inf), grant)
    for confirmed in evidence.exchanges:
        if confirmed.operation == "confirm" and confirmed.ok:
            ends = [cancel.sent for cancel in cancels[str(confirmed.asked["booking_id"])]]
            yield Tenure(_owner(confirmed), confirmed.received, min(ends, default=math.inf), confirmed)


def _may_be_done(exchange: Exchange) -> bool:
    return exchange.ok or exchange.unknown


def tenures(evidence: Evidence) -> list[Tenure]:
    """Everything that somebody certainly had."""
    grants = _first_grants(evidence)
    return [*hold_tenures(evidence, grants), *booking_tenures(evidence, grants), *offer_tenures(evidence)]


def trespasses(evidence: Evidence) -> Iterator[tuple[Exchange, Exchange, Claim]]:
    """Grants whose whole request lies inside another's tenure of the same claim: (grant, whose it was, the claim)."""
    grants = _first_grants(evidence)
    had: dict[Claim, list[Tenure]] = defaultdict(list)
    for tenure in tenures(evidence):
        for claim in claims_of(tenure.grant.reply, evidence.grid_seconds):
            had[claim].append(tenure)
    for grant in grants:
        owner = _owner(grant)
        for claim in sorted(claims_of(grant.reply, evidence.grid_seconds)):
            taken = (
                one
                for one in had[claim]
                if one.owner != owner and one.begin <= grant.sent and grant.received <= one.end
            )
            blocker = next(taken, None)
            if blocker is not None:
                yield grant, blocker.grant, claim
                break


def owners_refused(evidence: Evidence) -> Iterator[tuple[Exchange, Exchange]]:
    """Bookings of a hold that were refused while it was certainly live: (refusal, the hold's grant)."""
    live: dict[str, list[Tenure]] = defaultdict(list)
    for tenure in [*hold_tenures(evidence, _first_grants(evidence)), *offer_tenures(evidence)]:
        live[tenure.owner].append(tenure)
    for exchange in evidence.exchanges:
        if exchange.operation != "book" or exchange.ok or exchange.unknown or exchange.code == "request_in_progress":
            continue
        for tenure in live[str(exchange.asked["hold_id"])]:
            if tenure.begin <= exchange.sent and exchange.received <= tenure.end:
                yield exchange, tenure.grant
                break
