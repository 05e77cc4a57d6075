"""What the catalogue and the policy allow, as masks of starts; nothing of who is booked.

What is settled here, in the order in which a refusal names it where several rules forbid a start:
1. a start is not before now plus the lead, nor after now plus `horizon_days` times 24 hours;
2. no moment of the visit lies on a blackout date, by the property's local dates;
3. the visit [start, end) lies within the technician's working hours; travel may fall outside of them;
4. the visit with its travel touches no time off of the technician.

The rules exist once, for a single hold and for whole days of availability alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from models.catalogue import Policy, Property, Technician
from models.errors import OutsideWorkingHours, Refusal, TechnicianUnavailable, TooFarAhead, TooSoon
from services.timetable.grid import Grid, ones, runs
from services.timetable.working_hours import away_ticks, blackout_ticks, open_ticks

LONGEST_VISIT = timedelta(days=3)
"""No visit with its travel lasts longer."""


class Extent(NamedTuple):
    """How long a visit is, and the travel before and after it, in ticks."""

    length: int
    before: int
    after: int


class Rules:
    """The rules for visits of one extent at one property, as of one moment.

    technicians: who may come at all, in the order to try; latest: the last start within the horizon. In every mask
    bit i stands for a visit that starts at from_tick + i.
    """

    __slots__ = ("_earliest", "_grid", "_policy", "extent", "latest", "place", "technicians")

    def __init__(
        self,
        grid: Grid,
        now: datetime,
        policy: Policy,
        *,
        place: Property,
        technicians: list[Technician],
        extent: Extent,
    ) -> None:
        self.place = place
        self.technicians = technicians
        self.extent = extent
        self._grid = grid
        self._policy = policy
        seconds = now.timestamp()
        self._earliest = -int(-(seconds + policy.min_lead_minutes * 60) // grid.seconds)
        self.latest = int((seconds + policy.horizon_days * 86_400) // grid.seconds)

    def admit(self, start: int) -> None:
        """Takes a start as neither too soon nor too far ahead: a booking has it already."""
        self._earliest, self.latest = min(self._earliest, start), max(self.latest, start)

    def fitting(self, from_tick: int, to_tick: int) -> list[tuple[str, int]]:
        """(technician id, mask of starts) of everyone who may come at any start in [from_tick, to_tick)."""
        allowed = self._allowed(from_tick, to_tick)
        if not allowed:
            return []
        fits = [(each.id, self._suits(each, from_tick, to_tick) & allowed) for each in self.technicians]
        return [each for each in fits if each[1]]

    def refusal(self, start: int) -> Refusal:
        """Why no visit may start at a tick for which `fitting` has nobody."""
        if start < self._earliest:
            return TooSoon()
        if start > self.latest:
            return TooFarAhead()
        if self._blacked_out(start, start + 1):
            return OutsideWorkingHours("No visits take place on this date. Please choose another one.")
        if not any(self._at_work(each, start, start + 1) for each in self.technicians):
            return OutsideWorkingHours()
        if len(self.technicians) == 1:
            return TechnicianUnavailable()
        return TechnicianUnavailable("No technician is available then. Please choose another time.")

    def _allowed(self, from_tick: int, to_tick: int) -> int:
        """The starts that the property and the policy allow, whoever comes."""
        first, last = max(from_tick, self._earliest), min(to_tick, self.latest + 1)
        if first >= last or self.place.status != "available":
            return 0
        return ones(last - first) << (first - from_tick) & ~self._blacked_out(from_tick, to_tick)

    def _blacked_out(self, from_tick: int, to_tick: int) -> int:
        """The starts of visits that touch a blackout date."""
        if not self._policy.blackout_dates:
            return 0
        end = to_tick - 1 + self.extent.length
        blackout = blackout_ticks(self._policy, self.place.timezone, self._grid, from_tick, end)
        return ones(to_tick - from_tick) & ~_clear_of(blackout, end - from_tick, self.extent.length)

    def _suits(self, technician: Technician, from_tick: int, to_tick: int) -> int:
        """The starts at which a technician works throughout the visit and is not off during it or its travel."""
        suits = self._at_work(technician, from_tick, to_tick)
        if not suits or not technician.time_off:
            return suits
        length, before, after = self.extent
        begin, end = from_tick - before, to_tick - 1 + length + after
        away = away_ticks(technician, self._grid, begin, end)
        return suits & _clear_of(away, end - begin, before + length + after)

    def _at_work(self, technician: Technician, from_tick: int, to_tick: int) -> int:
        if technician.working_hours is None:
            return ones(to_tick - from_tick)
        length = self.extent.length
        return runs(open_ticks(technician, self._grid, from_tick, to_tick - 1 + length), length)


def _clear_of(mask: int, width: int, length: int) -> int:
    """The starts of `length` ticks of which none is set in a mask of so many ticks."""
    return runs(ones(width) & ~mask, length)
