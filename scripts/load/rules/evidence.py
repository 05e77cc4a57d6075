"""What the rules are checked against, and the two facts that they need: spans and claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scripts.load.client.steps import Exchange

Claim = tuple[str, int]
Document = dict[str, Any]
Break = tuple[str, list[Document]]
"""How a rule was broken: a sentence, and the documents and answers that show it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One claim key in Redis. first, last: the span it names, half-open; expires_ms: -1 if it never does."""

    state: str
    owner: str
    first: int
    last: int
    version: int
    expires_ms: int


BACKSTAGE = "system:stress"
"""Who made the changes of the harness itself, in a booking's history."""


class Deadline(NamedTuple):
    """When a reservation runs out: by the calendar, and on the monotonic clock of the exchanges."""

    at: datetime
    moment: float


@dataclass
class Evidence:
    """Everything that the rules are checked against.

    bookings: all on the run's properties; neighbours: active ones of others that share a technician with them;
    marks: None where the target has no Redis; watched: the resources whose marks were read; grid_seconds: of one tick.
    deadlines: of reservations that the run has given a nearer one; waits: the waitlist's entries; offers_told: the
    events of offers, and events_whole: that none is trimmed away; calendar_ahead: how many seconds the calendar's clock
    is ahead of the monotonic one.
    """

    run: str
    grid_seconds: int
    one_winner: bool
    exchanges: list[Exchange]
    bookings: list[Document]
    neighbours: list[Document] = field(default_factory=list)
    marks: dict[Claim, Mark] | None = None
    watched: frozenset[str] = frozenset()
    offers_refused: list[Document] = field(default_factory=list)
    deadlines: Mapping[str, Deadline] = field(default_factory=dict)
    waits: list[Document] = field(default_factory=list)
    offers_told: list[Document] = field(default_factory=list)
    events_whole: bool = True
    calendar_ahead: float = 0.0

    def moment(self, at: datetime) -> float:
        """A time of the calendar on the monotonic clock of the exchanges."""
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - self.calendar_ahead

    def tick(self, moment: datetime) -> int:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(aware.timestamp()) // self.grid_seconds


def spans(document: Document, grid_seconds: int) -> list[tuple[str, int, int]]:
    """The (resource, from tick, to tick) that a visit occupies, from its times alone (docs/rules.md, *claim*)."""
    start = document["start"]
    if isinstance(start, str):
        start = datetime.fromisoformat(start)
    seconds = int((start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp())

    def ticks(field_name: str) -> int:
        return int(document[field_name]) * 60 // grid_seconds

    first = seconds // grid_seconds
    last = first + ticks("duration_minutes")
    return [
        (f"property:{document['property_id']}", first, last),
        (
            f"technician:{document['technician_id']}",
            first - ticks("buffer_before_minutes"),
            last + ticks("buffer_after_minutes"),
        ),
    ]


def claims_of(document: Document, grid_seconds: int) -> set[Claim]:
    """Every (resource, tick) that a visit must have claimed."""
    return {(resource, tick) for resource, first, last in spans(document, grid_seconds) for tick in range(first, last)}


def at_version(booking: Document, version: int) -> Document:
    """A booking as it was at an earlier version: what its history tells of later changes is taken back."""
    values: Document = {}
    for entry in reversed(booking.get("history", [])[version:]):
        values |= {name: told["from"] for name, told in entry["changes"].items()}
    return {**booking, **values, "version": version}


def redacted(document: Document) -> Document:
    """The document without what belongs to a customer or opens a booking."""
    hidden = {"customer": "[redacted]", "description": "[redacted]", "manage_token": "[redacted]"}
    return {name: hidden.get(name, value) for name, value in document.items() if name != "history"}


def told(exchange: Exchange) -> Document:
    """An answer as it is printed: what was asked, and the part of the reply that says what came of it."""
    reply = redacted(exchange.reply)
    asked = {name: value for name, value in exchange.asked.items() if name != "holder"}
    times = {"sent": round(exchange.sent, 4), "received": round(exchange.received, 4)}
    return {
        "request": exchange.logical,
        "client": exchange.client,
        "asked": asked,
        "status": exchange.status,
        "reply": reply,
        **times,
    }
