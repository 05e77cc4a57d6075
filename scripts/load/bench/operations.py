"""The measured operations, each as requests made ready beforehand, and the rounds in which they take turns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from scripts.load.bench.stack import PAIRS, Slots
from scripts.load.client.pump import Pump, Volley
from scripts.load.client.target import Target
from scripts.load.client.wire import request_bytes

BARE = "bare route"
OPERATIONS = ("hold", "hold refused", "book with hold", "direct book", "availability")

EXPECTED = {BARE: 200, "hold": 201, "hold refused": 409, "book with hold": 201, "direct book": 201, "availability": 200}

GOALS = {"hold": 0.40, "hold refused": 0.40, "book with hold": 0.15, "direct book": 0.15}
"""Requests a second as a share of the bare route's, at least."""

CUSTOMER = {"name": "Alice Bench", "phone": "+15550100"}


class WrongAnswer(Exception):
    """An operation was answered otherwise than it must be: the figures would mean nothing."""


@dataclass
class Bench:
    """One private stack under measurement. label: tells stacks of different sizes apart."""

    label: str
    target: Target
    pump: Pump
    slots: Slots
    requests: int
    volleys: dict[str, list[Volley]] = field(default_factory=dict)
    _held: list[dict[str, Any]] = field(default_factory=list)
    _hold_ids: list[str] = field(default_factory=list)
    _number: int = 0

    def _key(self, role: str) -> str:
        return self.target.keys[role]

    def _hold(self, slot: dict[str, Any]) -> bytes:
        self._number += 1
        body = {**slot, "holder": f"{self.slots.run}-holder-{self._number:08d}"}
        return request_bytes("POST", "/hold", key=self._key("checkout"), body=body)

    def prepare(self, operation: str) -> list[bytes]:
        """The requests of the operation's next volley. `book with hold` books what `hold` held before it."""
        makers: dict[str, Callable[[], list[bytes]]] = {
            "hold": self._holds,
            "hold refused": lambda: [self._hold(slot) for slot in self._held],
            "book with hold": self._books,
            "direct book": self._direct,
            "availability": self._availability,
        }
        return makers[operation]()

    def _holds(self) -> list[bytes]:
        self._held = [self.slots.next() for _ in range(self.requests)]
        return [self._hold(slot) for slot in self._held]

    def _books(self) -> list[bytes]:
        bodies = [{"hold_id": hold_id, "customer": CUSTOMER} for hold_id in self._hold_ids]
        return [request_bytes("POST", "/book", key=self._key("checkout"), body=body) for body in bodies]

    def _direct(self) -> list[bytes]:
        bodies = [{**self.slots.next(), "customer": CUSTOMER} for _ in range(self.requests)]
        return [request_bytes("POST", "/book", key=self._key("desk"), body=body) for body in bodies]

    def _availability(self) -> list[bytes]:
        day = self.slots.first_day()
        paths = []
        for number in range(max(1, self.requests // 3)):
            self._number += 1
            names = f"property_id={self.slots.property_id(number)}&technician_id={self.slots.technician_id(number)}"
            date = (day + timedelta(days=self._number // PAIRS % 5)).date()
            paths.append(f"/availability?{names}&from={date}&days=1&duration_minutes=60")
        return [request_bytes("GET", path, key=self._key("checkout")) for path in paths]

    def fire(self, operation: str) -> Volley:
        """One volley of the operation, whose answers are as they must be. Raises WrongAnswer."""
        volley = self.pump.fire(self.prepare(operation), keep_bodies=operation == "hold")
        expect(operation, volley)
        if operation == "hold":
            self._hold_ids = [json.loads(body)["hold_id"] for body in volley.bodies]
            volley.bodies.clear()
        return volley

    def measure(self, operation: str) -> None:
        """Fires a volley and keeps it."""
        self.volleys.setdefault(operation, []).append(self.fire(operation))


def expect(operation: str, volley: Volley) -> None:
    """Raises WrongAnswer unless every answer of the volley is what the operation must give."""
    if volley.statuses != Counter({EXPECTED[operation]: len(volley.milliseconds)}):
        raise WrongAnswer(f"{operation} must answer {EXPECTED[operation]}, and answered {dict(volley.statuses)}")


BARE_REQUEST = request_bytes("GET", "/bare")
