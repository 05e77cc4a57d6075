"""The desk with its reservations, and all who want the slot of one at the moment when it runs out."""

from __future__ import annotations

from scripts.load.client.steps import Pause, Play, Send
from scripts.load.players.clients import Person, asked_as, settled

TRIES = 4
PATIENCE_SECONDS = 0.15


def reservation(person: Person, name: str = "reserve") -> Send:
    """Keeps the person's slot for an hour."""
    body = {**person.slot, "reserved_by": person.holder, "hours": 1, "customer": person.customer(name)}
    return person.post("reserve", "/reserve", body, name=name, asked=person.slot)


def confirmation(person: Person) -> Send:
    booking_id = person.subject["booking_id"]
    return person.post("confirm", f"/bookings/{booking_id}/confirm", {}, asked={"booking_id": booking_id})


def until(person: Person) -> Pause:
    """Waits for the person's moment, which lies around the deadline."""
    return Pause(until=person.subject["moment"])


def reserves(person: Person) -> Play:
    """The desk keeps a slot for somebody who has to think about it."""
    yield from asked_as(person, reservation(person))


def confirms(person: Person) -> Play:
    """The desk confirms a reservation at its moment."""
    yield until(person)
    yield from asked_as(person, confirmation(person))


def gives_up(person: Person) -> Play:
    """The desk cancels a reservation before its deadline; sometimes one that it has just confirmed."""
    yield until(person)
    if person.subject["confirmed_first"]:
        yield from settled(confirmation(person))
    yield from asked_as(person, person.cancel(person.subject))


def reserves_again(person: Person) -> Play:
    """Another desk takes the slot as soon as it was given up, for an hour: the first one's deadline means nothing."""
    yield until(person)
    for number in range(TRIES):
        answer = yield from settled(reservation(person, f"reserve{number}"))
        if answer.ok:
            return
        yield Pause(PATIENCE_SECONDS)


def races(person: Person) -> Play:
    """Is refused before the deadline and comes back at it: holds and books, or books directly, until it is taken."""
    direct = person.role == "desk"
    for number in range(TRIES + 1):
        if number == 1:
            yield until(person)
        elif number:
            yield Pause(PATIENCE_SECONDS)
        name = f"{'direct' if direct else 'hold'}{number}"
        answer = yield from settled(person.direct(person.slot, name) if direct else person.hold(person.slot, name))
        if answer.ok:
            if not direct:
                yield from settled(person.book(answer, f"book{number}"))
            return
