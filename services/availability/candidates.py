"""Turns requests into wishes, and wishes into the visits that may be tried. Does not look at what is booked.

The rules here, besides those of timetable.rules:
- The property and the technician must exist and have the status available; no other rule is looked at before. Any
  technician means any who is available.
- A search (`fallback`) goes over the starts from the requested one to the end of the property's local date. At each
  start it tries all technicians in the order of their ids. A start that a rule forbids is no candidate. Visits may run
  over midnight.
- A stranger (see models.access) does not learn who is off or unavailable: those are candidates too, but barred, as if
  somebody else had booked them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from models.access import STAFF, STRANGERS, Role
from models.catalogue import Policy
from models.errors import Fault, InvalidRequest, NoSlotAvailable, PropertyUnavailable, TechnicianUnavailable
from models.slot import SlotFields, Visit, Wish
from services.availability.lengths import Lengths, measured
from services.catalogue.reader import Snapshot
from services.timetable.grid import LAST_DAY, Grid, day_span, local_day
from services.timetable.rules import Extent, Rules
from services.timetable.time_off import HiddenTimeOff
from services.timetable.working_hours import Timetable

LONGEST_DAY_MINUTES = 25 * 60
"""Bounds a search: no local date of our time is longer."""
YEARS = range(2000, LAST_DAY.year)
"""The years of visits for which staff lift rules. Nothing else bounds those."""


class Choices(NamedTuple):
    """The visits that a wish may become, in the order to try, at least one; and what bars some of them."""

    visits: list[Visit]
    hidden: HiddenTimeOff


class Candidates:
    """Wishes and visits under one snapshot of the catalogue and as of one moment.

    A method that takes a snapshot may raise StoreUnavailable.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._timetable = Timetable(grid)

    def wish(
        self,
        snapshot: Snapshot,
        now: datetime,
        fields: SlotFields,
        role: Role,
        *,
        standing: Set[str] = frozenset(),
        faults: Sequence[Fault] = (),
    ) -> Wish:
        """The request in ticks; the policy fills in what it leaves out.

        role: of the caller; see availability.lengths.
        standing: the fields that a booking has already. They need to be on the grid and nothing else, and its start is
        then not too soon nor too far ahead either: a stricter policy touches nothing that exists. Of the rules that the
        request overrides the wish knows.
        faults: what the caller found wrong with the request.
        Raises InvalidRequest with all faults together: off_grid, past_start, and those of `measured`.
        """
        lifted = frozenset(fields.override)
        if "duration" in lifted:
            standing = {*standing, "duration_minutes"}
        extent, found = measured(self._grid, snapshot.policy, fields, role, standing)
        if role in STAFF:
            found = [_with_the_word(fault) for fault in found]
        tick = self._grid.exact_tick(fields.start)
        found += self._start_faults(fields, now, role, standing, on_grid=tick is not None)
        if tick is None or found or faults:
            raise InvalidRequest(*found, *faults)
        return Wish(
            fields.property_id,
            fields.technician_id,
            tick,
            *extent,
            fallback=fields.fallback == "next_available",
            suggest=fields.suggest,
            standing="start" in standing,
            discreet=role in STRANGERS,
            for_staff=role in STAFF,
            lifted=lifted,
        )

    def _start_faults(
        self, fields: SlotFields, now: datetime, role: Role, standing: Set[str], *, on_grid: bool
    ) -> Iterator[Fault]:
        if not on_grid:
            example = f"such as 10:00 or 10:{self._grid.minutes:02}"
            yield Fault("start", "off_grid", f"Give start on the grid of {self._grid.minutes} minutes, {example}.")
        if fields.override and fields.start.year not in YEARS:
            yield Fault("start", "bad_time", f"Give start in a year from {YEARS.start} to {YEARS.stop - 1}.")
        elif fields.start < now and not ("start" in standing or "past" in fields.override):
            text = "Give start as a time that is not in the past"
            yield Fault("start", "past_start", text + (", or give past in override." if role in STAFF else "."))

    def extent(self, policy: Policy, lengths: Lengths, role: Role) -> Extent:
        """How long the visit would be. Raises InvalidRequest as `wish` does."""
        extent, faults = measured(self._grid, policy, lengths, role)
        if faults:
            raise InvalidRequest(*faults)
        return extent

    def choices(self, snapshot: Snapshot, now: datetime, wish: Wish) -> Choices:
        """The visits that the rules allow, in the order to try: by start, then by technician's id.

        Raises PropertyNotFound, TechnicianNotFound, PropertyUnavailable, TechnicianUnavailable, OutsideWorkingHours,
        TooSoon, TooFarAhead; for a search that has no candidate NoSlotAvailable.
        """
        extent = Extent(wish.length, wish.before, wish.after)
        rules = self.rules(snapshot, now, wish.property_id, wish.technician_id, extent, discreet=wish.discreet)
        if wish.standing:
            rules.admit(wish.start)
        if wish.lifted:
            rules.lift(wish.lifted, wish.start)
        if rules.site.status != "available":
            raise PropertyUnavailable
        if not rules.technicians:
            raise TechnicianUnavailable(None if wish.technician_id else "No technician is available at the moment.")
        end = self._search_end(wish.start, rules) if wish.fallback else wish.start + 1
        fits = rules.fitting(wish.start, end)
        if not fits:
            raise NoSlotAvailable if wish.fallback else rules.refusal(wish.start, for_staff=wish.for_staff)
        starts, first = range(wish.start, end), wish.start - wish.before
        visits = [wish.at(start, who) for at, start in enumerate(starts) for who, mask in fits if mask >> at & 1]
        return Choices(visits, HiddenTimeOff(first, rules.hidden(first, end + wish.length + wish.after)))

    def rules(
        self,
        snapshot: Snapshot,
        now: datetime,
        property_id: str,
        technician_id: str | None,
        extent: Extent,
        *,
        discreet: bool,
    ) -> Rules:
        """The rules as of now. Raises PropertyNotFound and TechnicianNotFound, but nothing for an unavailable one."""
        site, found = snapshot.resources(property_id, technician_id)
        who = [each for each in found if discreet or each.status == "available"]
        policy = snapshot.policy
        return Rules(self._timetable, now, policy, site=site, technicians=who, extent=extent, discreet=discreet)

    def _search_end(self, start: int, rules: Rules) -> int:
        if start > rules.latest:
            return start + 1  # no later start is allowed, and the calendar itself may end
        zone = rules.site.timezone
        _, end = day_span(local_day(start, zone, self._grid), zone, self._grid)
        return min(end, start + self._grid.ticks(LONGEST_DAY_MINUTES))


def _with_the_word(fault: Fault) -> Fault:
    """A fault of a duration that the policy forbids, with the word that lifts the rule; each other one as it is."""
    if fault.field != "duration_minutes" or fault.code not in ("too_long", "not_allowed"):
        return fault
    return Fault(fault.field, fault.code, f"{fault.message.removesuffix('.')}, or give duration in override.")
