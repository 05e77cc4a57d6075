"""Rules about the waitlist: first come, first served; one offer for one free slot; every entry tells the truth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from scripts.load.rules.evidence import BACKSTAGE, Break, Document, Evidence, grouped, request_of, seconds_of
from scripts.load.rules.timeline import SLACK_SECONDS, tenures

FAIR_SECONDS = 2.0
"""An entry this much older than an offer must be considered for it, whatever the relay was doing at that moment."""

ENDS = ("book", "lapse", "cancel", "lose")  # the actions that end an offer, or that take its entry off the waitlist


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer, by the history of its entry.

    placed, until: the lifetime of its hold, on the monotonic clock; end: the action that ended it, '' while it stands.
    """

    entry: Document
    hold_id: str
    placed: float
    until: float
    end: str


def _offers(evidence: Evidence) -> Iterator[Offer]:
    """All offers that were made."""
    for entry in evidence.entries:
        hold_id = ""
        for number, step in enumerate(entry["history"]):
            hold_id = step["changes"].get("hold_id", {}).get("to") or hold_id
            if step["action"] != "offer":
                continue
            until = evidence.moment(step["changes"]["offered_until"]["to"])
            moved = evidence.deadlines.get(hold_id)
            end = next((later["action"] for later in entry["history"][number:] if later["action"] in ENDS), "")
            yield Offer(entry, hold_id, until - 60 * entry["offer_minutes"], moved if moved else until, end)


def _visit(entry: Document) -> Document:
    """What an entry of a run waits for: its window has room for one visit."""
    return {**entry, "start": entry["from"], "buffer_before_minutes": 0, "buffer_after_minutes": 0}


def _wish(entry: Document) -> tuple[object, ...]:
    return tuple(entry[name] for name in ("property_id", "technician_id", "from", "to", "duration_minutes"))


def one_offer_at_a_time(evidence: Evidence) -> Iterator[Break]:
    """No slot is offered to two entries at once."""
    left, released = evidence.on("leave", "waitlist_id"), evidence.on("release", "hold_id")
    by_slot = grouped(_offers(evidence), lambda offer: frozenset(evidence.claims(_visit(offer.entry))))
    for made in by_slot.values():
        for first, second in pairwise(sorted(made, key=lambda offer: offer.placed)):
            given_up = [each.sent for each in left[first.entry["_id"]] + released[first.hold_id]]
            until = math.inf if first.end == "book" else first.until
            if first.end != "lose" and second.placed < min([until, *given_up]) - SLACK_SECONDS:
                yield "a slot was offered to two entries at once", [first.entry, second.entry]


def offers_are_free(evidence: Evidence) -> Iterator[Break]:
    """No entry is offered a slot that another client certainly has."""
    had = tenures(evidence)
    for offer in _offers(evidence):
        claims = evidence.claims(_visit(offer.entry))
        others = (one for one in had if one.owner != offer.hold_id and claims & evidence.claims(one.grant.reply))
        for other in others:
            if other.begin + SLACK_SECONDS <= offer.placed <= other.end - SLACK_SECONDS:
                yield f"{offer.entry['_id']} was offered a slot that another client had", [offer.entry, other.grant]


def first_come__first_served(evidence: Evidence) -> Iterator[Break]:
    """Of all entries that wait for the same slot, the oldest is offered it first."""
    left = evidence.on("leave", "waitlist_id")
    joined = {str(each.reply.get("waitlist_id")): each.received for each in evidence.of("join")}
    rivals = grouped(evidence.entries, _wish)
    for offer in _offers(evidence):
        entry = offer.entry
        for other in rivals[_wish(entry)]:
            name = other["_id"]
            earlier = (other["created_at"], name) < (entry["created_at"], entry["_id"])
            known = joined.get(name, math.inf) + FAIR_SECONDS <= offer.placed
            leaving = any(each.sent <= offer.placed for each in left[name])
            if earlier and known and not leaving and _waited_at(other, offer.placed, evidence):
                yield f"{name} is older, and {entry['_id']} was served", [other, entry]


def _waited_at(entry: Document, moment: float, evidence: Evidence) -> bool:
    """Whether an entry still waited at that moment and a little after it: no offer yet, and not left."""
    ends = [step for step in entry["history"] if step["action"] in ("offer", *ENDS)]
    return not ends or evidence.moment(ends[0]["at"]) > moment + SLACK_SECONDS


def offers_are_published(evidence: Evidence) -> Iterator[Break]:
    """One event for each offer, and none for an offer that was never made."""
    events = Counter((event["id"], event["hold_id"]) for event in evidence.offer_events)
    made = {(offer.entry["_id"], offer.hold_id): offer.entry for offer in _offers(evidence)}
    left = {entry["_id"] for entry in evidence.entries if entry["status"] == "cancelled"}
    for key, entry in made.items():
        if events[key] > 1 or (events[key] == 0 and evidence.events_whole):
            yield f"the offer to {key[0]} was published {events[key]} times", [entry]
    for name, hold_id in events.keys() - made.keys():
        if name not in left:  # an entry may be cancelled after its event and before its history has the offer
            yield f"an offer to {name} was published and not made", [{"waitlist_id": name, "hold_id": hold_id}]


def no_entry_is_passed_over(evidence: Evidence) -> Iterator[Break]:
    """No slot stays free while an entry waits for it."""
    if evidence.marks is None:
        return
    for entry in evidence.entries:
        if entry["status"] == "waiting" and not evidence.marks.keys() & evidence.claims(_visit(entry)):
            yield f"{entry['_id']} waits for a slot that is free", [entry]


def entries_tell_the_truth(evidence: Evidence) -> Iterator[Break]:
    """Each entry is what its owner knows: joined once, booked, left, or lapsed."""
    yield from _unknown_entries(evidence)
    for entry, fault in _wrong_states(evidence):
        yield f"{entry['_id']} {fault}", [entry]


def _unknown_entries(evidence: Evidence) -> Iterator[Break]:
    stored = {entry["_id"] for entry in evidence.entries}
    joins = evidence.of("join")
    asked = {join.logical for join in joins}
    for join in joins:
        if join.ok and join.reply.get("waitlist_id") not in stored:
            yield f"{join.logical} was answered with an entry that is not in MongoDB", [join]
    for name, entries in grouped(evidence.entries, request_of).items():
        if name not in asked or len(entries) > 1:
            yield f"{name or 'no request'} has {len(entries)} entries, and may have {int(name in asked)}", [*entries]


def _wrong_states(evidence: Evidence) -> Iterator[tuple[Document, str]]:
    bookings = {booking["_id"]: booking for booking in evidence.bookings}
    booked = {each.asked["hold_id"] for each in evidence.of("book") if each.ok}
    perhaps = {each.asked["hold_id"] for each in evidence.of("book") if each.unknown} - booked
    left = {each.asked["waitlist_id"] for each in evidence.of("leave") if each.ok}
    now = max((each.received for each in evidence.exchanges), default=0.0)
    for entry in evidence.entries:
        status, hold_id, history = entry["status"], entry.get("hold_id"), entry["history"]
        wrong = (hold_id in booked) != (status == "booked") and hold_id not in perhaps
        if len(history) != entry["version"]:
            yield entry, f"is version {entry['version']} with {len(history)} entries of history"
        if wrong or (entry["_id"] in left and status != "cancelled"):
            yield entry, f"is {status}, and its owner knows better"
        if status == "booked" and bookings.get(entry.get("booking_id"), {}).get("hold_id") != hold_id:
            yield entry, "is booked without a booking"
        if status == "lapsed" and seconds_of(history[-1]["at"]) < seconds_of(entry["offered_until"]) - SLACK_SECONDS:
            yield entry, "lapsed before its time"
        if status == "offered" and evidence.moment(entry["offered_until"]) < now - FAIR_SECONDS:
            yield entry, "is offered a slot although its time has run out"


def offers_run_out(evidence: Evidence) -> Iterator[Break]:
    """The run brought the end of some offers near, and their entries lapsed."""
    for entry in evidence.entries:
        moved = any(step["by"] == BACKSTAGE for step in entry["history"])
        if moved != (entry.get("hold_id") in evidence.deadlines) or (moved and entry["status"] != "lapsed"):
            yield f"{entry['_id']} is {entry['status']} after the end of its offer was brought near", [entry]
