"""Finds who else could make the visits of a technician who is away, at the same times. Changes nothing.

A plan is made visit by visit. It counts what it has given to a technician already, so that nobody gets two visits at
one time, and so that the one who has least to do on a day comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from models.access import Caller
from models.booking import Booking
from models.errors import SlotBooked, SlotHeld, TechnicianUnavailable
from models.slot import TECHNICIAN, SlotFields
from services.availability.candidates import Candidates
from services.bookings.rescheduling import SLOT_FIELDS
from services.catalogue.reader import Catalogue, Snapshot
from services.claims.keys import Mark
from services.claims.mirror import Mirror
from services.ledger.store import BookingStore
from services.timetable.grid import Grid, Span, day_span, local_day

NOBODY = "No other technician works then and may be sent there."
TAKEN = "Every other technician who may come has another visit then."


class Plan:
    """The plan of one request, for visits of one org that are to go to others than `away`."""

    def __init__(
        self,
        *,
        candidates: Candidates,
        catalogue: Catalogue,
        mirror: Mirror,
        store: BookingStore,
        grid: Grid,
        caller: Caller,
        away: str,
        now: datetime,
    ) -> None:
        self._candidates = candidates
        self._catalogue = catalogue
        self._mirror = mirror
        self._store = store
        self._grid = grid
        self._caller = caller
        self._away = away
        self._now = now
        self._read: dict[Span, dict[str, list[Mark]]] = {}
        self._given: dict[str, list[Mark]] = {}

    def who(self, booking: Booking) -> list[str]:
        """The technicians who may come in place of the one who is away and look free, in the order to try: the one
        with fewest visits on that local date first, then by preference as a hold has it.

        Raises the refusals of Candidates, TechnicianUnavailable, SlotHeld or SlotBooked (nobody looks free),
        StoreUnavailable.
        """
        snapshot = self._catalogue.snapshot(self._caller.org)
        fit, day, span = self._fitting(snapshot, booking), self._day(booking), self._span(booking)
        if not fit:
            raise TechnicianUnavailable(NOBODY)
        shown = self._shown(fit, (min(day[0], span[0]), max(day[1], span[1])))
        free = [each for each in fit if not _touching(shown[each], span)]
        if not free:
            states = [{mark.state for mark in _touching(shown[each], span)} for each in fit]
            raise SlotHeld(TAKEN) if {"held"} in states else SlotBooked(TAKEN)
        loads = {each: sum(day[0] <= mark.start < day[1] for mark in shown[each]) for each in free}
        return sorted(free, key=loads.__getitem__)

    def give(self, booking: Booking, technician_id: str) -> None:
        """Counts that a technician gets a visit."""
        self._given.setdefault(technician_id, []).append(Mark("booked", booking.booking_id, *self._span(booking)))

    def _fitting(self, snapshot: Snapshot, booking: Booking) -> list[str]:
        """Who else may come by the rules, in the order of preference."""
        fields = {name: getattr(booking, name) for name in SLOT_FIELDS} | {"technician_ids": None}
        slot = SlotFields.model_construct(**fields)
        standing = {*SLOT_FIELDS} - {"technician_ids"}
        wish = self._candidates.wish(snapshot, self._now, slot, self._caller.role, standing=standing)
        choice, *_ = self._candidates.choices(snapshot, self._now, wish).choices
        there = {self._away, *booking.technician_ids}
        return [each for each in choice.technician_ids if each not in there]

    def _day(self, booking: Booking) -> Span:
        """The ticks of the local date of a visit."""
        zone = self._catalogue.property(booking.org, booking.property_id).timezone
        return day_span(local_day(self._grid.tick(booking.start), zone, self._grid), zone, self._grid)

    def _span(self, booking: Booking) -> Span:
        """The ticks that a technician is claimed for by a visit."""
        grid = self._grid
        leaves = grid.tick(booking.start) - grid.ticks(booking.buffer_before_minutes)
        return leaves, grid.tick(booking.end) + grid.ticks(booking.buffer_after_minutes)

    def _shown(self, who: list[str], around: Span) -> dict[str, list[Mark]]:
        """What these technicians have to do around some ticks: one read for all visits of a date."""
        known = self._read.setdefault(around, {})
        unknown = [each for each in who if each not in known]
        if unknown:
            known |= zip(unknown, self._taken([f"{TECHNICIAN}:{each}" for each in unknown], around), strict=True)
        return {each: [*known[each], *self._given.get(each, ())] for each in who}

    def _taken(self, resources: list[str], around: Span) -> Iterable[list[Mark]]:
        org = self._caller.org
        spans = self._mirror.read_spans(org, resources, *around)
        if spans.epoch is None:
            for resource, marks in self._store.active_marks(org, resources, *around).items():
                spans.taken[resource] += marks
        return [spans.taken[each] for each in resources]


def _touching(marks: list[Mark], span: Span) -> list[Mark]:
    return [mark for mark in marks if mark.start < span[1] and span[0] < mark.end]
