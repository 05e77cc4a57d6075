"""What the rules are checked against: the answers of clients, and what MongoDB and Redis hold afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from scripts.load.client.steps import Exchange

Claim = tuple[str, int]
Document = dict[str, Any]
Break = tuple[str, list["Document | Exchange"]]
"""How a rule was broken: a sentence, and the documents and answers that show it."""

VISIT = ("property_id", "technician_id", "start", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
Units = Mapping[str, Sequence[str]]
"""The ids of the units of each building."""
NO_UNITS: Units = {}
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
    policy: what the scenario set of it; figures: what it measured. units: of the run's buildings.
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
    units: Units = field(default_factory=dict)

    def of(self, *operations: str) -> list[Exchange]:
        """The answers to requests of these kinds."""
        return [exchange for exchange in self.exchanges if exchange.operation in operations]

    def on(self, operation: str, name: str) -> dict[str, list[Exchange]]:
        """The answers to requests of one kind, by the id that they acted on. name: the field with that id."""
        return grouped(self.of(operation), lambda exchange: str(exchange.asked.get(name)))

    def claims(self, document: Document) -> set[Claim]:
        """Every (resource, tick) that a visit must have claimed."""
        return claims_of(document, self.grid_seconds, self.units)

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


def crew_of(document: Document) -> list[str]:
    """All technicians of a visit."""
    return list(document.get("technician_ids") or [document.get("technician_id", "")])


def places_of(document: Document, units: Units) -> list[str]:
    """The property of a visit, and its units if it is a building."""
    return [document["property_id"], *units.get(document["property_id"], ())]


def changed(document: Document, values: Document) -> Document:
    """A visit with other values. One technician is a crew of one."""
    alone = "technician_id" in values and "technician_ids" not in values
    return {**document, **values, **({"technician_ids": [values["technician_id"]]} if alone else {})}


def spans(document: Document, grid_seconds: int, units: Units = NO_UNITS) -> list[tuple[str, int, int]]:
    """The (resource, from tick, to tick) that a visit occupies, from its times alone (docs/rules.md, *claim*)."""
    names = ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
    length, before, after = (int(document[name]) * 60 // grid_seconds for name in names)
    first = int(seconds_of(document["start"])) // grid_seconds
    return [
        *((f"property:{each}", first, first + length) for each in places_of(document, units)),
        *((f"technician:{each}", first - before, first + length + after) for each in crew_of(document)),
    ]


def claims_of(document: Document, grid_seconds: int, units: Units = NO_UNITS) -> set[Claim]:
    """Every (resource, tick) that a visit must have claimed."""
    found = spans(document, grid_seconds, units)
    return {(resource, tick) for resource, first, last in found for tick in range(first, last)}


def at_version(booking: Document, version: int) -> Document:
    """A booking as it was at an earlier version: the later changes in its history are taken back."""
    was = booking
    for entry in reversed(booking.get("history", [])[version:]):
        was = changed(was, {name: change["from"] for name, change in entry["changes"].items()})
    return {**was, "version": version}


def request_of(document: Document) -> str:
    """The request that made a booking or an entry: its customer carries the name."""
    return str(document["customer"]["name"]).partition("/")[2]


def changed_by(entry: Document) -> str:
    """The request that made a version, by the description that it left; '' where it was no change of a player."""
    return str(entry["changes"].get("description", {}).get("to") or "").partition("/")[2]
