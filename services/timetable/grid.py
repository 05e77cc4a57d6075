"""Times and ticks: the grid, local dates on it, and spans of ticks as Python integers used as bitmasks.

Pure: no store, no clock, no catalogue. What is settled here about local time, in whatever zone:
- A local date is every instant from its first one to the first one of the next date. So it has 23, 24 or 25 hours (or
  23.5 on Lord Howe Island), it may begin at 01:00 where clocks skip midnight, and a date that is skipped wholly, as
  2011-12-30 in Samoa, is empty.
- A wall-clock time that does not exist is the first instant after the gap. One that exists twice is whichever the
  caller asks for.
- Ticks belong to the date in which they begin.

In a mask, bit i stands for the i-th tick of the span that it is about.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

FIRST_DAY = date(2, 1, 1)
LAST_DAY = date(9998, 12, 31)
"""Between these every local date has instants that UTC can write. Nothing outside of them can be asked for."""

Span = tuple[int, int]
"""Ticks [from, to)."""


def to_milliseconds(moment: datetime) -> datetime:
    """A moment as MongoDB keeps it: what is finer than a millisecond is lost there."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Grid:
    """A time grid of so many minutes; tick n begins at n × `seconds` after 1970-01-01T00:00Z."""

    __slots__ = ("minutes", "seconds")

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.seconds = minutes * 60

    def tick(self, moment: datetime) -> int:
        """The tick that an aware moment lies in."""
        return int(moment.timestamp() // self.seconds)

    def tick_from(self, moment: datetime) -> int:
        """The first tick that begins at or after an aware moment."""
        return -int(-moment.timestamp() // self.seconds)

    def is_on_grid(self, moment: datetime) -> bool:
        """Whether a tick begins at exactly this aware moment."""
        return moment.microsecond == 0 and moment.timestamp() % self.seconds == 0

    def moment(self, tick: int) -> datetime:
        """When a tick begins, aware UTC."""
        return datetime.fromtimestamp(tick * self.seconds, UTC)

    def ticks(self, minutes: int) -> int:
        """How many ticks so many minutes take, which are a multiple of the grid."""
        return minutes // self.minutes

    def minutes_of(self, ticks: int) -> int:
        return ticks * self.minutes


@lru_cache(maxsize=1024)
def zone_of(timezone: str) -> ZoneInfo:
    """The zone of an IANA name that was validated when it was stored."""
    return ZoneInfo(timezone)


def instant_of(wall: datetime, timezone: str, *, last: bool = False) -> int:
    """Epoch seconds of a naive local time; `last` picks the second occurrence of one that exists twice."""
    zone = zone_of(timezone)
    first = int(wall.replace(tzinfo=zone, fold=0).timestamp())
    second = int(wall.replace(tzinfo=zone, fold=1).timestamp())
    if first <= second:
        return second if last else first
    # In a gap PEP 495 gives a reading by the clock after it and one by the clock before it: the change lies between.
    between = range(second, first + 1)
    return between[bisect_left(between, wall, key=lambda at: datetime.fromtimestamp(at, zone).replace(tzinfo=None))]


@lru_cache(maxsize=8192)
def day_start(day: date, timezone: str) -> int:
    """Epoch seconds of the first instant of a local date, or of what follows a date that is skipped."""
    return instant_of(datetime.combine(day, time()), timezone)


def day_span(day: date, timezone: str, grid: Grid) -> Span:
    """The ticks that begin on a local date. Consecutive dates touch; one that is skipped wholly is empty."""
    start, end = day_start(day, timezone), day_start(day + timedelta(days=1), timezone)
    return -(-start // grid.seconds), -(-end // grid.seconds)


def local_day(tick: int, timezone: str, grid: Grid) -> date:
    """The local date on which a tick begins."""
    return datetime.fromtimestamp(tick * grid.seconds, zone_of(timezone)).date()


def ones(width: int) -> int:
    """A mask of so many ticks, all set; none for a negative width."""
    return (1 << width) - 1 if width > 0 else 0


def bits(from_tick: int, to_tick: int, span: Span) -> int:
    """The mask of [from_tick, to_tick) in which the ticks of a span are set."""
    start, end = max(span[0], from_tick), min(span[1], to_tick)
    return ones(end - start) << start - from_tick if start < end else 0


def runs(mask: int, length: int) -> int:
    """Bit i of the answer is set where bits i to i + length - 1 of the mask all are. Shifts by doubling: log2 steps."""
    known = 1
    while known < length and mask:
        step = min(known, length - known)
        mask &= mask >> step
        known += step
    return mask


class Spans:
    """Spans of ticks, sorted, disjoint and not touching, however they were given."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[Span]) -> None:
        merged = merge(spans)
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]

    def mask(self, from_tick: int, to_tick: int) -> int:
        """The ticks of [from_tick, to_tick) that lie in any of the spans."""
        first, last = bisect_right(self._ends, from_tick), bisect_left(self._starts, to_tick)
        mask = 0
        for start, end in zip(self._starts[first:last], self._ends[first:last], strict=True):
            mask |= bits(from_tick, to_tick, (start, end))
        return mask


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same ground in sorted spans of which no two touch; empty ones are left out."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
