"""Working hours in ticks are those of every single minute, by the local clock, around the changes of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.working_hours import WEEKDAYS
from services.timetable.grid import Grid
from services.timetable.working_hours import Timetable
from tests.availability.calendars import CHANGES, MINUTE, shifts, worked_minutes
from tests.calendars.calendar_world import technician

ALL_DAY: dict[str, list[list[str]]] = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NIGHT = st.integers(0, 240) | st.sampled_from([90, 120, 150, 180, 720, 1260, 1380, 1410, 1440])


@settings(deadline=None, max_examples=150)
@given(
    change=st.sampled_from(CHANGES),
    week=st.fixed_dictionaries({day: shifts(NIGHT, 2) for day in WEEKDAYS}),
    grid=st.sampled_from([Grid(5), Grid(15)]),
    begin=st.integers(0, 48),
    width=st.integers(200, 900),
)
@example(change=("Australia/Lord_Howe", date(2026, 10, 4)), week=ALL_DAY, grid=Grid(15), begin=48, width=900)
def test_a_tick_is_open_if_all_of_its_minutes_are_worked(
    change: tuple[str, date], week: dict[str, list[list[str]]], grid: Grid, begin: int, width: int
) -> None:
    zone, day = change
    someone = technician(timezone=zone, working_hours=week)
    first = grid.tick(datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)) + begin
    ticks = range(first, first + width)
    # Ticks lie on UTC dates, shifts on local ones, which are up to 14 hours ahead: the last ticks of the longest span
    # fall on a local date one later than their UTC date, so the shifts of that date count too. So do those of an
    # earlier date, because clocks that are put forward carry the end of a shift into the next date.
    dates = [(EPOCH + tick * grid.minutes * MINUTE).date() for tick in (ticks.start, ticks.stop)]
    around = [dates[0] + timedelta(days=number) for number in range(-2, (dates[1] - dates[0]).days + 2)]
    worked = set().union(*(worked_minutes(someone, each) for each in around))
    expected = [all(tick * grid.minutes + minute in worked for minute in range(grid.minutes)) for tick in ticks]
    mask = Timetable(grid).open_ticks(someone, ticks.start, ticks.stop)
    assert [bool(mask >> at & 1) for at in range(width)] == expected
