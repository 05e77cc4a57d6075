"""Times and ticks: the grid, local dates on it, and spans of ticks as Python integers used as bitmasks.

Pure: no store, no clock, no catalogue. The rules for local time, in every zone:
- A local date goes from its first instant to the first instant of the next date. So it has 23, 24 or 25 hours (23.5 on
  Lord Howe Island), and it begins at 01:00 where clocks skip midnight. A date that clocks skip completely, such as
  2011-12-30 in Samoa, is empty.
- A wall-clock time that does not exist is the first instant after the gap. For one that exists twice the caller
  chooses.
- A tick belongs to the date in which it begins.

In a mask, bit i stands for the i-th tick of its span.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from models.slot import Visit

FIRST_DAY = date(2, 1, 1)
LAST_DAY = date(9998, 12, 31)
"""Between these two, every instant of a local date can be written in UTC. Other dates are not supported."""

SLOT = (
    *("property_id", "technician_id", "technician_ids"),
    *("start", "end", "buffer_before_minutes", "buffer_after_minutes"),
)
"""The fields of a booking that say which ticks it takes, but for the units of a building."""

Span = tuple[int, int]
"""Ticks [from, to)."""


def to_milliseconds(moment: datetime) -> datetime:
    """A moment as MongoDB stores it: in whole milliseconds, rounded down."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Times(NamedTuple):
    """A visit by the clock and in minutes, and the start that the client asked for."""

    start: datetime
    end: datetime
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    requested_start: datetime


class Grid:
    """A time grid with steps of `minutes`. Tick n begins n × `seconds` after 1970-01-01T00:00Z."""

    __slots__ = ("minutes", "seconds")

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.seconds = minutes * 60

    def tick(self, moment: datetime) -> int:
        """The tick that contains an aware moment."""
        return int(moment.timestamp() // self.seconds)

    def tick_from(self, moment: datetime) -> int:
        """The first tick that begins at or after an aware moment."""
        return -int(-moment.timestamp() // self.seconds)

    def is_on_grid(self, moment: datetime) -> bool:
        """Whether a tick begins at exactly this aware moment."""
        return moment.microsecond == 0 and moment.timestamp() % self.seconds == 0

    def moment(self, tick: int) -> datetime:
        """The time at which a tick begins, as aware UTC."""
        return datetime.fromtimestamp(tick * self.seconds, UTC)

    def ticks(self, minutes: int) -> int:
        """The number of ticks in `minutes`, a multiple of the grid."""
        return minutes // self.minutes

    def minutes_of(self, ticks: int) -> int:
        """The number of minutes in `ticks`."""
        return ticks * self.minutes

    def exact_tick(self, moment: datetime) -> int | None:
        """The tick that begins at exactly this aware moment; None if none does."""
        return self.tick(moment) if self.is_on_grid(moment) else None

    def visit_of(self, slot: Mapping[str, Any]) -> Visit:
        """The ticks of a slot that is given by its fields: those in SLOT, of which it may lack `technician_ids`. The
        property's own, without its units."""
        return Visit(
            slot["property_id"],
            slot["technician_id"],
            self.tick(slot["start"]),
            self.tick(slot["end"]),
            self.ticks(slot["buffer_before_minutes"]),
            self.ticks(slot["buffer_after_minutes"]),
            tuple(slot.get("technician_ids", ())[1:]),
        )

    def times(self, visit: Visit, requested: int) -> Times:
        """A visit, and the start tick that was asked for, in the words of the API."""
        return Times(
            self.moment(visit.start),
            self.moment(visit.end),
            self.minutes_of(visit.end - visit.start),
            self.minutes_of(visit.before),
            self.minutes_of(visit.after),
            self.moment(requested),
        )


@lru_cache(maxsize=1024)
def zone_of(timezone: str) -> ZoneInfo:
    """The zone of an IANA name, which was validated when it was stored."""
    return ZoneInfo(timezone)


def instant_of(wall: datetime, timezone: str, *, last: bool = False) -> int:
    """Epoch seconds of a naive local time. If it exists twice, `last` selects the second occurrence."""
    zone = zone_of(timezone)
    first = int(wall.replace(tzinfo=zone, fold=0).timestamp())
    second = int(wall.replace(tzinfo=zone, fold=1).timestamp())
    if first <= second:
        return second if last else first
    # In a gap, PEP 495 reads the time once by the clock after it and once by the clock before it. Search between them.
    between = range(second, first + 1)
    return between[bisect_left(between, wall, key=lambda at: datetime.fromtimestamp(at, zone).replace(tzinfo=None))]


@lru_cache(maxsize=8192)
def day_start(day: date, timezone: str) -> int:
    """Epoch seconds of the first instant of a local date. For a date that clocks skip, the first instant after it."""
    return instant_of(datetime.combine(day, time()), timezone)


def day_span(day: date, timezone: str, grid: Grid) -> Span:
    """The ticks that begin on a local date. Consecutive dates touch; a date that clocks skip is empty."""
    start, end = day_start(day, timezone), day_start(day + timedelta(days=1), timezone)
    return -(-start // grid.seconds), -(-end // grid.seconds)


def local_day(tick: int, timezone: str, grid: Grid) -> date:
    """The local date on which a tick begins."""
    return datetime.fromtimestamp(tick * grid.seconds, zone_of(timezone)).date()


def clock_steps(span: Span, timezone: str, grid: Grid, minutes: int) -> int:
    """The mask of the ticks of a span that begin such a multiple of minutes after midnight by the local clock."""
    zone, mask = zone_of(timezone), 0
    for at, tick in enumerate(range(*span)):
        local = datetime.fromtimestamp(tick * grid.seconds, zone)
        if local.second == 0 and (local.hour * 60 + local.minute) % minutes == 0:
            mask |= 1 << at
    return mask


def ones(width: int) -> int:
    """A mask of `width` ticks, all set. A negative width counts as 0."""
    return (1 << width) - 1 if width > 0 else 0


def bits(from_tick: int, to_tick: int, span: Span) -> int:
    """The mask of [from_tick, to_tick) with the ticks of a span set."""
    start, end = max(span[0], from_tick), min(span[1], to_tick)
    return ones(end - start) << start - from_tick if start < end else 0


def spans_in(mask: int, from_tick: int) -> Iterator[Span]:
    """The spans whose ticks are set in a mask of ticks from from_tick on, in order. No two of them touch."""
    while mask:
        start = (mask & -mask).bit_length() - 1
        rest = mask >> start
        end = start + (~rest & rest + 1).bit_length() - 1
        yield from_tick + start, from_tick + end
        mask &= ~ones(end)


def runs(mask: int, length: int) -> int:
    """A mask with bit i set where bits i to i + length - 1 are all set. Doubles the shift: log2(length) steps."""
    known = 1
    while known < length and mask:
        step = min(known, length - known)
        mask &= mask >> step
        known += step
    return mask


class Spans:
    """Spans of ticks, kept sorted and merged."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[Span]) -> None:
        merged = merge(spans)
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]

    def mask(self, from_tick: int, to_tick: int) -> int:
        """The mask of [from_tick, to_tick) with the ticks of all spans set."""
        first, last = bisect_right(self._ends, from_tick), bisect_left(self._starts, to_tick)
        mask = 0
        for start, end in zip(self._starts[first:last], self._ends[first:last], strict=True):
            mask |= bits(from_tick, to_tick, (start, end))
        return mask


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same ticks in sorted spans. No two of them touch, and none is empty."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
