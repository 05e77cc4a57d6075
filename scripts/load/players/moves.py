"""Who changes bookings that exist: desks, bots, and customers with the token of their one booking.

Each change carries a description that names its request, so that the booking's history tells who made which version.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scripts.load.client.steps import Pause, Play, Send
from scripts.load.players.clients import KEY_OF, Person, Talk, asked_as, settled


def change_of(person: Person, booking: dict[str, Any], place: dict[str, Any], name: str, version: int | None) -> Send:
    """A PATCH of what the place gives. version: the one that it may change, None for a client that forgets to say."""
    headers = () if version is None else (("If-Match", f'"{version}"'),)
    logical = f"{person.tag}:{name}"
    return Send(
        "move", logical, person.role, "PATCH", f"/bookings/{booking['booking_id']}", person.keys[KEY_OF[person.role]],
        {**place, "description": f"{person.run}/{logical}"}, headers,
        {"booking_id": booking["booking_id"], "version": version, "place": place},
    )  # fmt: skip


def moved_as(person: Person, send: Send) -> Talk:
    """One change in the person's manner. What was refused is not asked again: the slot may be free by then."""
    if person.repeat == "dropped":
        yield replace(send, drop=True)
        yield Pause(person.thinks)
    answer = yield from settled(send)
    if person.repeat == "again" and answer.ok:
        yield Pause(person.thinks)
        again = yield from settled(send)
        return again if again.ok else answer
    return answer


def moves(person: Person) -> Play:
    """Tries one place after the other for a booking; where somebody else was faster, looks what it is now."""
    booking = person.subject
    for number, place in enumerate(person.slots_after):
        answer = yield from moved_as(person, change_of(person, booking, place, f"move{number}", booking["version"]))
        if not answer.ok and answer.code in ("version_conflict", "invalid_transition"):
            answer = yield from settled(person.send("read", "GET", f"/bookings/{booking['booking_id']}"))
            if answer.reply.get("status") != "confirmed":
                return
        booking = answer.reply if answer.ok else booking
        yield Pause(person.thinks)


def holds_and_waits(person: Person) -> Play:
    """Holds a slot and books it after a while: until then nobody may move there."""
    held = yield from settled(person.hold(person.slot))
    if held.ok:
        yield Pause(person.thinks)
        yield from asked_as(person, person.book(held))


def cancels(person: Person) -> Play:
    """Cancels a booking that others move."""
    yield from asked_as(person, person.cancel(person.subject))


def forgets_the_version(person: Person) -> Play:
    """Moves without If-Match, which must be refused whatever the booking is."""
    yield from settled(change_of(person, person.subject, person.slots_after[0], "move", None))
