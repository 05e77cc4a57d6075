"""The customers of a drill: they ask one API and keep every answer to each booking they want."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from scripts.dev_server.child import wait_until
from tests.own_time import own_time
from tests.system.drills.installation import SOON, Answer, Asked, Installation

IN_TIME = 2.0
"""Every request is answered within this many seconds, whatever is down. Time-outs add up to 1.8 (StoreTimeouts)."""
HOLDER = "web-5f1c9a7be2d04c6b"


@dataclass
class Deed:
    """One booking that a customer wants, under a name of its own, and every answer to it."""

    name: str
    answers: list[Answer] = field(default_factory=list)
    cancel_asked: bool = False
    cancelled: bool = False

    @property
    def outcome(self) -> str:
        """ok, refused or unknown, as docs/rules.md defines them, from all answers together."""
        if any(answer.is_ok for answer in self.answers):
            return "ok"
        return "refused" if all(answer.is_refusal for answer in self.answers) else "unknown"


class Customers:
    """Customers who ask one API. `deeds` keeps what each of them asked for and every answer."""

    def __init__(self, installation: Installation, api: Asked) -> None:
        self.installation, self.api = installation, api
        self.deeds: list[Deed] = []

    def at(self, api: Asked) -> Customers:
        """The same customers at another API, which has placed a hold before."""
        made = Customers(self.installation, api)
        made.deeds = self.deeds
        made.held()
        return made

    def ask(self, method: str, path: str, body: Any = None, *, role: str = "desk", **headers: str) -> Answer:
        return self.api.ask(method, path, self.installation.world.keys[role], body, **headers)

    def hold(self, slot: dict[str, Any], *, role: str = "desk", **fields: Any) -> Answer:
        return self.ask("POST", "/hold", slot | fields, role=role)

    def held(self, slot: dict[str, Any] | None = None) -> Answer:
        """A hold that was granted. A repeat of the request gets the hold of an attempt whose outcome was open."""
        wanted, once = slot or self.installation.slot(), {"Idempotency_Key": secrets.token_hex(8)}
        answer = served(lambda: self.ask("POST", "/hold", wanted, **once))
        assert answer.status == 201, answer
        return answer

    def booked(self, what: dict[str, Any]) -> Answer:
        """A booking that was made: of a hold, or of a slot."""
        deed, once = self.wish(), {} if "hold_id" in what else {"Idempotency_Key": secrets.token_hex(8)}
        answer = served(lambda: self.book(deed, what, **once))
        assert answer.is_ok, answer
        return answer

    def finds_booked(self, slot: dict[str, Any]) -> bool:
        """Whether a hold of the slot is refused because it is booked."""
        return served(lambda: self.hold(slot)).status_and_code == (409, "slot_booked")

    def wish(self) -> Deed:
        deed = Deed(f"customer-{len(self.deeds)}")
        self.deeds.append(deed)
        return deed

    def book(self, deed: Deed, what: dict[str, Any], **headers: str) -> Answer:
        """Book {"hold_id": …}, or a slot, or both."""
        answer = self.ask("POST", "/book", what | {"customer": {"name": deed.name}}, **headers)
        deed.answers.append(answer)
        return answer

    def book_until_answered(self, deed: Deed, what: dict[str, Any], **headers: str) -> Answer:
        """Repeat the request, as the API asks clients to, until no attempt is still running."""

        return served(lambda: self.book(deed, what, **headers))

    def readiness(self, status: int) -> Answer:
        """What /readyz says once it answers with this status: a report may be a second old. Each answer is in time."""
        answers: list[Answer] = []

        def is_so() -> bool:
            answers.append(self.ask("GET", "/readyz"))
            assert answers[-1].seconds < IN_TIME, answers[-1]
            return answers[-1].status == status

        assert wait_until(is_so, seconds=SOON), answers[-1]
        return answers[-1]

    def cancel(self, deed: Deed, booking_id: str) -> Answer:
        deed.cancel_asked = True
        answer = self.ask("POST", f"/bookings/{booking_id}/cancel", {})
        deed.cancelled = deed.cancelled or answer.status == 200
        return answer


def served(ask: Callable[[], Answer]) -> Answer:
    """The answer to a request that is sent again, as the API asks clients to, while a store is too slow or an attempt
    still runs. On a busy machine a store may be too slow at any moment."""
    answers: list[Answer] = []

    def is_served() -> bool:
        answers.append(ask())
        return answers[-1].body.get("code") not in ("request_in_progress", "store_unavailable")

    assert wait_until(is_served, seconds=SOON, every=0.05), answers
    return answers[-1]


def place_of(hold: Answer) -> dict[str, Any]:
    """The slot of a hold, to send along with its id."""
    return {name: hold.body[name] for name in ("property_id", "technician_id", "start")}


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """The answers to requests that are made at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true within so many seconds."""
    with own_time() as passed:
        return wait_until(condition, seconds=SOON) and passed() < seconds


def is_unavailable(answer: Answer) -> bool:
    """503 with a Retry-After, in time."""
    retry_after = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
    return answer.status_and_code == (503, "store_unavailable") and retry_after.isdigit() and answer.seconds < IN_TIME


def in_time(answer: Answer, status: int) -> bool:
    return answer.status == status and answer.seconds < IN_TIME
