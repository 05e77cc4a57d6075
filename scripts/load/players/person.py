"""One client of a run and the requests that it can make, each safe to repeat.

The name of the customer names the request that made a booking, so that MongoDB can be compared with what was asked.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from scripts.load.client.steps import Exchange, Pause, Play, Send
from scripts.load.client.target import Document

Talk = Generator[Send | Pause, Exchange | None, Exchange]
"""A part of a play that ends with the answer to one request."""

KEY_OF = {"web": "checkout", "desk": "desk", "sms": "bot"}  # the API key that each client carries
PATIENCE = 40
"""How often a player repeats a request while the first one is still being worked on, or the stores are away."""

ACTIONS = {
    "cancel": ("POST", "/bookings/{}/cancel", "booking_id"),
    "confirm": ("POST", "/bookings/{}/confirm", "booking_id"),
    "read": ("GET", "/bookings/{}", "booking_id"),
    "extend": ("POST", "/hold/{}/extend", "hold_id"),
    "release": ("DELETE", "/hold/{}", "hold_id"),
    "look": ("GET", "/waitlist/{}", "waitlist_id"),
    "leave": ("DELETE", "/waitlist/{}", "waitlist_id"),
}
"""The requests that act on one thing, whose id is in the path."""


@dataclass(frozen=True)
class Person:
    """One client of one run.

    tag: a number that only its twin shares; role: web, desk or sms; play: what it does; repeat: how it repeats requests
    (once, again, dropped); address: where its connections come from; thinks, begins_after: seconds; moment: when it
    acts or gives up, on the monotonic clock; subject: what it acts on, as the reply that made it.
    """

    run: str
    tag: str
    role: str
    play: Callable[[Person], Play]
    slot: Document
    keys: dict[str, str]
    repeat: str = "once"
    begins_after: float = 0.0
    thinks: float = 0.0
    moment: float = 0.0
    slots_after: tuple[Document, ...] = ()
    address: str = ""
    subject: Document = field(default_factory=dict)

    @property
    def holder(self) -> str:
        """A browser's secret (16 characters and more), or the phone that the bot talks to."""
        if self.role == "sms":
            return f"+1555{zlib.crc32(self.run.encode()) % 10_000:04d}{int(self.tag):05d}"
        return f"{self.run}-checkout-{self.tag}"

    def perform(self) -> Play:
        """The play of this person, from its first request (or the pause before it) on."""
        if self.begins_after:
            yield Pause(self.begins_after)
        yield from self.play(self)

    def _send(
        self, operation: str, method: str, path: str, body: Document | None, *, name: str, asked: Document
    ) -> Send:
        logical = f"{self.tag}:{name}"
        # The bot's holds do without an idempotency key.
        safe = method != "POST" or (self.role, operation) == ("sms", "hold")
        headers = () if safe else (("Idempotency-Key", f"{self.run}-{logical}"),)
        key = self.keys[KEY_OF[self.role]]
        return Send(operation, logical, self.role, method, path, key, body, headers, asked, address=self.address)

    def on(self, operation: str, thing: Document | None = None, **body: Any) -> Send:
        """One of ACTIONS on a thing, or on the person's subject."""
        method, path, name = ACTIONS[operation]
        asked = {name: (thing or self.subject)[name], **body}
        sent = body if method == "POST" else None
        return self._send(operation, method, path.format(asked[name]), sent, name=operation, asked=asked)

    def _for_a_customer(self, operation: str, path: str, name: str, asked: Document, **more: Any) -> Send:
        phone = f"+1555{zlib.crc32(self.tag.encode()):010d}"  # its own, because a customer waits once for one slot
        customer = {"name": f"{self.run}/{self.tag}:{name}", "phone": phone}
        return self._send(operation, "POST", path, {**more, "customer": customer}, name=name, asked=asked)

    def hold(self, name: str = "hold", **more: Any) -> Send:
        """Holds the slot. more: such as ttl_seconds."""
        asked = {**self.slot, **more}
        return self._send("hold", "POST", "/hold", {**asked, "holder": self.holder}, name=name, asked=asked)

    def book(self, held: Document, name: str = "book") -> Send:
        """Books a hold, or an offer of the waitlist."""
        hold_id = held["hold_id"]
        return self._for_a_customer("book", "/book", name, {**self.slot, "hold_id": hold_id}, hold_id=hold_id)

    def direct(self, name: str = "direct", slot: Document | None = None) -> Send:
        """Books the slot, or another one, without a hold."""
        wanted = slot or self.slot
        return self._for_a_customer("direct", "/book", name, wanted, **wanted)

    def reserve(self, name: str = "reserve") -> Send:
        """Keeps the slot for an hour."""
        more = {**self.slot, "reserved_by": self.holder, "hours": 1}
        return self._for_a_customer("reserve", "/reserve", name, self.slot, **more)

    def join(self, operation: str = "join", **asked: bool) -> Send:
        """Waits for exactly the slot; an offer stands for a minute. operation, asked: as the rules shall know it."""
        slot = self.slot
        end = datetime.fromisoformat(slot["start"]) + timedelta(minutes=slot["duration_minutes"])
        wish = {name: slot[name] for name in ("property_id", "technician_id", "duration_minutes")}
        window = {"from": slot["start"], "to": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        known = {**slot, **asked}
        return self._for_a_customer(operation, "/waitlist", operation, known, **wish, **window, offer_minutes=1)

    def overreach(self, path: str, name: str, **more: Any) -> Send:
        """Asks for what this key may not choose."""
        body = {**self.slot, "holder": self.holder, **more} if path == "/hold" else more
        return self._send("overreach", "POST", path, body, name=name, asked={**self.slot, **more})

    def change(self, booking: Document, visit: Document, name: str, version: int | None) -> Send:
        """A PATCH to another visit. version: the one that it may change, None for a client that forgets to name it.

        Its description names the request, so that the booking's history says who made which version.
        """
        body = {**visit, "description": f"{self.run}/{self.tag}:{name}"}
        asked = {"booking_id": booking["booking_id"], "version": version, "visit": visit}
        send = self._send("move", "PATCH", f"/bookings/{booking['booking_id']}", body, name=name, asked=asked)
        return send if version is None else replace(send, headers=(("If-Match", f'"{version}"'),))

    def swap(self, other: Document, name: str) -> Send:
        """Swaps the technicians of the person's subject and of another booking."""
        asked = {"booking_id": self.subject["booking_id"], "with": other["booking_id"]}
        path = f"/bookings/{asked['booking_id']}/swap"
        return self._send("swap", "POST", path, {"with": asked["with"]}, name=name, asked=asked)


def settled(send: Send) -> Talk:
    """Repeats a request until the answer is neither `request_in_progress` nor a store that is away for a moment."""
    patience = PATIENCE
    while True:
        answer = yield send
        if answer is None:
            raise RuntimeError("a Send is answered with an Exchange")
        patience -= 1
        if not patience or not (answer.status == 503 or answer.code == "request_in_progress"):
            return answer
        yield Pause(0.1 if answer.status == 409 else 0.5)


def asked_as(person: Person, send: Send, *, repeat_refused: bool = True) -> Talk:
    """Makes one request in the person's manner: once; with its first reply dropped; or again after the answer.

    repeat_refused: whether a refusal is asked again too. The first answer counts where the second is a refusal.
    """
    if person.repeat == "dropped":
        yield replace(send, drop=True)
        yield Pause(person.thinks)
    answer = yield from settled(send)
    if person.repeat == "again" and (answer.ok or repeat_refused):
        yield Pause(person.thinks)
        again = yield from settled(send)
        return again if again.ok else answer
    return answer
