"""A catalogue, marks and bookings in memory, for tests of calendar rules: no store, and a fixed clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import combinations
from types import SimpleNamespace
from typing import Any

from models.access import Role
from models.availability import AvailabilityQuery, DaysQuery
from models.catalogue import Away, Policy, Property, Technician
from models.errors import PropertyNotFound
from models.service import Service
from models.slot import SlotFields, Visit, Wish
from services.availability.candidates import Candidates
from services.availability.day_counts import DayCounts
from services.availability.reading import Readings
from services.availability.slots import Asked, Availability
from services.catalogue.reader import Snapshot
from services.catalogue.reads import Site
from services.claims.keys import Mark
from services.claims.mirror import Spans
from services.timetable.grid import Grid

ORG = "alices-org"
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def utc(text: str) -> datetime:
    """`2026-12-05T10:00` as aware UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def house(timezone: str = "UTC", **changed: Any) -> Property:
    return Property(**{"id": "prop-1", "name": "House", "timezone": timezone} | changed)


def technician(number: int = 1, timezone: str = "UTC", **changed: Any) -> Technician:
    return Technician(**{"id": f"tech-{number}", "name": f"Technician {number}", "timezone": timezone} | changed)


def every_day(*shifts: tuple[str, str]) -> dict[str, list[list[str]]]:
    return {day: [list(shift) for shift in shifts] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def off(start: str, end: str) -> Away:
    return Away(start=utc(start), end=utc(end))


@dataclass
class Shelf:
    """A catalogue. reloads: the epochs that `forget` was called with. after_reload: what changes with the next one."""

    policy_: Policy = field(default_factory=Policy)
    site: Property = field(default_factory=house)
    people: list[Technician] = field(default_factory=lambda: [technician()])
    services: list[Service] = field(default_factory=list)
    units: tuple[str, ...] = ()
    epoch_: str | None = "epoch-1"
    reloads: list[str | None] = field(default_factory=list)
    after_reload: dict[str, Any] = field(default_factory=dict)

    def epoch(self, _org: str) -> str | None:
        return self.epoch_

    def forget(self, _org: str, epoch: str | None) -> None:
        self.epoch_ = epoch
        self.reloads.append(epoch)
        for name, value in self.after_reload.items():
            setattr(self, name, value)

    def snapshot(self, org: str) -> Snapshot:
        here: Any = self
        return Snapshot(org, self.epoch_, self.policy_, here, here)

    def property_on(self, _shelf: Any, _org: str, property_id: str) -> Property:
        if property_id != self.site.id:
            raise PropertyNotFound
        return self.site

    def services_on(self, _shelf: Any, _org: str) -> dict[str, Service]:
        return {each.id: each for each in self.services}

    def site_on(self, shelf: Any, org: str, property_id: str) -> Site:
        return Site(self.property_on(shelf, org, property_id), self.units)

    def technicians_on(self, _shelf: Any, _org: str) -> dict[str, Technician]:
        return {each.id: each for each in self.people}


@dataclass
class Board:
    """Marks as in Redis and bookings as in MongoDB; counts the reads."""

    marks: dict[tuple[str, int], str] = field(default_factory=dict)
    epochs: list[str | None] = field(default_factory=lambda: ["epoch-1"])
    booked: set[tuple[str, int]] = field(default_factory=set)
    reads: list[tuple[list[str], int, int]] = field(default_factory=list)
    epoch_reads: int = 0
    store_reads: int = 0

    def mark(self, resource: str, span: Iterable[int], state: str = "held") -> None:
        self.marks |= {(resource, tick): state for tick in span}

    def read_spans(self, _org: str, resources: list[str], from_tick: int, to_tick: int) -> Spans:
        self.reads.append((resources, from_tick, to_tick))
        taken: dict[str, list[Mark]] = {resource: [] for resource in resources}
        for (resource, tick), state in self.marks.items():
            if resource in taken:
                taken[resource].append(Mark("booked" if state == "booked" else "held", "somebody", tick, tick + 1))
        return Spans(self.epoch(_org, counted=False), taken)

    def epoch(self, _org: str, *, counted: bool = True) -> str | None:
        self.epoch_reads += counted
        return self.epochs.pop(0) if len(self.epochs) > 1 else self.epochs[0]

    def active_marks(self, _org: str, resources: list[str], from_tick: int, to_tick: int) -> dict[str, list[Mark]]:
        self.store_reads += 1
        marks: dict[str, list[Mark]] = {resource: [] for resource in resources}
        for name, tick in self.booked:
            if name in resources and from_tick <= tick < to_tick:
                marks[name].append(Mark("booked", "bk_1", tick, tick + 1))
        return marks


@dataclass
class Calendar:
    """Candidates and availability on top of a shelf and a board."""

    shelf: Shelf = field(default_factory=Shelf)
    board: Board = field(default_factory=Board)
    now: datetime = NOON
    grid: Grid = field(default_factory=lambda: Grid(15))

    @property
    def candidates(self) -> Candidates:
        return Candidates(self.grid)

    @property
    def availability(self) -> Availability:
        board: Any = self.board
        catalogue: Any = self.shelf
        return Availability(Readings(catalogue, board, board, lambda: self.now), self.candidates, self.grid)

    def counts(self, first: str | date, **changed: Any) -> dict[str, Any]:
        """The days of a new DayCounts, by date."""
        board, catalogue = (self.board, self.shelf)
        query = DaysQuery.model_validate({"property_id": "prop-1", "from": str(first), **changed})
        readings: Any = Readings(catalogue, board, board, lambda: self.now)  # type: ignore[arg-type]
        found = DayCounts(readings, self.availability, self.grid, lambda: self.now).days(ORG, query, Asked(Role.DESK))
        return {day["date"].isoformat(): day for day in found["days"]}

    def wish(self, start: str, technician_id: str | None = "tech-1", **changed: Any) -> Wish:
        fields = {"property_id": "prop-1", "technician_id": technician_id, "start": f"{start}:00Z"} | changed
        return self.candidates.wish(self.shelf.snapshot(ORG), self.now, SlotFields.model_validate(fields), Role.DESK)

    def candidates_for(self, wish: Wish) -> list[Visit]:
        """The visits of the choices with each set of technicians."""
        found = self.candidates.choices(self.shelf.snapshot(ORG), self.now, wish)
        return [found.wish.at(start, crew) for start, who in found.choices for crew in combinations(who, wish.needed)]

    def visits(self, start: str, technician_id: str | None = "tech-1", **changed: Any) -> list[tuple[str, str]]:
        """(start as HH:MM in UTC, technician) of each candidate."""
        found = self.candidates_for(self.wish(start, technician_id, **changed))
        return [(f"{self.grid.moment(visit.start):%H:%M}", visit.technician_id) for visit in found]

    def days(self, first: str | date, **changed: Any) -> list[Any]:
        """The slots of a property's dates, with attributes."""
        query = AvailabilityQuery.model_validate({"property_id": "prop-1", "from": str(first), **changed})
        return [SimpleNamespace(**slot) for slot in self.availability.days(ORG, query, Asked(Role.DESK))["slots"]]

    def states(self, first: str, **changed: Any) -> dict[str, str]:
        """State by start, as HH:MM in UTC, of one date."""
        return {f"{slot.start:%H:%M}": slot.state for slot in self.days(first, **changed)}

    def ticks(self, start: str, end: str) -> range:
        return range(self.grid.tick(utc(start)), self.grid.tick(utc(end)))
