"""Working hours in ticks are those of every single minute, by the local clock, around the changes of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import WEEKDAYS
from services.timetable.grid import Grid
from services.timetable.working_hours import Timetable
from tests.availability.calendars import CHANGES, shifts, worked_minutes
from tests.calendars.calendar_world import technician

NIGHT = st.integers(0, 240) | st.sampled_from([90, 120, 150, 180, 720, 1260, 1380, 1410, 1440])


@settings(deadline=None, max_examples=150)
@given(
    change=st.sampled_from(CHANGES),
    week=st.fixed_dictionaries({day: shifts(NIGHT, 2) for day in WEEKDAYS}),
    grid=st.sampled_from([Grid(5), Grid(15)]),
    begin=st.integers(0, 48),
    width=st.integers(200, 900),
)
def test_a_tick_is_open_if_all_of_its_minutes_are_worked(
    change: tuple[str, date], week: dict[str, list[list[str]]], grid: Grid, begin: int, width: int
) -> None:
    zone, day = change
    someone = technician(timezone=zone, working_hours=week)
    around = [day + timedelta(days=number) for number in range(-3, 9)]
    worked = set().union(*(worked_minutes(someone, each) for each in around))
    first = grid.tick(datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)) + begin
    ticks = range(first, first + width)
    expected = [all(tick * grid.minutes + minute in worked for minute in range(grid.minutes)) for tick in ticks]
    mask = Timetable(grid).open_ticks(someone, ticks.start, ticks.stop)
    assert [bool(mask >> at & 1) for at in range(width)] == expected
