"""When technicians work and when nobody is sent anywhere: the catalogue's calendar rules, in ticks.

What is settled here:
- Working hours are wall-clock times in the technician's own zone. A time that clocks skip is the first instant after
  the gap. Where a time comes twice a shift begins at the first and ends at the second, so the longer day is worked;
  that includes the time that clocks are put back to. 24:00 is the first instant of the next date. Shifts that touch,
  over midnight too, are one; what is then off the grid is rounded inwards.
- Time off is rounded outwards: a tick that is partly off is off.
- A blackout date is a local date of whoever's zone is given.

All of it is worked out once for an object of the catalogue and kept for as long as the catalogue keeps that object:
those are frozen, and a change of the catalogue makes new ones.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from models.catalogue import WEEKDAYS, Policy, Technician
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
"""Weeks kept of a technician: over twice the longest horizon. Only long-lived processes ever start over."""

MIDNIGHT_AFTER = "24:00"

T = TypeVar("T")

_kept: dict[tuple[Hashable, ...], Any] = {}


def open_ticks(technician: Technician, grid: Grid, from_tick: int, to_tick: int) -> int:
    """The mask of [from_tick, to_tick) in which working hours are set; a technician without any always works."""
    if technician.working_hours is None:
        return ones(to_tick - from_tick)
    week_ticks = WEEK_SECONDS // grid.seconds
    weeks = _kept_for(technician, (grid.minutes, "weeks"), dict[int, int])
    first = from_tick // week_ticks
    mask = 0
    for week in range(first, (to_tick - 1) // week_ticks + 1):
        found = weeks.get(week)
        if found is None:
            if len(weeks) >= MOST_WEEKS:
                weeks.clear()
            found = weeks[week] = _week_mask(technician, grid, week)
        mask |= found << (week - first) * week_ticks
    return mask >> from_tick - first * week_ticks & ones(to_tick - from_tick)


def away_ticks(technician: Technician, grid: Grid, from_tick: int, to_tick: int) -> int:
    """The mask of [from_tick, to_tick) in which the technician's time off is set."""
    if not technician.time_off:
        return 0

    def work_out() -> Spans:
        return Spans((grid.tick(off.start), grid.tick_from(off.end)) for off in technician.time_off)

    return _kept_for(technician, (grid.minutes, "away"), work_out).mask(from_tick, to_tick)


def blackout_ticks(policy: Policy, timezone: str, grid: Grid, from_tick: int, to_tick: int) -> int:
    """The mask of [from_tick, to_tick) in which the policy's blackout dates, as dates of this zone, are set."""
    if not policy.blackout_dates:
        return 0

    def work_out() -> Spans:
        days = (day for day in policy.blackout_dates if FIRST_DAY <= day <= LAST_DAY)
        return Spans(day_span(day, timezone, grid) for day in days)

    return _kept_for(policy, (grid.minutes, timezone), work_out).mask(from_tick, to_tick)


def _kept_for(source: Technician | Policy, about: tuple[Hashable, ...], work_out: Callable[[], T]) -> T:
    """What was worked out for this very object, forgotten when the object is.

    By identity: comparing or hashing by content would cost more than most of the answers.
    """
    key = (id(source), *about)
    found = _kept.get(key)
    if found is None:
        found = _kept.setdefault(key, work_out())
        weakref.finalize(source, _kept.pop, key, None).atexit = False
    return found  # type: ignore[no-any-return]


def _week_mask(technician: Technician, grid: Grid, week: int) -> int:
    """Working ticks of the so-manieth seven days of UTC since 1970."""
    start = week * WEEK_SECONDS
    first = datetime.fromtimestamp(start, zone_of(technician.timezone)).date()
    # Nine dates, for a clock that is put forward carries the end of the seventh day into one more.
    days = [first + timedelta(days=number) for number in range(9)]
    shifts = merge(shift for day in days for shift in _shifts(technician, day))
    from_tick = start // grid.seconds
    to_tick = from_tick + WEEK_SECONDS // grid.seconds
    mask = 0
    for begin, end in shifts:
        mask |= bits(from_tick, to_tick, (-(-begin // grid.seconds), end // grid.seconds))
    return mask


def _shifts(technician: Technician, day: date) -> list[Span]:
    """The shifts of a local date in epoch seconds; none on a date that is skipped wholly."""
    hours = (technician.working_hours or {}).get(WEEKDAYS[day.weekday()], ())
    return [
        (
            instant_of(datetime.combine(day, time.fromisoformat(begin)), technician.timezone),
            day_start(day + timedelta(days=1), technician.timezone)
            if end == MIDNIGHT_AFTER
            else instant_of(datetime.combine(day, time.fromisoformat(end)), technician.timezone, last=True),
        )
        for begin, end in hours
    ]
