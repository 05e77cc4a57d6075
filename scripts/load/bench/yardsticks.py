"""The sides that Holdfast is compared with: textbook, and the route that does nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from scripts.load.bench.holdfast import ALICE
from scripts.load.bench.sides import BOOK, DIRECT, HOLD, REFUSED, Side
from scripts.load.bench.slots import free_hours, utc_text
from scripts.load.client.wire import request_bytes

TEXTBOOK_OPERATIONS = (HOLD, REFUSED, BOOK, DIRECT)
"""The textbook service has no others."""


class Bare(Side):
    """The route that does nothing."""

    def requests(self, operation: str, count: int) -> list[bytes]:  # noqa: ARG002  # it has only one
        return [request_bytes("GET", "/bare")] * count


@dataclass
class Textbook(Side):
    """The textbook service. technicians: as many as our side has."""

    technicians: int = 100

    def __post_init__(self) -> None:
        free = free_hours(self.technicians)
        self._free = ({"technician_id": f"bench-{who}", "start": utc_text(start)} for who, start in free)
        self._held: list[dict[str, Any]] = []
        self._hold_ids: list[str] = []

    def requests(self, operation: str, count: int) -> list[bytes]:
        if operation == HOLD:
            self._held = list(islice(self._free, count))
        if operation in (HOLD, REFUSED):
            wanted = [
                {**slot, "holder": f"bench-holder-{number:08d}"} for number, slot in enumerate(self._held[:count])
            ]
            return [request_bytes("POST", "/hold", body=body) for body in wanted]
        if operation == BOOK:
            pairs = zip(self._held[:count], self._hold_ids, strict=False)
            booked = [{**slot, "hold_id": hold_id, "customer": ALICE} for slot, hold_id in pairs]
        else:
            booked = [{**slot, "customer": ALICE} for slot in islice(self._free, count)]
        return [request_bytes("POST", "/book", body=body) for body in booked]

    def keep(self, bodies: Sequence[bytes]) -> None:
        self._hold_ids = [json.loads(body)["hold_id"] for body in bodies]
