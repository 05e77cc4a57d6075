"""The three clients: a web checkout and an SMS bot, which hold and then book, and a receptionist, who books directly.

Each is a generator of steps. Every request carries what makes it safe to repeat, and the name of the customer says
which request made a booking, so that MongoDB can be compared with what was asked.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

from scripts.load.client.steps import Exchange, Pause, Play, Send

Talk = Generator[Send | Pause, Exchange | None, Exchange]
"""A part of a play that ends with the answer to one request."""

KEY_OF = {"web": "checkout", "desk": "desk", "sms": "bot"}
"""Which API key each client carries."""

PATIENCE = 40
"""How often a player asks again while its first request is still being worked on, or the stores are away."""


@dataclass(frozen=True)
class Person:
    """One client of one run.

    tag: a number that only its twin shares; role: web, desk or sms; how: the play; repeat: how requests are repeated;
    thinks, begins_after: seconds; subject: what it acts on, as the reply that made it told it.
    """

    run: str
    tag: str
    role: str
    how: str
    slot: dict[str, Any]
    keys: dict[str, str]
    repeat: str = "once"
    begins_after: float = 0.0
    thinks: float = 0.0
    slots_after: tuple[dict[str, Any], ...] = field(default=())
    subject: dict[str, Any] = field(default_factory=dict)

    @property
    def holder(self) -> str:
        """A browser's secret (16 characters and more), or the phone that the bot talks to."""
        if self.role == "sms":
            return f"+1555{zlib.crc32(self.run.encode()) % 10_000:04d}{int(self.tag):05d}"
        return f"{self.run}-checkout-{self.tag}"

    def customer(self, name: str) -> dict[str, str]:
        return {"name": f"{self.run}/{self.tag}:{name}", "phone": "+15550100"}

    def post(
        self,
        operation: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        name: str = "",
        asked: dict[str, Any] | None = None,
    ) -> Send:
        name = name or operation
        logical = f"{self.tag}:{name}"
        headers = () if self.role == "sms" and operation == "hold" else (("Idempotency-Key", f"{self.run}-{logical}"),)
        return Send(
            operation, logical, self.role, "POST", path, self.keys[KEY_OF[self.role]], body, headers, asked or {}
        )

    def hold(self, slot: dict[str, Any], name: str = "hold", **more: Any) -> Send:
        return self.post("hold", "/hold", {**slot, "holder": self.holder, **more}, name=name, asked={**slot, **more})

    def book(self, held: Exchange, name: str = "book") -> Send:
        hold_id = held.reply["hold_id"]
        body = {"hold_id": hold_id, "customer": self.customer(name)}
        return self.post("book", "/book", body, name=name, asked={**held.asked, "hold_id": hold_id})

    def direct(self, slot: dict[str, Any], name: str = "direct") -> Send:
        return self.post("direct", "/book", {**slot, "customer": self.customer(name)}, name=name, asked=slot)

    def cancel(self, booked: dict[str, Any]) -> Send:
        booking_id = booked["booking_id"]
        return self.post("cancel", f"/bookings/{booking_id}/cancel", {}, asked={"booking_id": booking_id})

    def extend(self, held: Exchange, seconds: int) -> Send:
        hold_id = held.reply["hold_id"]
        asked = {"hold_id": hold_id, "ttl_seconds": seconds}
        return self.post("extend", f"/hold/{hold_id}/extend", {"ttl_seconds": seconds}, asked=asked)

    def release(self, held: dict[str, Any]) -> Send:
        hold_id = held["hold_id"]
        return self.send("release", "DELETE", f"/hold/{hold_id}", asked={"hold_id": hold_id})

    def send(self, operation: str, method: str, path: str, *, name: str = "", **more: Any) -> Send:
        """A request that needs no idempotency key."""
        logical, key = f"{self.tag}:{name or operation}", self.keys[KEY_OF[self.role]]
        return Send(operation, logical, self.role, method, path, key, **more)


def settled(send: Send) -> Talk:
    """Asks until the answer is neither `request_in_progress` nor a store that is away for a moment."""
    patience = PATIENCE
    while True:
        answer = yield send
        if answer is None:
            raise RuntimeError("a Send is answered with an Exchange")
        patience -= 1
        if send.drop or not patience or not (answer.status == 503 or answer.code == "request_in_progress"):
            return answer
        yield Pause(0.1 if answer.status == 409 else 0.5)


def asked_as(person: Person, send: Send) -> Talk:
    """Makes one request in the person's manner: once; with its first reply dropped; or again after the answer."""
    if person.repeat == "dropped":
        yield replace(send, drop=True)
        yield Pause(person.thinks)
    answer = yield from settled(send)
    if person.repeat == "again":
        yield Pause(person.thinks)
        answer = yield from settled(send)
    return answer


def checkout(person: Person) -> Play:
    """Web and SMS: hold the slot, and book it where the hold was granted."""
    held = yield from asked_as(person, person.hold(person.slot))
    if held.ok:
        yield from asked_as(person, person.book(held))


def at_the_desk(person: Person) -> Play:
    """The receptionist books at once, past every hold but other people's."""
    yield from asked_as(person, person.direct(person.slot))


def abandons(person: Person) -> Play:
    """Holds for two seconds, lets the hold run out, and comes back too late."""
    held = yield from settled(person.hold(person.slot, ttl_seconds=2))
    if held.ok:
        yield Pause(2.6)
        yield from settled(person.book(held, "late"))


def changes_mind(person: Person) -> Play:
    """Holds, gives the hold back, and tries to book it nevertheless."""
    held = yield from settled(person.hold(person.slot))
    if held.ok:
        yield Pause(person.thinks)
        yield person.release(held.reply)
        yield from settled(person.book(held, "released"))


def takes_longer(person: Person) -> Play:
    """Holds for two seconds, asks for more time, and books after the first lifetime is over."""
    held = yield from settled(person.hold(person.slot, ttl_seconds=2))
    if held.ok:
        yield Pause(0.3)
        extended = yield from settled(person.extend(held, 60))
        if extended.ok:
            yield Pause(2.2)
        yield from settled(person.book(held))


def calls_off(person: Person) -> Play:
    """The desk books, cancels a little later, and books another slot for the same customer."""
    booked = yield from settled(person.direct(person.slot))
    if booked.ok:
        yield Pause(person.thinks)
        yield from settled(person.cancel(booked.reply))
    for number, slot in enumerate(person.slots_after):
        again = yield from settled(person.direct(slot, f"rebook{number}"))
        if again.ok:
            return
