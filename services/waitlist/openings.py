"""The free slots that an entry could have. Must not decide who gets them."""

from __future__ import annotations

from datetime import datetime

from models.access import STRANGERS, Role
from models.errors import PropertyNotFound, Refusal, StoreUnavailable
from models.slot import Opening, Wish
from models.waitlist import WaitEntry
from services.availability.candidates import Candidates
from services.availability.slots import Availability
from services.catalogue.reader import Catalogue
from services.clock import Clock
from services.timetable.grid import Grid
from services.timetable.rules import Extent


class Openings:
    """Searches as of now, under today's catalogue and policy. Raises StoreUnavailable."""

    def __init__(
        self, *, availability: Availability, candidates: Candidates, catalogue: Catalogue, grid: Grid, clock: Clock
    ) -> None:
        self._availability = availability
        self._candidates = candidates
        self._catalogue = catalogue
        self._grid = grid
        self._clock = clock

    def first(self, entry: WaitEntry, count: int, *, most_ticks: int | None = None) -> list[Opening]:
        """The first free visits for an entry, one per start; none where the catalogue or the policy forbids them. A
        limit for strangers that is stricter than when the entry was made does not count, nor another duration of its
        service or the removal of it. Travel is that of the service, else of the policy, as of now. A property that has
        become a building is nothing for an entry that was made with the publishable key.

        most_ticks: how many ticks to look at, over all resources together; the earliest of the window come first.
        """
        try:
            snapshot, start = self._catalogue.snapshot(entry.org), self._start(entry.from_)
            if entry.joined_by in STRANGERS and snapshot.units_of(entry.property_id):
                return []
            extent = self._candidates.extent(snapshot, entry.lengths, Role.DESK, standing=entry.standing)
            wish = Wish(entry.property_id, entry.named, start, *extent, entry.technicians, service_id=entry.service_id)
            until = self._grid.tick(entry.to)
            if most_ticks is not None:
                until = min(until, wish.start + self._ticks_each(entry, extent, most_ticks))
            return self._availability.first_openings(entry.org, wish, until, count, entry.hours)
        except StoreUnavailable:
            raise
        except Refusal:
            return []

    def places(self, entry: WaitEntry) -> tuple[str, ...]:
        """The properties that a visit for an entry takes: its own, and the units of that if it is a building."""
        try:
            units = self._catalogue.snapshot(entry.org).units_of(entry.property_id)
        except PropertyNotFound:
            units = ()
        return (entry.property_id, *units)

    def _start(self, begin: datetime) -> int:
        return self._grid.tick_from(max(begin, self._clock()))

    def _ticks_each(self, entry: WaitEntry, extent: Extent, most: int) -> int:
        """How far the window reaches if each resource is looked at over the same ticks, with its travel around them."""
        technicians = self._catalogue.snapshot(entry.org).technicians(entry.named)
        return most // (1 + len(technicians)) - extent.before - extent.after
