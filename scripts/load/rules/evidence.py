"""What the rules are checked against: the answers of clients, and what MongoDB and Redis hold afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from scripts.load.client.steps import Exchange

Claim = tuple[str, int]
Document = dict[str, Any]
Break = tuple[str, list["Document | Exchange"]]
"""How a rule was broken: a sentence, and the documents and answers that show it."""

VISIT = ("property_id", "technician_id", "start", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
BACKSTAGE = "system:stress"  # the name that a history has for changes by the harness itself

Thing = TypeVar("Thing")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Mark:
    """One claim key in Redis. version: of a booking, as last mirrored; expires_ms: -1 if it never expires."""

    state: str
    owner: str
    version: int
    expires_ms: int


@dataclass
class Evidence:
    """The answers of one scenario, and what both stores hold afterwards.

    grid_seconds: the length of a tick. one_winner: exactly one booking must exist. bookings: all on the run's
    properties and technicians. marks: None where the target has no Redis. deadlines: by booking id or the hold id of an
    offer, the moments that the run brought near. entries: of the waitlist; offer_events: the published offers;
    events_whole: no event was trimmed yet. calendar_ahead: the calendar's clock minus the monotonic clock, in seconds.
    policy: what the scenario set of it; figures: what it measured.
    """

    grid_seconds: int
    one_winner: bool
    exchanges: list[Exchange]
    bookings: list[Document]
    marks: dict[Claim, Mark] | None = None
    offers_refused: list[Document] = field(default_factory=list)
    deadlines: Mapping[str, float] = field(default_factory=dict)
    entries: list[Document] = field(default_factory=list)
    offer_events: list[Document] = field(default_factory=list)
    events_whole: bool = True
    calendar_ahead: float = 0.0
    policy: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    def of(self, *operations: str) -> list[Exchange]:
        """The answers to requests of these kinds."""
        return [exchange for exchange in self.exchanges if exchange.operation in operations]

    def on(self, operation: str, name: str) -> dict[str, list[Exchange]]:
        """The answers to requests of one kind, by the id that they acted on. name: the field with that id."""
        return grouped(self.of(operation), lambda exchange: str(exchange.asked.get(name)))

    def claims(self, document: Document) -> set[Claim]:
        """Every (resource, tick) that a visit must have claimed."""
        return claims_of(document, self.grid_seconds)

    @property
    def active(self) -> list[Document]:
        return [booking for booking in self.bookings if booking["active"]]

    def moment(self, at: datetime) -> float:
        """A time of the calendar on the monotonic clock of the exchanges."""
        return seconds_of(at) - self.calendar_ahead


def grouped(things: Iterable[Thing], key: Callable[[Thing], Key]) -> dict[Key, list[Thing]]:
    """The things by their key, in order; a key that none has gives an empty list."""
    groups: dict[Key, list[Thing]] = defaultdict(list)
    for thing in things:
        groups[key(thing)].append(thing)
    return groups


def seconds_of(at: datetime | str) -> float:
    """A time of the calendar, or its RFC 3339 text, in seconds since the epoch; without an offset it is UTC."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def spans(document: Document, grid_seconds: int) -> list[tuple[str, int, int]]:
    """The (resource, from tick, to tick) that a visit occupies, from its times alone (docs/rules.md, *claim*)."""
    names = ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
    length, before, after = (int(document[name]) * 60 // grid_seconds for name in names)
    first = int(seconds_of(document["start"])) // grid_seconds
    return [
        (f"property:{document['property_id']}", first, first + length),
        (f"technician:{document.get('technician_id', '')}", first - before, first + length + after),
    ]


def claims_of(document: Document, grid_seconds: int) -> set[Claim]:
    """Every (resource, tick) that a visit must have claimed."""
    return {(resource, tick) for resource, first, last in spans(document, grid_seconds) for tick in range(first, last)}


def at_version(booking: Document, version: int) -> Document:
    """A booking as it was at an earlier version: the later changes in its history are taken back."""
    values: Document = {}
    for entry in reversed(booking.get("history", [])[version:]):
        values |= {name: change["from"] for name, change in entry["changes"].items()}
    return {**booking, **values, "version": version}


def request_of(document: Document) -> str:
    """The request that made a booking or an entry: its customer carries the name."""
    return str(document["customer"]["name"]).partition("/")[2]


def changed_by(entry: Document) -> str:
    """The request that made a version, by the description that it left; '' where it was no change of a player."""
    return str(entry["changes"].get("description", {}).get("to") or "").partition("/")[2]
