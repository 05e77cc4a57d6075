"""Rules about the waitlist: first come, first served; one offer for one free slot; and every entry tells the truth."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Break, Claim, Document, Evidence, claims_of, told
from scripts.load.rules.timeline import SLACK_SECONDS, tenures

FAIR_SECONDS = 2.0
"""Who joined so long before an offer was in line for it, whatever the relay was doing at that moment."""

ENDS = ("book", "lapse", "cancel", "lose")
"""The actions after which an offer is none any more, or its entry not in line."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer, by its entry's history. placed, until: of its hold, on the monotonic clock; end: how it ended."""

    entry: Document
    hold_id: str
    placed: float
    until: float
    end: str


def offers(evidence: Evidence) -> Iterator[Offer]:
    """All offers that were made, by the histories of the entries."""
    for entry in evidence.waits:
        hold_id = ""
        for number, step in enumerate(entry["history"]):
            hold_id = step["changes"].get("hold_id", {}).get("to") or hold_id
            if step["action"] == "offer":
                until = evidence.moment(step["changes"]["offered_until"]["to"])
                end = next((later["action"] for later in entry["history"][number:] if later["action"] in ENDS), "")
                yield Offer(entry, hold_id, until - 60 * entry["offer_minutes"], until, end)


def _visit(entry: Document) -> Document:
    """What an entry waits for in a run: its window has room for one visit."""
    return {**entry, "start": entry["from"], "buffer_before_minutes": 0, "buffer_after_minutes": 0}


def _shown(entry: Document) -> Document:
    story = [f"{step['at']:%H:%M:%S.%f} {step['action']} by {step['by']}" for step in entry["history"]]
    return {**entry, "story": story}


def _sent(evidence: Evidence, operation: str, name: str) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        if exchange.operation == operation:
            found[str(exchange.asked.get(name))].append(exchange)
    return found


def two_offers(evidence: Evidence) -> Iterable[Break]:
    """A slot is offered to one at a time: until the offer is booked, over, or given up."""
    left, released = _sent(evidence, "leave", "waitlist_id"), _sent(evidence, "release", "hold_id")
    by_slot: dict[frozenset[Claim], list[Offer]] = defaultdict(list)
    for offer in offers(evidence):
        by_slot[frozenset(claims_of(_visit(offer.entry), evidence.grid_seconds))].append(offer)
    for made in by_slot.values():
        for first, second in pairwise(sorted(made, key=lambda offer: offer.placed)):
            given_up = left[first.entry["_id"]] + released[first.hold_id]
            until = math.inf if first.end == "book" else first.until
            end = min([until, *(each.sent for each in given_up)]) - SLACK_SECONDS
            if first.end != "lose" and second.placed < end:
                yield "a slot was offered to two at once", [_shown(first.entry), _shown(second.entry)]


def offers_of_taken_slots(evidence: Evidence) -> Iterable[Break]:
    """Nobody is offered what somebody else certainly has."""
    had = tenures(evidence)
    for offer in offers(evidence):
        claims = claims_of(_visit(offer.entry), evidence.grid_seconds)
        for tenure in had:
            inside = tenure.begin + SLACK_SECONDS <= offer.placed <= tenure.end - SLACK_SECONDS
            if (
                inside
                and tenure.owner != offer.hold_id
                and claims & claims_of(tenure.grant.reply, evidence.grid_seconds)
            ):
                yield f"{offer.entry['_id']} was offered what another had", [_shown(offer.entry), told(tenure.grant)]


def queue_jumpers(evidence: Evidence) -> Iterable[Break]:
    """Of all who wait for the same, the one who joined first is offered it first."""
    left = _sent(evidence, "leave", "waitlist_id")
    joined = {
        str(each.reply.get("waitlist_id")): each.received for each in evidence.exchanges if each.operation == "join"
    }
    for offer in offers(evidence):
        entry = offer.entry
        for other in evidence.waits:
            earlier = (other["created_at"], other["_id"]) < (entry["created_at"], entry["_id"])
            if not earlier or _wish(other) != _wish(entry):
                continue
            known = joined.get(other["_id"], math.inf) + FAIR_SECONDS <= offer.placed
            leaving = any(each.sent <= offer.placed for each in left[other["_id"]])
            if known and not leaving and _waited_at(other, offer.placed, evidence):
                yield f"{other['_id']} came first, {entry['_id']} was served", [_shown(other), _shown(entry)]


def _wish(entry: Document) -> tuple[Any, ...]:
    return tuple(entry[name] for name in ("property_id", "technician_id", "from", "to", "duration_minutes"))


def _waited_at(entry: Document, moment: float, evidence: Evidence) -> bool:
    """Whether an entry had been offered nothing yet, nor left, at that moment and a little after it."""
    ends = [step for step in entry["history"] if step["action"] in ("offer", *ENDS)]
    return not ends or evidence.moment(ends[0]["at"]) > moment + SLACK_SECONDS


def untold_offers(evidence: Evidence) -> Iterable[Break]:
    """The org's events tell every offer once, and none that was never made."""
    events = Counter((event["id"], event["hold_id"]) for event in evidence.offers_told)
    made = {(offer.entry["_id"], offer.hold_id): offer.entry for offer in offers(evidence)}
    left = {entry["_id"] for entry in evidence.waits if entry["status"] == "cancelled"}
    for key, entry in made.items():
        if events[key] > 1 or (events[key] == 0 and evidence.events_whole):
            yield f"the offer to {key[0]} was told {events[key]} times", [_shown(entry)]
    for key in events.keys() - made.keys():
        if key[0] not in left:  # who leaves while an offer is made to him has been told of it
            yield f"an offer to {key[0]} was told and not made", [{"waitlist_id": key[0], "hold_id": key[1]}]


def passed_over(evidence: Evidence) -> list[Break]:
    """No slot stays free while somebody waits for it."""
    if evidence.marks is None:
        return []
    return [
        (f"{entry['_id']} waits for a slot that is free", [_shown(entry)])
        for entry in evidence.waits
        if entry["status"] == "waiting" and not evidence.marks.keys() & claims_of(_visit(entry), evidence.grid_seconds)
    ]


def untrue_entries(evidence: Evidence) -> list[Break]:
    """Each entry is what its owner was told that it is: joined once, booked, left, or lapsed when its time was over."""
    return [*_unknown_places(evidence), *_wrong_states(evidence)]


def _unknown_places(evidence: Evidence) -> Iterator[Break]:
    stored = {entry["_id"] for entry in evidence.waits}
    asked = {exchange.logical for exchange in evidence.exchanges if exchange.operation == "join"}
    names = Counter(str(entry["customer"]["name"]).partition("/")[2] for entry in evidence.waits)
    for exchange in evidence.exchanges:
        if exchange.operation == "join" and exchange.ok and exchange.reply.get("waitlist_id") not in stored:
            yield f"{exchange.logical} was given a place in line that is not in MongoDB", [told(exchange)]
    for entry in evidence.waits:
        name = str(entry["customer"]["name"]).partition("/")[2]
        if name not in asked or names[name] > 1:
            yield f"{entry['_id']} was asked for by nobody, or {name} has two places", [_shown(entry)]


def _wrong_states(evidence: Evidence) -> Iterator[Break]:
    bookings = {booking["_id"]: booking for booking in evidence.bookings}
    tries = [each for each in evidence.exchanges if each.operation == "book"]
    booked = {each.asked["hold_id"] for each in tries if each.ok}
    perhaps = {each.asked["hold_id"] for each in tries if each.unknown} - booked
    left = {each.asked["waitlist_id"] for each in evidence.exchanges if each.operation == "leave" and each.ok}
    now = max((each.received for each in evidence.exchanges), default=0.0)
    for entry in evidence.waits:
        status, booking = entry["status"], bookings.get(entry.get("booking_id"))
        if len(entry["history"]) != entry["version"]:
            yield f"{entry['_id']} is version {entry['version']} of another history", [_shown(entry)]
        taken = entry.get("hold_id") in booked
        wrong = taken != (status == "booked") and entry.get("hold_id") not in perhaps
        if wrong or (entry["_id"] in left and status != "cancelled"):
            yield f"{entry['_id']} is {status}, and its owner knows better", [_shown(entry)]
        if status == "booked" and (booking is None or booking.get("hold_id") != entry["hold_id"]):
            yield f"{entry['_id']} is booked without a booking", [_shown(entry)]
        if status == "lapsed" and _ended_at(entry) < entry["offered_until"] - timedelta(seconds=SLACK_SECONDS):
            yield f"{entry['_id']} lapsed before its time", [_shown(entry)]
        if status == "offered" and evidence.moment(entry["offered_until"]) < now - FAIR_SECONDS:
            yield f"{entry['_id']} is offered what has run out", [_shown(entry)]


def _ended_at(entry: Document) -> datetime:
    ended: datetime = entry["history"][-1]["at"]
    return ended
