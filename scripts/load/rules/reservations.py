"""Rules about reservations whose deadline comes: who has the slot afterwards, and who could have had it."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import BACKSTAGE, Break, Document, Evidence, grouped
from scripts.load.rules.timeline import SLACK_SECONDS

ASKS_FOR_SLOTS = ("hold", "direct", "reserve")
TAKEN = ("slot_held", "slot_booked")


def _reservations(evidence: Evidence) -> list[Document]:
    """The reservations that were given a near deadline, as MongoDB has them."""
    return [booking for booking in evidence.bookings if booking["_id"] in evidence.deadlines]


def one_heir(evidence: Evidence) -> Iterator[Break]:
    """The slot of each reservation has exactly one owner after its deadline."""
    for reservation in _reservations(evidence):
        wanted = evidence.claims(reservation)
        have = [booking for booking in evidence.active if wanted & evidence.claims(booking)]
        if len(have) != 1:
            yield f"{len(have)} have the slot of {reservation['_id']}; it must be one", [reservation, *have]


def deadlines_come(evidence: Evidence) -> Iterator[Break]:
    """A reservation that was not confirmed in time is expired within a minute."""
    for reservation in _reservations(evidence):
        if reservation["status"] == "pending":
            yield f"{reservation['_id']} is still pending after its deadline", [reservation]


def expiry_is_recorded(evidence: Evidence) -> Iterator[Break]:
    """Nothing expires before its deadline or without an entry."""
    for booking in evidence.bookings:
        name, history = booking["_id"], booking.get("history", [])
        ends = [entry for entry in history if entry["action"] == "expire"]
        if booking["status"] != "expired":
            if ends:
                yield f"{name} is {booking['status']} after it expired", [booking]
        elif len(ends) != 1 or history[-1] is not ends[0] or ends[0]["by"] != "system":
            yield f"{name} expired, and its history does not say so", [booking]
        elif ends[0]["at"] < booking["reserved_until"]:
            yield f"{name} expired before its deadline", [booking]


def confirmed_in_time(evidence: Evidence) -> Iterator[Break]:
    """A reservation can be confirmed until its deadline and not after it."""
    cancels = evidence.on("cancel", "booking_id")
    for name, confirms in evidence.on("confirm", "booking_id").items():
        if name not in evidence.deadlines:
            continue
        deadline = evidence.deadlines[name]
        in_time = any(each.sent <= deadline for each in confirms)
        for each in confirms:
            if each.ok and not in_time:
                yield f"{each.logical} confirmed a reservation that had run out", [each]
            early = each.received < deadline - SLACK_SECONDS
            if not each.ok and not each.undecided and early and not cancels[name]:
                yield f"{each.logical} was refused ({each.code}) before the deadline", [each]


def free_at_the_deadline(evidence: Evidence) -> Iterator[Break]:
    """After a deadline a slot is refused only if another client has it or is about to."""
    asked = [(claim, each) for each in evidence.of(*ASKS_FOR_SLOTS) for claim in evidence.claims(each.asked)]
    by_claim = grouped(asked, lambda pair: pair[0])
    confirms = evidence.on("confirm", "booking_id")
    for reservation in _reservations(evidence):
        name = reservation["_id"]
        over = evidence.deadlines[name] + SLACK_SECONDS
        near = {id(each): each for claim in evidence.claims(reservation) for _, each in by_claim[claim]}
        rivals = [each for each in near.values() if each.reply.get("booking_id") != name]
        for refused in rivals:
            others = [each for each in [*rivals, *confirms[name]] if each.logical != refused.logical]
            late = refused.code in TAKEN and refused.sent >= over
            if late and not any(_may_stand_in_the_way(each, refused) for each in others):
                yield f"{refused.logical} was refused a slot that was free after the deadline", [refused, reservation]


def _may_stand_in_the_way(other: Exchange, refused: Exchange) -> bool:
    """Whether another request had the slot, or was being carried out, when one was refused."""
    return other.sent < refused.received and (other.ok or other.unknown or other.received > refused.sent)


def deadlines_were_moved(evidence: Evidence) -> Iterator[Break]:
    """The run brought the deadlines near."""
    for reservation in _reservations(evidence):
        if not any(entry["by"] == BACKSTAGE for entry in reservation.get("history", [])):
            yield f"the deadline of {reservation['_id']} was not brought near", [reservation]
