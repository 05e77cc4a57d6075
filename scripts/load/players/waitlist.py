"""Who has a slot that others wait for, and who waits: books the offer, lets it lapse, or leaves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.load.client.steps import Pause, Play, Send
from scripts.load.players.clients import Person, Talk, asked_as, settled

LOOK_SECONDS = 1.0
LATE_SECONDS = 1.5


def place_in_line(person: Person) -> Send:
    """Waits for exactly the person's slot; an offer stands for a minute."""
    slot = person.slot
    end = datetime.fromisoformat(slot["start"]) + timedelta(minutes=slot["duration_minutes"])
    body = {name: slot[name] for name in ("property_id", "technician_id", "duration_minutes")}
    body |= {"from": slot["start"], "to": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "offer_minutes": 1}
    return person.post("join", "/waitlist", {**body, "customer": person.customer("join")}, asked=slot)


def _look(person: Person) -> Send:
    waitlist_id = person.subject["waitlist_id"]
    return person.send("look", "GET", f"/waitlist/{waitlist_id}", asked={"waitlist_id": waitlist_id})


def _leave(person: Person) -> Send:
    waitlist_id = person.subject["waitlist_id"]
    return person.send("leave", "DELETE", f"/waitlist/{waitlist_id}", asked={"waitlist_id": waitlist_id})


def _book(person: Person, offer: dict[str, Any], name: str = "book") -> Send:
    body = {"hold_id": offer["hold_id"], "customer": person.customer(name)}
    return person.post("book", "/book", body, name=name, asked={**person.slot, "hold_id": offer["hold_id"]})


def blocks(person: Person) -> Play:
    """Has the slot before anybody waits for it: a booking, or a hold with a lifetime."""
    seconds = person.subject.get("ttl_seconds")
    taken = person.direct(person.slot) if seconds is None else person.hold(person.slot, ttl_seconds=seconds)
    yield from settled(taken)


def joins(person: Person) -> Play:
    """Takes a place in line."""
    yield from asked_as(person, place_in_line(person))


def frees(person: Person) -> Play:
    """Cancels its booking or gives its hold back."""
    what = person.subject
    yield from settled(person.cancel(what) if "booking_id" in what else person.release(what))


def lets_run_out(person: Person) -> Play:
    """Lets its hold run out, and comes too late to book it."""
    yield Pause(until=person.subject["moment"] + LATE_SECONDS)
    yield from settled(_book(person, person.subject, "late"))


def waits(person: Person) -> Play:
    """Looks how its place stands until it is offered something or has no more time, and does what its habit is."""
    begun = time.monotonic()
    if person.subject["habit"] == "leaves early":
        yield from settled(_leave(person))
        return
    while time.monotonic() - begun < person.subject["seconds"]:
        seen = yield from settled(_look(person))
        if seen.reply.get("status") == "offered":
            early = time.monotonic() - begun < person.subject["early_seconds"]
            yield from _answers(person, seen.reply, early=early)
            return
        if seen.reply.get("status") != "waiting":
            return
        yield Pause(LOOK_SECONDS)


def _answers(person: Person, offer: dict[str, Any], *, early: bool) -> Talk:
    """What one does with an offer; at most the early ones are let lapse, since that takes a minute."""
    habit = person.subject["habit"]
    if habit == "leaves":
        return (yield from asked_as(person, _leave(person)))
    if habit == "lapses" and early:
        over = datetime.fromisoformat(offer["expires_at"]) - datetime.now(UTC)
        yield Pause(max(0.0, over.total_seconds()) + LATE_SECONDS)
        yield from settled(_book(person, offer, "late"))
        return (yield from settled(_look(person)))
    return (yield from asked_as(person, _book(person, offer)))
