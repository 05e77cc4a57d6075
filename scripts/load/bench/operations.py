"""The measured operations, each as requests that are made ready before a volley, and the free slots that they want."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.load.client.pump import Pump, Volley
from scripts.load.client.target import Target, Unreachable
from scripts.load.client.wire import request_bytes

BARE = "bare route"
BARE_REQUEST = request_bytes("GET", "/bare")
OPERATIONS = ("hold", "hold refused", "book with hold", "direct book", "availability")
EXPECTED = {BARE: 200, "hold": 201, "hold refused": 409, "book with hold": 201, "direct book": 201, "availability": 200}
# Requests a second as a share of the bare route's, at least.
GOALS = {"hold": 0.40, "hold refused": 0.40, "book with hold": 0.15, "direct book": 0.15}

CUSTOMER = {"name": "Alice Bench", "phone": "+15550100"}

PAIRS = 100  # properties, each with a technician of its own: enough distinct slots for a long run
NEAREST_DAY, DAYS = 30, 55
"""Measured slots lie this far ahead, inside the default horizon; preloaded future bookings lie before them."""


@dataclass
class Slots:
    """Distinct free slots, each given out once."""

    run: str
    taken: int = 0

    def pair(self, number: int) -> dict[str, str]:
        return {"property_id": f"{self.run}-p{number % PAIRS}", "technician_id": f"{self.run}-t{number % PAIRS}"}

    def create(self, target: Target) -> None:
        """Makes the properties and technicians, through the admin API. Raises Unreachable."""
        for number in range(PAIRS):
            for path, name in zip(("/properties", "/technicians"), self.pair(number).values(), strict=True):
                target.demand(201, "POST", path, body={"id": name, "name": f"Bench {number}"})

    def next(self) -> dict[str, object]:
        """The slot fields of one free hour that was not given out before. Raises Unreachable when there are no more."""
        hour, pair = divmod(self.taken, PAIRS)
        if hour >= DAYS * 24:
            raise Unreachable(f"all {PAIRS * DAYS * 24} slots are used up: fewer --rounds or --requests")
        self.taken += 1
        start = self.first_day() + timedelta(hours=hour)
        return {**self.pair(pair), "start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "duration_minutes": 60}

    @staticmethod
    def first_day() -> datetime:
        """Midnight UTC of the first day with measured slots."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=NEAREST_DAY)


@dataclass
class Bench:
    """One private server under measurement. label: tells servers with databases of different sizes apart."""

    label: str
    target: Target
    pump: Pump
    slots: Slots
    volleys: dict[str, list[Volley]] = field(default_factory=lambda: {operation: [] for operation in OPERATIONS})
    _held: list[dict[str, Any]] = field(default_factory=list)
    _hold_ids: list[str] = field(default_factory=list)
    _number: int = 0

    def _post(self, path: str, role: str, body: dict[str, Any]) -> bytes:
        return request_bytes("POST", path, key=self.target.keys[role], body=body)

    def _hold(self, slot: dict[str, Any]) -> bytes:
        self._number += 1
        holder = f"{self.slots.run}-holder-{self._number:08d}"
        return self._post("/hold", "checkout", {**slot, "holder": holder})

    def _availability(self) -> bytes:
        self._number += 1
        names = "&".join(f"{name}={value}" for name, value in self.slots.pair(self._number).items())
        date = (self.slots.first_day() + timedelta(days=self._number // PAIRS % 5)).date()
        path = f"/availability?{names}&from={date}&days=1&duration_minutes=60"
        return request_bytes("GET", path, key=self.target.keys["checkout"])

    def prepare(self, operation: str, count: int) -> list[bytes]:
        """The requests of the operation's next volley. `book with hold` books what the last `hold` held."""
        match operation:
            case "hold":
                self._held = [self.slots.next() for _ in range(count)]
                return [self._hold(slot) for slot in self._held]
            case "hold refused":
                return [self._hold(slot) for slot in self._held]
            case "book with hold":
                bodies = [{"hold_id": hold_id, "customer": CUSTOMER} for hold_id in self._hold_ids]
                return [self._post("/book", "checkout", body) for body in bodies]
            case "direct book":
                return [self._post("/book", "desk", {**self.slots.next(), "customer": CUSTOMER}) for _ in range(count)]
            case _:
                return [self._availability() for _ in range(max(1, count // 3))]

    def fire(self, operation: str, count: int) -> Volley:
        """One volley of the operation, whose answers are as they must be. Raises Unreachable."""
        volley = self.pump.fire(self.prepare(operation, count), keep_bodies=operation == "hold")
        expect(operation, volley)
        if operation == "hold":
            self._hold_ids = [json.loads(body)["hold_id"] for body in volley.bodies]
            volley.bodies.clear()
        return volley


def expect(operation: str, volley: Volley) -> None:
    """Raises Unreachable unless every answer of the volley is what the operation must give."""
    if volley.statuses != Counter({EXPECTED[operation]: len(volley.milliseconds)}):
        raise Unreachable(f"{operation} must answer {EXPECTED[operation]}, and answered {dict(volley.statuses)}")
