"""When technicians work and which dates are closed: the catalogue's calendar rules, in ticks.

- Working hours are wall-clock times in the technician's own zone. A time that clocks skip is the first instant after
  the gap. Where a time exists twice, a shift begins at the first and ends at the second, so the technician works the
  longer day; the time at which clocks go back is such a time too. 24:00 is the first instant of the next date. Shifts
  that touch, also over midnight, are one shift; its ends are then rounded inwards to the grid.
- Time off is rounded outwards: a tick that is partly off is off.
- A blackout date is a local date of the zone that the caller gives.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from models.catalogue import Policy, Technician
from models.working_hours import WEEKDAYS
from services.timetable.grid import (
    FIRST_DAY,
    LAST_DAY,
    Grid,
    Span,
    Spans,
    bits,
    day_span,
    day_start,
    instant_of,
    merge,
    ones,
    zone_of,
)

WEEK_SECONDS = 7 * 86_400
MOST_WEEKS = 256
"""Weeks to keep for one technician: over twice the longest horizon. Only a process that runs for years exceeds it."""

MIDNIGHT_AFTER = frozenset({"24:00", "23:59"})
"""The second is in records of earlier releases, and means the end of the day as well."""

T = TypeVar("T")


class Timetable:
    """Calendar rules on one grid. Computes each answer once per catalogue object and keeps it as long as the object.

    Objects of the catalogue are frozen, and a change of the catalogue makes new ones, so no answer is ever out of date.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._kept: dict[tuple[int, str], Any] = {}

    def open_ticks(self, technician: Technician, from_tick: int, to_tick: int) -> int:
        """The mask of [from_tick, to_tick) with working hours set. Without working hours every tick is set."""
        if technician.working_hours is None:
            return ones(to_tick - from_tick)
        week_ticks = WEEK_SECONDS // self.grid.seconds
        weeks = self._kept_for(technician, "weeks", dict[int, int])
        first = from_tick // week_ticks
        mask = 0
        for week in range(first, (to_tick - 1) // week_ticks + 1):
            found = weeks.get(week)
            if found is None:
                if len(weeks) >= MOST_WEEKS:
                    weeks.clear()
                found = weeks[week] = _week_mask(technician, self.grid, week)
            mask |= found << (week - first) * week_ticks
        return mask >> from_tick - first * week_ticks & ones(to_tick - from_tick)

    def away_ticks(self, technician: Technician, from_tick: int, to_tick: int) -> int:
        """The mask of [from_tick, to_tick) with the technician's time off set."""
        if not technician.time_off:
            return 0

        def compute() -> Spans:
            return Spans((self.grid.tick(off.start), self.grid.tick_from(off.end)) for off in technician.time_off)

        return self._kept_for(technician, "away", compute).mask(from_tick, to_tick)

    def blackout_ticks(self, policy: Policy, timezone: str, from_tick: int, to_tick: int) -> int:
        """The mask of [from_tick, to_tick) with the policy's blackout dates set, as dates of `timezone`."""
        if not policy.blackout_dates:
            return 0

        def compute() -> Spans:
            days = (day for day in policy.blackout_dates if FIRST_DAY <= day <= LAST_DAY)
            return Spans(day_span(day, timezone, self.grid) for day in days)

        return self._kept_for(policy, timezone, compute).mask(from_tick, to_tick)

    def _kept_for(self, source: Technician | Policy, about: str, compute: Callable[[], T]) -> T:
        """The result of `compute` for exactly this object, kept until the object is gone.

        The key is the object's identity, because comparing or hashing its content costs more than most answers.
        """
        key = (id(source), about)
        found = self._kept.get(key)
        if found is None:
            found = self._kept.setdefault(key, compute())
            weakref.finalize(source, self._kept.pop, key, None).atexit = False
        return found  # type: ignore[no-any-return]


def daily(hours: Sequence[Sequence[str]], timezone: str) -> Technician:
    """Somebody who works at these times of each day: for `Timetable.open_ticks`, which then says when they are."""
    shifts = [list(shift) for shift in hours]
    return Technician(id="daily", name="daily", timezone=timezone, working_hours=dict.fromkeys(WEEKDAYS, shifts))


def _week_mask(technician: Technician, grid: Grid, week: int) -> int:
    """The working ticks of one week: the seven days of UTC that begin `week` times seven days after 1970-01-01."""
    start = week * WEEK_SECONDS
    first = datetime.fromtimestamp(start, zone_of(technician.timezone)).date()
    # Nine dates: where clocks go forward, the end of the seventh day is on one more date.
    days = [first + timedelta(days=number) for number in range(9)]
    shifts = merge(shift for day in days for shift in _shifts(technician, day))
    from_tick = start // grid.seconds
    to_tick = from_tick + WEEK_SECONDS // grid.seconds
    mask = 0
    for begin, end in shifts:
        mask |= bits(from_tick, to_tick, (-(-begin // grid.seconds), end // grid.seconds))
    return mask


def _shifts(technician: Technician, day: date) -> list[Span]:
    """The shifts of a local date in epoch seconds. A date that clocks skip has none."""
    hours = (technician.working_hours or {}).get(WEEKDAYS[day.weekday()], ())
    return [
        (
            instant_of(datetime.combine(day, time.fromisoformat(begin)), technician.timezone),
            day_start(day + timedelta(days=1), technician.timezone)
            if end in MIDNIGHT_AFTER
            else instant_of(datetime.combine(day, time.fromisoformat(end)), technician.timezone, last=True),
        )
        for begin, end in hours
    ]
