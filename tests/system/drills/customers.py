"""What customers ask in a drill, and what became of each request with all its repeats."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from scripts.dev_server.child import wait_until
from tests.system.drills.installation import Answer, Asked, Installation

IN_TIME = 2.0
"""Seconds in which every request is answered, whatever is down."""
HOLDER = "web-5f1c9a7be2d04c6b"


@dataclass
class Deed:
    """One wish to book under one customer's name, which no other wish has, and every answer to it."""

    name: str
    answers: list[Answer] = field(default_factory=list)
    cancel_asked: bool = False
    cancelled: bool = False

    @property
    def outcome(self) -> str:
        """ok, refused or unknown, as docs/rules.md has it: what all of its answers say together."""
        if any(answer.is_ok for answer in self.answers):
            return "ok"
        return "refused" if all(answer.is_refusal for answer in self.answers) else "unknown"


class Customers:
    """Asks one API on behalf of everybody, and keeps account."""

    def __init__(self, place: Installation, api: Asked) -> None:
        self.place, self.api = place, api
        self.deeds: list[Deed] = []

    def ask(self, method: str, path: str, body: Any = None, *, role: str = "desk", **headers: str) -> Answer:
        return self.api.ask(method, path, self.place.world.keys[role], body, **headers)

    def hold(self, slot: dict[str, Any], *, role: str = "desk", **fields: Any) -> Answer:
        return self.ask("POST", "/hold", slot | fields, role=role)

    def held(self, slot: dict[str, Any] | None = None) -> Answer:
        """A hold that is granted."""
        answer = self.hold(slot or self.place.slot())
        assert answer.status == 201, answer
        return answer

    def wish(self) -> Deed:
        deed = Deed(f"customer-{len(self.deeds)}")
        self.deeds.append(deed)
        return deed

    def book(self, deed: Deed, what: dict[str, Any], **headers: str) -> Answer:
        """Asks for what was wished: {"hold_id": …}, or a slot, or both."""
        answer = self.ask("POST", "/book", what | {"customer": {"name": deed.name}}, **headers)
        deed.answers.append(answer)
        return answer

    def book_until_answered(self, deed: Deed, what: dict[str, Any], **headers: str) -> Answer:
        """Repeats until nothing of it is under way any more, as clients are told to do."""

        def is_answered() -> bool:
            self.book(deed, what, **headers)
            return deed.answers[-1].body.get("code") not in ("request_in_progress", "store_unavailable")

        assert wait_until(is_answered, seconds=8, every=0.05), deed
        return deed.answers[-1]

    def cancel(self, deed: Deed, booking_id: str) -> Answer:
        deed.cancel_asked = True
        answer = self.ask("POST", f"/bookings/{booking_id}/cancel", {})
        deed.cancelled = deed.cancelled or answer.status == 200
        return answer


def place_of(hold: Answer) -> dict[str, Any]:
    """The slot of a hold, to carry along with its id."""
    return {name: hold.body[name] for name in ("property_id", "technician_id", "start")}


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """The answers to requests that are made at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def is_unavailable(answer: Answer) -> bool:
    """503 with the time to come again, within two seconds."""
    retry_after = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
    return answer.told == (503, "store_unavailable") and retry_after.isdigit() and answer.seconds < IN_TIME


def in_time(answer: Answer, status: int) -> bool:
    return answer.status == status and answer.seconds < IN_TIME
