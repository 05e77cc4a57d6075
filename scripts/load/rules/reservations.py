"""Rules about reservations whose deadline comes: who has the slot afterwards, and who could have had it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import BACKSTAGE, Break, Claim, Document, Evidence, at_version, claims_of, told
from scripts.load.rules.timeline import SLACK_SECONDS

ASKS_FOR_SLOTS = ("hold", "direct", "reserve")
TAKEN = ("slot_held", "slot_booked")


def _reservations(evidence: Evidence) -> Iterator[Document]:
    """The reservations that were given a near deadline, as MongoDB has them."""
    return (booking for booking in evidence.bookings if booking["_id"] in evidence.deadlines)


def _confirmations(evidence: Evidence) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        if exchange.operation == "confirm":
            found[exchange.asked["booking_id"]].append(exchange)
    return found


def heirs(evidence: Evidence) -> Iterable[Break]:
    """The slot of each reservation that many wanted at its deadline is exactly one's in the end."""
    for reservation in _reservations(evidence):
        wanted = claims_of(reservation, evidence.grid_seconds)
        active = [booking for booking in evidence.bookings if booking["active"]]
        have = [booking for booking in active if wanted & claims_of(booking, evidence.grid_seconds)]
        if len(have) != 1:
            yield f"{len(have)} have the slot of {reservation['_id']}; it must be one", [reservation, *have]


def overdue(evidence: Evidence) -> list[Break]:
    """A reservation whose deadline is over, and that nobody confirmed or cancelled, is `expired` a little later."""
    return [
        (f"{reservation['_id']} is still pending after its deadline", [reservation])
        for reservation in _reservations(evidence)
        if reservation["status"] == "pending"
    ]


def untimely_ends(evidence: Evidence) -> Iterable[Break]:
    """What expired did so at its deadline and not before, by nobody's request, and its history says that."""
    for reservation in evidence.bookings:
        history = reservation.get("history", [])
        ends = [entry for entry in history if entry["action"] == "expire"]
        if reservation["status"] != "expired":
            if ends:
                yield f"{reservation['_id']} is {reservation['status']} after it expired", [reservation]
        elif len(ends) != 1 or history[-1] is not ends[0] or ends[0]["by"] != "system":
            yield f"{reservation['_id']} expired, and its history does not say so", [reservation]
        elif ends[0]["at"] < reservation["reserved_until"]:
            yield f"{reservation['_id']} expired before its deadline", [reservation]


def late_confirmations(evidence: Evidence) -> Iterable[Break]:
    """Who asks before the deadline may confirm; who asks after it may not, unless it was done before."""
    cancelled = {each.asked["booking_id"] for each in evidence.exchanges if each.operation == "cancel"}
    for booking_id, confirmations in _confirmations(evidence).items():
        if booking_id not in evidence.deadlines:
            continue
        deadline = evidence.deadlines[booking_id].moment
        in_time = [each for each in confirmations if each.sent <= deadline]
        for each in confirmations:
            if each.ok and not in_time:
                yield f"{each.logical} confirmed what had run out", [told(each)]
            refused = not each.ok and not each.unknown and each.code != "request_in_progress"
            if refused and each.received < deadline - SLACK_SECONDS and booking_id not in cancelled:
                yield f"{each.logical} was refused ({each.code}) before the deadline", [told(each)]


def refused_for_nothing(evidence: Evidence) -> Iterable[Break]:
    """After a deadline nobody is told that a slot is taken while nobody has it, or is about to have it."""
    asked = [each for each in evidence.exchanges if each.operation in ASKS_FOR_SLOTS]
    by_claim: dict[Claim, list[Exchange]] = defaultdict(list)
    for exchange in asked:
        for claim in _claims_asked(exchange, evidence):
            by_claim[claim].append(exchange)
    confirmations = _confirmations(evidence)
    for reservation in _reservations(evidence):
        claims = claims_of(reservation, evidence.grid_seconds)
        over = evidence.deadlines[reservation["_id"]].moment + SLACK_SECONDS
        near = {id(each): each for claim in claims for each in by_claim[claim]}
        rivals = [each for each in near.values() if each.reply.get("booking_id") != reservation["_id"]]
        mine = confirmations[reservation["_id"]]
        for refused in rivals:
            if refused.code not in TAKEN or refused.sent < over:
                continue
            others = [each for each in [*rivals, *mine] if each.logical != refused.logical]
            if not any(_may_stand_in_the_way(each, refused) for each in others):
                sentence = f"{refused.logical} was refused a slot that was free after the deadline"
                yield sentence, [told(refused), at_version(reservation, reservation["version"])]


def _claims_asked(exchange: Exchange, evidence: Evidence) -> set[Claim]:
    return claims_of({"technician_id": "", **exchange.asked}, evidence.grid_seconds)


def _may_stand_in_the_way(other: Exchange, refused: Exchange) -> bool:
    """Whether another request had the slot, or was being carried out, when one was refused."""
    return other.sent < refused.received and (other.ok or other.unknown or other.received > refused.sent)


def unmoved_deadlines(evidence: Evidence) -> Iterable[Break]:
    """The run did what it wanted to prove: each reservation's deadline was brought near."""
    for reservation in _reservations(evidence):
        if not any(entry["by"] == BACKSTAGE for entry in reservation.get("history", [])):
            yield f"the deadline of {reservation['_id']} was not brought near", [reservation]
