"""What each kind of client does, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from scripts.load.client.steps import Pause, Play, Send
from scripts.load.players.person import Person, Talk, asked_as, settled

LATE_SECONDS = 1.5
FORBIDDEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/hold", {"buffer_before_minutes": 120, "buffer_after_minutes": 120}),
    ("/hold", {"duration_minutes": 480}),
    ("/book", {"hold_id": f"h_{'x' * 32}", "customer": {"name": "Load stranger"}, "priority": "emergency"}),
)
LOOK_SECONDS = 0.5
TRIES = 4
TRY_AGAIN_SECONDS = 0.15


def only(request: Callable[[Person], Send]) -> Callable[[Person], Play]:
    """A play of one request, at the person's moment if it has one."""

    def play(person: Person) -> Play:
        if person.moment:
            yield Pause(until=person.moment)
        yield from asked_as(person, request(person))

    return play


at_the_desk = only(Person.direct)
reserves = only(Person.reserve)
joins = only(Person.join)
wishes = only(lambda person: person.join("wish", **person.subject))
cancels = only(lambda person: person.on("cancel"))
confirms = only(lambda person: person.on("confirm"))
releases = only(lambda person: person.on("release"))
leaves_early = only(lambda person: person.on("leave"))
holds = only(lambda person: person.hold(**person.subject))
is_late = only(lambda person: person.book(person.subject, "late"))
forgets_the_version = only(lambda person: person.change(person.subject, person.slots_after[0], "move", None))


def checkout(person: Person) -> Play:
    """Web and SMS: holds the slot, and books it where the hold was granted."""
    held = yield from asked_as(person, person.hold())
    if held.ok:
        yield from asked_as(person, person.book(held.reply))


def overreaches(person: Person) -> Play:
    """A stranger wants what the publishable key may not choose: travel, a long visit, an emergency."""
    for number, (path, more) in enumerate(FORBIDDEN):
        yield from settled(person.overreach(path, f"overreach{number}", **more))


def abandons(person: Person) -> Play:
    """Holds for two seconds, lets the hold run out, and comes back too late."""
    held = yield from settled(person.hold(ttl_seconds=2))
    if held.ok:
        yield Pause(2.6)
        yield from settled(person.book(held.reply, "late"))


def changes_mind(person: Person) -> Play:
    """Holds, gives the hold back, and tries to book it nevertheless."""
    held = yield from settled(person.hold())
    if held.ok:
        yield Pause(person.thinks)
        yield person.on("release", held.reply)
        yield from settled(person.book(held.reply, "released"))


def takes_longer(person: Person) -> Play:
    """Holds for two seconds, asks for more time, and books after the first lifetime is over."""
    held = yield from settled(person.hold(ttl_seconds=2))
    if held.ok:
        yield Pause(0.3)
        extended = yield from settled(person.on("extend", held.reply, ttl_seconds=60))
        yield Pause(2.2 if extended.ok else 0.0)
        yield from settled(person.book(held.reply))


def calls_off(person: Person) -> Play:
    """The desk books, cancels a little later, and books another slot for the same customer."""
    booked = yield from settled(person.direct())
    if booked.ok:
        yield Pause(person.thinks)
        yield from settled(person.on("cancel", booked.reply))
    for number, slot in enumerate(person.slots_after):
        again = yield from settled(person.direct(f"rebook{number}", slot))
        if again.ok:
            return


def holds_and_waits(person: Person) -> Play:
    """Holds a slot and books it after a while: until then no booking may be moved there."""
    held = yield from settled(person.hold())
    if held.ok:
        yield Pause(person.thinks)
        yield from asked_as(person, person.book(held.reply))


def moves(person: Person) -> Play:
    """Tries one visit after the other for a booking; where another client was faster, reads what it is now."""
    booking = person.subject
    for number, visit in enumerate(person.slots_after):
        change = person.change(booking, visit, f"move{number}", booking["version"])
        # What was refused is not asked again: the slot may be free by then.
        answer = yield from asked_as(person, change, repeat_refused=False)
        if not answer.ok and answer.code in ("version_conflict", "invalid_transition"):
            answer = yield from settled(person.on("read"))
            if answer.reply.get("status") != "confirmed":
                return
        booking = answer.reply if answer.ok else booking
        yield Pause(person.thinks)


def swaps(person: Person) -> Play:
    """Swaps the technicians of one booking with those of several, one after the other."""
    for number, other in enumerate(person.slots_after):
        # What was refused is not asked again: it may be possible by then.
        yield from asked_as(person, person.swap(other, f"swap{number}"), repeat_refused=False)
        yield Pause(person.thinks)


def confirms_and_cancels(person: Person) -> Play:
    """The desk confirms a reservation at its moment, and cancels it right after."""
    yield from confirms(person)
    yield from asked_as(person, person.on("cancel"))


def reserves_again(person: Person) -> Play:
    """Another desk takes a slot as soon as it is given up, for an hour: the earlier deadline must mean nothing."""
    yield Pause(until=person.moment)
    yield from _tries(person.reserve)


def races(person: Person) -> Play:
    """Is refused before its moment and comes back then: holds and books, or books directly, until the slot is taken."""
    request = person.direct if person.role == "desk" else person.hold
    answer = yield from settled(request(f"{request.__name__}0"))
    if not answer.ok:
        yield Pause(until=person.moment)
        answer = yield from _tries(request, first=1)
    if answer.ok and person.role != "desk":
        yield from settled(person.book(answer.reply))


def _tries(request: Callable[[str], Send], first: int = 0) -> Talk:
    """Makes a request again and again, each time under another name, until it is granted; the last answer."""
    for number in range(first, first + TRIES):
        answer = yield from settled(request(f"{request.__name__}{number}"))
        if answer.ok:
            break
        yield Pause(TRY_AGAIN_SECONDS)
    return answer


def waits(then: str) -> Callable[[Person], Play]:
    """A play on the waitlist, until the person's moment. then: what it does with an offer, books, leaves or is late."""

    def play(person: Person) -> Play:
        offer = yield from _looks_while(person, "waiting")
        if offer.reply.get("status") != "offered":
            return
        if then == "is late":
            yield from _looks_while(person, "offered")
        late = "late" if then == "is late" else "book"
        yield from asked_as(person, person.on("leave") if then == "leaves" else person.book(offer.reply, late))

    return play


waits_and_books, waits_and_leaves, waits_and_is_late = waits("books"), waits("leaves"), waits("is late")


def _looks_while(person: Person, status: str) -> Talk:
    """Looks at the person's entry until it has another status than this, or the person's moment has come."""
    while True:
        seen = yield from settled(person.on("look"))
        if seen.reply.get("status") != status or time.monotonic() >= person.moment:
            return seen
        yield Pause(LOOK_SECONDS)
