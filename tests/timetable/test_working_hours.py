"""Working hours, time off and blackout dates in ticks, in zones with many kinds of clock changes."""

from __future__ import annotations

import gc
from datetime import date, timedelta
from typing import Any

import pytest

from models.catalogue import Policy, Technician
from services.timetable.grid import Grid
from services.timetable.working_hours import Timetable
from tests.calendars.calendar_world import every_day, off, technician, utc

QUARTERS = Grid(15)


def worked(someone: Technician, start: str, end: str, timetable: Timetable | None = None) -> list[str]:
    """The working hours in [start, end), UTC, as `HH:MM-HH:MM`. Without a timetable: on a grid of 15 minutes."""
    timetable = timetable or Timetable(QUARTERS)
    grid = timetable.grid
    first, last = grid.tick(utc(start)), grid.tick(utc(end))
    return stretches(timetable.open_ticks(someone, first, last), first, last - first, grid)


def stretches(mask: int, first: int, width: int, grid: Grid) -> list[str]:
    found, begin = [], None
    for at in range(width + 1):
        is_set = mask >> at & 1
        if is_set and begin is None:
            begin = at
        if not is_set and begin is not None:
            found.append(f"{grid.moment(first + begin):%H:%M}-{grid.moment(first + at):%H:%M}")
            begin = None
    return found


def test_a_technician_without_working_hours_always_works() -> None:
    assert worked(technician(), "2026-12-05T00:00", "2026-12-06T00:00") == ["00:00-00:00"]


def test_a_weekday_that_is_left_out_is_a_day_off() -> None:
    someone = technician(working_hours={"mon": [["08:00", "12:00"]]})
    assert worked(someone, "2026-12-07T00:00", "2026-12-08T00:00") == ["08:00-12:00"]
    assert worked(someone, "2026-12-08T00:00", "2026-12-14T00:00") == []


def test_shifts_that_touch_over_midnight_are_one_shift() -> None:
    someone = technician(working_hours=every_day(("00:00", "02:00"), ("13:00", "24:00")))
    assert worked(someone, "2026-12-07T12:00", "2026-12-08T12:00") == ["13:00-02:00"]


def test_an_end_of_23_59_in_an_older_record_is_midnight() -> None:
    someone = technician(working_hours=every_day(("00:00", "02:00"), ("13:00", "23:59")))
    assert worked(someone, "2026-12-07T12:00", "2026-12-08T12:00") == ["13:00-02:00"]


def test_hours_are_in_the_technicians_own_zone() -> None:
    for zone, expected in [("Asia/Kolkata", "03:30-11:30"), ("Asia/Kathmandu", "03:15-11:15")]:
        someone = technician(timezone=zone, working_hours=every_day(("09:00", "17:00")))
        assert worked(someone, "2026-12-07T00:00", "2026-12-08T00:00") == [expected]


def test_hours_are_rounded_inwards_to_the_grid() -> None:
    someone = technician(working_hours=every_day(("08:05", "11:55")))
    assert worked(someone, "2026-12-07T00:00", "2026-12-08T00:00") == ["08:15-11:45"]
    assert worked(someone, "2026-12-07T00:00", "2026-12-08T00:00", Timetable(Grid(5))) == ["08:05-11:55"]


def test_shifts_that_touch_off_the_grid_are_one_shift() -> None:
    someone = technician(working_hours=every_day(("08:00", "10:07"), ("10:07", "12:00")))
    assert worked(someone, "2026-12-07T00:00", "2026-12-08T00:00") == ["08:00-12:00"]


@pytest.mark.parametrize(
    ("zone", "day", "shift", "expected"),
    [
        # Spring forward at 01:00Z: 02:00 to 03:00 does not exist.
        ("Europe/Berlin", "2026-03-29", ("01:00", "05:00"), ["00:00-03:00"]),
        ("Europe/Berlin", "2026-03-29", ("02:30", "05:00"), ["01:00-03:00"]),
        ("Europe/Berlin", "2026-03-29", ("01:00", "02:30"), ["00:00-01:00"]),
        ("Europe/Berlin", "2026-03-29", ("02:00", "03:00"), []),
        # Autumn back at 01:00Z: 02:00 to 03:00 exists twice, and the technician works the longer day.
        ("Europe/Berlin", "2026-10-25", ("01:00", "05:00"), ["23:00-04:00"]),
        ("Europe/Berlin", "2026-10-25", ("02:30", "05:00"), ["00:30-04:00"]),
        ("Europe/Berlin", "2026-10-25", ("01:00", "02:30"), ["23:00-01:30"]),
        ("Europe/Berlin", "2026-10-25", ("02:15", "02:45"), ["00:15-01:45"]),
        ("Europe/Berlin", "2026-10-25", ("01:00", "02:00"), ["23:00-01:00"]),
        ("America/New_York", "2026-03-08", ("00:00", "04:00"), ["05:00-08:00"]),
        ("America/New_York", "2026-11-01", ("00:00", "04:00"), ["04:00-09:00"]),
        # Midnight does not exist.
        ("America/Sao_Paulo", "2018-11-04", ("00:00", "04:00"), ["03:00-06:00"]),
        ("America/Sao_Paulo", "2018-11-03", ("20:00", "24:00"), ["23:00-03:00"]),
        # Summer time is half an hour.
        ("Australia/Lord_Howe", "2026-10-04", ("01:00", "04:00"), ["14:30-17:00"]),
        ("Australia/Lord_Howe", "2026-04-05", ("01:00", "04:00"), ["14:00-17:30"]),
    ],
)
def test_a_shift_across_a_clock_change(zone: str, day: str, shift: tuple[str, str], expected: list[str]) -> None:
    weekday = f"{date.fromisoformat(day):%a}".lower()
    someone = technician(timezone=zone, working_hours={weekday: [list(shift)]})
    start = date.fromisoformat(day) - timedelta(days=1)
    assert worked(someone, f"{start}T06:00", f"{start + timedelta(days=2)}T12:00") == expected


def test_a_date_that_clocks_skip_has_no_working_hours() -> None:
    someone = technician(timezone="Pacific/Apia", working_hours={"fri": [["00:00", "24:00"]]})
    # Friday, 2011-12-30, did not happen in Samoa; the Friday before did.
    assert worked(someone, "2011-12-28T00:00", "2012-01-03T00:00") == []
    assert worked(someone, "2011-12-22T00:00", "2011-12-26T00:00") == ["10:00-10:00"]


def test_where_midnight_exists_twice_the_day_before_ends_at_the_first() -> None:
    someone = technician(timezone="America/Havana", working_hours={"sat": [["20:00", "24:00"]]})
    assert worked(someone, "2026-10-31T12:00", "2026-11-02T00:00") == ["00:00-04:00"]


@pytest.mark.parametrize("grid", [Grid(5), Grid(15)])
def test_a_short_mask_equals_the_same_part_of_a_long_one(grid: Grid) -> None:
    someone = technician(timezone="Europe/Berlin", working_hours=every_day(("00:00", "03:20"), ("21:10", "24:00")))
    first = grid.tick(utc("2026-10-01T00:00"))
    width, timetable = grid.ticks(40 * 1440), Timetable(grid)
    whole = timetable.open_ticks(someone, first, first + width)
    for begin in range(0, width - 700, 211):
        part = timetable.open_ticks(someone, first + begin, first + begin + 700)
        assert part == whole >> begin & (1 << 700) - 1


def test_time_off_is_rounded_outwards() -> None:
    someone = technician(
        time_off=[off("2026-12-05T10:05", "2026-12-05T10:50"), off("2026-12-05T12:00", "2026-12-05T13:00")]
    )
    first = QUARTERS.tick(utc("2026-12-05T00:00"))
    mask = Timetable(QUARTERS).away_ticks(someone, first, first + 96)
    assert stretches(mask, first, 96, QUARTERS) == ["10:00-11:00", "12:00-13:00"]


def test_a_blackout_date_is_a_local_date() -> None:
    policy = Policy(blackout_dates=[date(2026, 12, 25), date(2026, 12, 24), date(9999, 12, 31), date(1, 1, 1)])
    first = QUARTERS.tick(utc("2026-12-23T00:00"))
    for zone, expected in [("UTC", "00:00-00:00"), ("Asia/Kolkata", "18:30-18:30")]:
        mask = Timetable(QUARTERS).blackout_ticks(policy, zone, first, first + 400)
        assert stretches(mask, first, 400, QUARTERS) == [expected]
        assert mask.bit_count() == 192


def test_an_answer_is_forgotten_with_its_catalogue_object() -> None:
    someone: Any = technician(working_hours=every_day(("08:00", "12:00")))
    timetable = Timetable(QUARTERS)
    assert worked(someone, "2026-12-07T00:00", "2026-12-08T00:00", timetable) == ["08:00-12:00"]
    assert timetable._kept
    del someone
    gc.collect()
    assert not timetable._kept


def test_new_working_hours_count_at_once() -> None:
    timetable = Timetable(QUARTERS)
    old = technician(working_hours=every_day(("08:00", "12:00")))
    assert worked(old, "2026-12-07T00:00", "2026-12-08T00:00", timetable) == ["08:00-12:00"]
    new = technician(working_hours=every_day(("09:00", "12:00")))
    assert worked(new, "2026-12-07T00:00", "2026-12-08T00:00", timetable) == ["09:00-12:00"]


def test_the_weeks_kept_for_a_technician_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.timetable.working_hours.MOST_WEEKS", 3)
    timetable = Timetable(QUARTERS)
    someone = technician(working_hours=every_day(("08:00", "12:00")))
    for week in range(8):
        day = date(2026, 12, 7) + timedelta(weeks=week)
        assert worked(someone, f"{day}T00:00", f"{day + timedelta(days=1)}T00:00", timetable) == ["08:00-12:00"]
    (weeks,) = timetable._kept.values()
    assert len(weeks) <= 3
