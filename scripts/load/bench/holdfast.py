"""Holdfast's side of a bench run: its requests, made ready before a volley, and the free slots that they want."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from scripts.load.bench.sides import ANY, AVAILABILITY, BOOK, DIRECT, HOLD, REFUSED, SEARCHES, Side
from scripts.load.bench.slots import first_day, free_hours, shared_hours, utc_text
from scripts.load.client.target import Target
from scripts.load.client.wire import request_bytes

OPERATIONS = (HOLD, REFUSED, BOOK, DIRECT, ANY, AVAILABILITY)

ALICE = {"name": "Alice Bench", "phone": "+15550100"}


@dataclass(frozen=True)
class Seat:
    """A property and a technician of an org. target: the server, with the keys of that org."""

    target: Target
    property_id: str
    technician_id: str

    def at(self, start: datetime) -> dict[str, Any]:
        """The slot fields of an hour."""
        return {**self.with_any(start), "technician_id": self.technician_id}

    def with_any(self, start: datetime) -> dict[str, Any]:
        """The same with any technician."""
        return {"property_id": self.property_id, "start": utc_text(start), "duration_minutes": 60}


@dataclass(frozen=True)
class Customer:
    """A preloaded customer with a booking, for searches."""

    name: str
    phone: str
    booking_id: str


@dataclass
class Holdfast(Side):
    """One private server under measurement. seats: who is booked, in turn; customers: whom searches look for."""

    seats: list[Seat] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)

    def __post_init__(self) -> None:
        free, shared = free_hours(len(self.seats)), shared_hours(len(self.seats))
        self._free = ((self.seats[at], self.seats[at].at(start)) for at, start in free)
        self._any = ((self.seats[at], self.seats[at].with_any(start)) for at, start in shared)
        self._held: list[tuple[Seat, dict[str, Any]]] = []
        self._hold_ids: list[str] = []
        self._number = 0

    def requests(self, operation: str, count: int) -> list[bytes]:
        if operation == HOLD:
            self._held = list(islice(self._free, count))
        if operation in (HOLD, REFUSED):
            return [self._hold(*each) for each in self._held[:count]]
        if operation == BOOK:
            pairs = zip(self._held[:count], self._hold_ids, strict=False)
            bodies = [(seat, {"hold_id": hold_id, "customer": ALICE}) for (seat, _), hold_id in pairs]
            return [_post(seat, "/book", "checkout", body) for seat, body in bodies]
        if operation == DIRECT:
            return [self.direct(ALICE) for _ in range(count)]
        if operation == ANY:
            return [self._hold(*each) for each in islice(self._any, count)]
        one = self._availability if operation == AVAILABILITY else partial(self._search, operation)
        return [one() for _ in range(count)]

    def keep(self, bodies: Sequence[bytes]) -> None:
        self._hold_ids = [json.loads(body)["hold_id"] for body in bodies]

    def direct(self, customer: dict[str, str]) -> bytes:
        """A direct booking of the next free slot."""
        seat, slot = next(self._free)
        return _post(seat, "/book", "desk", {**slot, "customer": customer})

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _hold(self, seat: Seat, slot: dict[str, Any]) -> bytes:
        return _post(seat, "/hold", "checkout", {**slot, "holder": f"bench-holder-{self._next():08d}"})

    def _availability(self) -> bytes:
        turn, at = divmod(self._next(), len(self.seats))
        seat, date = self.seats[at], (first_day() + timedelta(days=turn % 5)).date()
        who = f"property_id={seat.property_id}&technician_id={seat.technician_id}"
        path = f"/availability?{who}&from={date}&days=1&duration_minutes=60"
        return request_bytes("GET", path, key=seat.target.keys["checkout"])

    def _search(self, operation: str) -> bytes:
        customer = self.customers[self._next() % len(self.customers)]
        texts = (customer.name.replace(" ", "+"), customer.phone[-4:], customer.booking_id)
        text = dict(zip(SEARCHES, texts, strict=True))[operation]
        return request_bytes("GET", f"/bookings?q={text}", key=self.seats[0].target.keys["desk"])


def _post(seat: Seat, path: str, role: str, body: dict[str, Any]) -> bytes:
    return request_bytes("POST", path, key=seat.target.keys[role], body=body)
