"""The grid, local dates on it around clock changes, and masks of ticks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.timetable.grid import (
    FIRST_DAY,
    LAST_DAY,
    Grid,
    Spans,
    bits,
    day_span,
    instant_of,
    local_day,
    merge,
    ones,
    runs,
)

QUARTERS = Grid(15)
FIVES = Grid(5)

# zone, date, ticks of 15 minutes in it, its first instant in UTC
DAYS = [
    ("UTC", "2026-12-05", 96, "2026-12-05T00:00"),
    ("Europe/Berlin", "2026-03-29", 92, "2026-03-28T23:00"),
    ("Europe/Berlin", "2026-10-25", 100, "2026-10-24T22:00"),
    ("America/New_York", "2026-03-08", 92, "2026-03-08T05:00"),
    ("America/New_York", "2026-11-01", 100, "2026-11-01T04:00"),
    ("America/Sao_Paulo", "2018-11-04", 92, "2018-11-04T03:00"),  # midnight does not exist: the date begins at 01:00
    ("America/Sao_Paulo", "2018-02-17", 100, "2018-02-17T02:00"),  # 23:00 to 24:00 exists twice
    ("America/Havana", "2026-11-01", 100, "2026-11-01T04:00"),  # midnight exists twice: the date begins at the first
    ("Asia/Kolkata", "2026-06-01", 96, "2026-05-31T18:30"),
    ("Asia/Kathmandu", "2026-06-01", 96, "2026-05-31T18:15"),
    ("Australia/Lord_Howe", "2026-10-04", 94, "2026-10-03T13:30"),
    ("Australia/Lord_Howe", "2026-04-05", 98, "2026-04-04T13:00"),
    ("Pacific/Apia", "2011-12-29", 96, "2011-12-29T10:00"),
    ("Pacific/Apia", "2011-12-30", 0, "2011-12-30T10:00"),  # the whole date is skipped
    ("Pacific/Apia", "2011-12-31", 96, "2011-12-30T10:00"),
]


@pytest.mark.parametrize(("zone", "day", "ticks", "first"), DAYS)
def test_a_local_date_has_all_ticks_that_begin_on_it(zone: str, day: str, ticks: int, first: str) -> None:
    start, end = day_span(date.fromisoformat(day), zone, QUARTERS)
    assert end - start == ticks
    assert QUARTERS.moment(start) == datetime.fromisoformat(first).replace(tzinfo=UTC)
    if ticks:
        assert {local_day(tick, zone, QUARTERS) for tick in range(start, end)} == {date.fromisoformat(day)}


@pytest.mark.parametrize("zone", sorted({zone for zone, *_ in DAYS}))
@pytest.mark.parametrize("grid", [FIVES, QUARTERS])
def test_consecutive_dates_touch(zone: str, grid: Grid) -> None:
    for first in (date(2011, 12, 20), date(2018, 10, 20), date(2026, 3, 1), date(2026, 9, 20)):
        spans = [day_span(first + timedelta(days=number), zone, grid) for number in range(60)]
        assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_a_date_begins_on_the_grid_even_if_its_midnight_does_not() -> None:
    # Local mean time, 53 minutes and 28 seconds ahead of UTC: the first tick of the date is not at midnight.
    start, end = day_span(date(1890, 1, 1), "Europe/Berlin", QUARTERS)
    assert QUARTERS.moment(start) == datetime(1889, 12, 31, 23, 15, tzinfo=UTC)
    assert end - start == 96


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/New_York"])
def test_the_first_and_the_last_date_can_be_written_in_utc(zone: str) -> None:
    for day in (FIRST_DAY, LAST_DAY):
        start, end = day_span(day, zone, QUARTERS)
        assert end - start == 96
        assert QUARTERS.moment(start) < QUARTERS.moment(end + 96)


@pytest.mark.parametrize(
    ("zone", "wall", "first", "last"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00", "2026-03-29T01:00"),  # skipped: the instant of 03:00
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30", "2026-10-25T01:30"),  # twice
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00", "2018-11-04T03:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", "2026-04-04T15:15"),
        ("Pacific/Apia", "2011-12-30T15:00", "2011-12-30T10:00", "2011-12-30T10:00"),
        ("Asia/Kathmandu", "2026-06-01T09:00", "2026-06-01T03:15", "2026-06-01T03:15"),
    ],
)
def test_a_skipped_wall_clock_time_moves_forward_and_a_repeated_one_can_be_chosen(
    zone: str, wall: str, first: str, last: str
) -> None:
    local = datetime.fromisoformat(wall)
    found = [instant_of(local, zone), instant_of(local, zone, last=True)]
    assert [datetime.fromtimestamp(at, UTC).isoformat()[:16] for at in found] == [first, last]


def test_a_moment_is_in_the_tick_that_began_last() -> None:
    ten = datetime(2026, 12, 5, 10, tzinfo=UTC)
    tick = QUARTERS.tick(ten)
    assert QUARTERS.moment(tick) == ten
    assert QUARTERS.tick(ten + timedelta(minutes=14, seconds=59, microseconds=999_999)) == tick
    assert QUARTERS.tick(ten - timedelta(microseconds=1)) == tick - 1
    assert QUARTERS.tick_from(ten) == tick
    assert QUARTERS.tick_from(ten + timedelta(microseconds=1)) == tick + 1


def test_a_moment_before_1970_is_in_the_tick_that_began_last() -> None:
    assert QUARTERS.tick(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)) == -1


@pytest.mark.parametrize(
    ("text", "on_quarters", "on_fives"),
    [
        ("2026-12-05T10:00:00+00:00", True, True),
        ("2026-12-05T10:05:00+00:00", False, True),
        ("2026-12-05T10:00:01+00:00", False, False),
        ("2026-12-05T10:00:00.000001+00:00", False, False),
        ("2026-12-05T10:00:00+05:45", True, True),
        ("0001-01-01T00:00:00.000001+00:00", False, False),
    ],
)
def test_only_the_beginning_of_a_tick_is_on_the_grid(text: str, on_quarters: bool, on_fives: bool) -> None:
    moment = datetime.fromisoformat(text)
    assert (QUARTERS.is_on_grid(moment), FIVES.is_on_grid(moment)) == (on_quarters, on_fives)


def test_the_offset_of_a_moment_does_not_matter() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert QUARTERS.tick(datetime(2026, 12, 5, 15, 30, tzinfo=east)) == QUARTERS.tick(
        datetime(2026, 12, 5, 10, tzinfo=UTC)
    )


def test_minutes_and_ticks_convert_both_ways() -> None:
    assert QUARTERS.ticks(60) == 4
    assert FIVES.minutes_of(FIVES.ticks(60)) == 60


@given(mask=st.integers(0, 2**80), length=st.integers(1, 30))
def test_a_run_starts_where_all_its_ticks_are_set(mask: int, length: int) -> None:
    expected = sum(1 << at for at in range(82) if all(mask >> at + step & 1 for step in range(length)))
    assert runs(mask, length) == expected


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


@given(spans=SPANS, begin=st.integers(-10, 70), width=st.integers(0, 80))
def test_a_mask_of_spans_has_exactly_the_ticks_that_they_cover(
    spans: list[tuple[int, int]], begin: int, width: int
) -> None:
    covered = {tick for start, end in spans for tick in range(start, end)}
    expected = sum(1 << at for at in range(width) if begin + at in covered)
    assert Spans(spans).mask(begin, begin + width) == expected


@given(spans=SPANS)
def test_merged_spans_cover_the_same_ticks_and_do_not_touch(spans: list[tuple[int, int]]) -> None:
    merged = merge(spans)
    assert {tick for span in merged for tick in range(*span)} == {tick for span in spans for tick in range(*span)}
    assert all(start < end for start, end in merged)
    assert all(before[1] < after[0] for before, after in pairwise(merged))


def test_a_span_outside_a_mask_leaves_it_empty() -> None:
    assert bits(10, 20, (20, 30)) == bits(10, 20, (0, 10)) == 0
    assert bits(10, 20, (0, 99)) == ones(10)
    assert ones(-1) == 0
