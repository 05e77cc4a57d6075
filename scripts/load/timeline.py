"""Who had what when, as far as clients can know: a grant is certain from its answer until its end is asked for.

Only what is certain accuses: a grant trespasses if its request was sent after somebody else's was acknowledged, and
answered before that one can have ended.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.load.evidence import Claim, Evidence, claims_of
from scripts.load.steps import Exchange

SLACK_SECONDS = 0.1
"""A hold may end this much before its lifetime is over by our clock."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time in which a slot certainly was one hold's or booking's. owner: the hold's id, or the direct booking's."""

    owner: str
    begin: float
    end: float
    grant: Exchange


def _owner(exchange: Exchange) -> str:
    """The hold that a grant belongs to; a direct booking is its own."""
    if exchange.operation == "hold":
        return str(exchange.reply.get("hold_id"))
    return str(exchange.asked.get("hold_id") or exchange.reply.get("booking_id"))


def _by_target(evidence: Evidence, operation: str, name: str) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        if exchange.operation == operation:
            found[str(exchange.asked.get(name))].append(exchange)
    return found


def _first_grants(evidence: Evidence) -> list[Exchange]:
    """The answers that granted something new: the earliest 2xx for each hold and booking, sent when first asked for."""
    first_sent: dict[str, float] = {}
    for exchange in evidence.exchanges:
        first_sent[exchange.logical] = min(exchange.sent, first_sent.get(exchange.logical, math.inf))
    grants: dict[tuple[str, str], Exchange] = {}
    for exchange in evidence.exchanges:
        if exchange.ok and exchange.operation in ("hold", "book", "direct"):
            identifier = str(exchange.reply.get("hold_id" if exchange.operation == "hold" else "booking_id"))
            known = grants.get((exchange.operation, identifier))
            if known is None or exchange.received < known.received:
                grants[exchange.operation, identifier] = exchange
    return [_sent_at(exchange, first_sent[exchange.logical]) for exchange in grants.values()]


def _sent_at(exchange: Exchange, sent: float) -> Exchange:
    return Exchange(
        exchange.operation,
        exchange.logical,
        exchange.client,
        exchange.asked,
        sent,
        exchange.received,
        exchange.status,
        exchange.reply,
    )


def hold_tenures(evidence: Evidence, grants: list[Exchange]) -> Iterator[Tenure]:
    """When each hold was certainly live: from its answer to its expiry, its release or the cancelling of its booking.

    An extension may shorten it too: what was certain ends when one is asked for, and begins anew with its answer.
    """
    cancelled = {tenure.owner: tenure.end for tenure in booking_tenures(evidence, grants)}
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


def booking_tenures(evidence: Evidence, grants: list[Exchange]) -> Iterator[Tenure]:
    """When each booking certainly stood: from its answer until its cancellation was asked for."""
    cancels = _by_target(evidence, "cancel", "booking_id")
    for grant in grants:
        if grant.operation != "hold":
            ended = min((cancel.sent for cancel in cancels[str(grant.reply.get("booking_id"))]), default=math.inf)
            yield Tenure(_owner(grant), grant.received, ended, grant)


def trespasses(evidence: Evidence) -> Iterator[tuple[Exchange, Exchange, Claim]]:
    """Grants whose whole request lies inside another's tenure of the same claim: (grant, whose it was, the claim)."""
    grants = _first_grants(evidence)
    tenures: dict[Claim, list[Tenure]] = defaultdict(list)
    for tenure in [*hold_tenures(evidence, grants), *booking_tenures(evidence, grants)]:
        for claim in claims_of(tenure.grant.reply, evidence.grid_seconds):
            tenures[claim].append(tenure)
    for grant in grants:
        owner = _owner(grant)
        for claim in sorted(claims_of(grant.reply, evidence.grid_seconds)):
            taken = (
                one
                for one in tenures[claim]
                if one.owner != owner and one.begin <= grant.sent and grant.received <= one.end
            )
            blocker = next(taken, None)
            if blocker is not None:
                yield grant, blocker.grant, claim
                break


def owners_refused(evidence: Evidence) -> Iterator[tuple[Exchange, Exchange]]:
    """Bookings of a hold that were refused while it was certainly live: (refusal, the hold's grant)."""
    tenures: dict[str, list[Tenure]] = defaultdict(list)
    for tenure in hold_tenures(evidence, _first_grants(evidence)):
        tenures[tenure.owner].append(tenure)
    for exchange in evidence.exchanges:
        if exchange.operation != "book" or exchange.ok or exchange.unknown or exchange.code == "request_in_progress":
            continue
        for tenure in tenures[str(exchange.asked["hold_id"])]:
            if tenure.begin <= exchange.sent and exchange.received <= tenure.end:
                yield exchange, tenure.grant
                break
