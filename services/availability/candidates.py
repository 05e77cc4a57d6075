"""Turns requests into wishes, and wishes into the visits that may be tried; does not look at who is booked.

What is settled here, beside the rules in visit_rules:
- The property and the technician exist and are available by status before any other rule is looked at. Any technician
  means those who are available.
- A search (`fallback`) goes over the starts from the wished one to the end of the property's local date, all
  technicians at each in the order of their ids; a start that a rule forbids is just no candidate. Visits may run over
  midnight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

from models.catalogue import Policy
from models.errors import Fault, InvalidRequest, NoSlotAvailable, PropertyUnavailable, TechnicianUnavailable
from models.slot import SlotFields, Visit, Wish
from services.catalogue.reader import Catalogue
from services.timetable.grid import Grid, day_span, local_day
from services.timetable.rules import Extent, Rules
from services.timetable.working_hours import Timetable

LONGEST_DAY_MINUTES = 25 * 60
"""Bounds a search: no local date of our time is longer."""


class Lengths(Protocol):
    """What requests say of an extent, in minutes; None is for the policy to fill in."""

    @property
    def duration_minutes(self) -> int | None: ...
    @property
    def buffer_before_minutes(self) -> int | None: ...
    @property
    def buffer_after_minutes(self) -> int | None: ...


class Candidates:
    """Wishes and visits under today's catalogue. Everything here may raise StoreUnavailable."""

    def __init__(self, catalogue: Catalogue, grid: Grid, clock: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._grid = grid
        self._timetable = Timetable(grid)
        self._clock = clock

    def wish(self, org: str, fields: SlotFields, *, standing: Collection[str] = ()) -> Wish:
        """The request in ticks, what it left out filled in from the policy.

        standing: the fields that a booking has already. For it such a start is neither past nor too soon nor too far
        ahead, and such a duration is not too long: a stricter policy touches nothing that exists.
        Raises InvalidRequest with all faults: off_grid, past_start, too_long (duration), not_allowed (duration).
        """
        extent, faults = self._measure(self._catalogue.policy(org), fields)
        if not self._grid.is_on_grid(fields.start):
            example = f"such as 10:00 or 10:{self._grid.minutes:02}"
            text = f"Give start on the grid of {self._grid.minutes} minutes, {example}."
            faults.append(Fault("start", "off_grid", text))
        if "duration_minutes" in standing:
            faults = [fault for fault in faults if fault.code == "off_grid"]
        if fields.start < self._clock() and "start" not in standing:
            faults.append(Fault("start", "past_start", "Give start as a time that is not in the past."))
        if faults:
            raise InvalidRequest(*faults)
        return Wish(
            fields.property_id,
            fields.technician_id,
            self._grid.tick(fields.start),
            *extent,
            fallback=fields.fallback == "next_available",
            suggest=fields.suggest,
            standing="start" in standing,
        )

    def extent(self, org: str, lengths: Lengths) -> Extent:
        """How long the visit would be, under the policy. Raises InvalidRequest as `wish` does."""
        extent, faults = self._measure(self._catalogue.policy(org), lengths)
        if faults:
            raise InvalidRequest(*faults)
        return extent

    def visits(self, org: str, wish: Wish) -> list[Visit]:
        """The visits that the rules allow, in the order to try: by start, then by technician's id. At least one.

        Raises PropertyNotFound, TechnicianNotFound, PropertyUnavailable, TechnicianUnavailable, OutsideWorkingHours,
        TooSoon, TooFarAhead; a search that has no candidate NoSlotAvailable.
        """
        rules = self.rules(org, wish.property_id, wish.technician_id, Extent(wish.length, wish.before, wish.after))
        if wish.standing:
            rules.admit(wish.start)
        if rules.site.status != "available":
            raise PropertyUnavailable
        if not rules.technicians:
            raise TechnicianUnavailable(None if wish.technician_id else "No technician is available at the moment.")
        end = self._search_end(wish.start, rules) if wish.fallback else wish.start + 1
        fits = rules.fitting(wish.start, end)
        if fits:
            starts = range(wish.start, end)
            return [wish.at(start, who) for at, start in enumerate(starts) for who, mask in fits if mask >> at & 1]
        raise NoSlotAvailable if wish.fallback else rules.refusal(wish.start)

    def rules(self, org: str, property_id: str, technician_id: str | None, extent: Extent) -> Rules:
        """The rules as of now. Raises PropertyNotFound, TechnicianNotFound; not for what is unavailable."""
        policy = self._catalogue.policy(org)
        place = self._catalogue.property(org, property_id)
        if technician_id is None:
            asked = list(self._catalogue.technicians(org).values())
        else:
            asked = [self._catalogue.technician(org, technician_id)]
        technicians = [each for each in asked if each.status == "available"]
        return Rules(self._timetable, self._clock(), policy, site=place, technicians=technicians, extent=extent)

    def _search_end(self, start: int, rules: Rules) -> int:
        if start > rules.latest:
            return start + 1  # nothing is allowed from here on, and the calendar itself may come to its end
        zone = rules.site.timezone
        _, end = day_span(local_day(start, zone, self._grid), zone, self._grid)
        return min(end, start + self._grid.ticks(LONGEST_DAY_MINUTES))

    def _measure(self, policy: Policy, lengths: Lengths) -> tuple[Extent, list[Fault]]:
        length = _or(lengths.duration_minutes, policy.default_duration_minutes)
        before = _or(lengths.buffer_before_minutes, policy.buffer_before_minutes)
        after = _or(lengths.buffer_after_minutes, policy.buffer_after_minutes)
        grid = self._grid.minutes
        faults = []
        if length % grid or before % grid or after % grid:
            faults = _grid_faults(
                grid, duration_minutes=length, buffer_before_minutes=before, buffer_after_minutes=after
            )
        return Extent(length // grid, before // grid, after // grid), faults + _duration_faults(policy, length)


def _or(given: int | None, default: int) -> int:
    return default if given is None else given


def _grid_faults(grid_minutes: int, **fields: int) -> list[Fault]:
    return [
        Fault(name, "off_grid", f"Give {name} as a multiple of {grid_minutes}.")
        for name, minutes in fields.items()
        if minutes % grid_minutes
    ]


def _duration_faults(policy: Policy, length: int) -> list[Fault]:
    faults = []
    if length > policy.max_duration_minutes:
        text = f"Give duration_minutes as {policy.max_duration_minutes} or less."
        faults.append(Fault("duration_minutes", "too_long", text))
    allowed = policy.allowed_duration_minutes
    if allowed is not None and length not in allowed:
        choice = ", ".join(str(minutes) for minutes in sorted(allowed))
        faults.append(Fault("duration_minutes", "not_allowed", f"Give duration_minutes as one of {choice}."))
    return faults
