"""How much is free on each of many days: for a month's calendar, not for a choice of a slot.

An answer may be ten seconds old, and one process works it out once for all callers that ask the same. It looks at the
property and then at technicians, some at a time, until each open start has as many as are needed. At most MOST_LOOKS
times RESOURCE_DAYS are looked at, because a look costs Redis as much as there are marks. So of an org with very many
technicians a day may have a free slot that is not counted, but each slot that is counted is free.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final

from models.availability import DaysQuery
from models.slot import TECHNICIAN
from services.availability.masks import Count, union_of
from services.availability.reading import Reading, Readings
from services.availability.slots import Asked, Availability
from services.availability.starts import site_of
from services.clock import Clock
from services.stores.cache import Recent, SharedReads
from services.timetable.grid import Grid, Span, bits, ones, runs
from services.timetable.rules import Rules

KEPT: Final = 500
KEPT_FOR: Final = timedelta(seconds=10)
MOST_LOOKS: Final = 4
RESOURCE_DAYS: Final = 500
"""Technicians times days that one look reads. A working day has some ten marks, and Redis reads a million a second."""
DAY_SECONDS: Final = 86_400


class DayCounts:
    """Counts free starts by day."""

    def __init__(self, readings: Readings, availability: Availability, grid: Grid, clock: Clock) -> None:
        self._readings = readings
        self._availability = availability
        self._grid = grid
        self._clock = clock
        self._kept: Recent[Hashable, tuple[datetime, dict[str, Any]]] = Recent(KEPT)
        self._reads = SharedReads()

    def days(self, org: str, query: DaysQuery, asked: Asked) -> dict[str, Any]:
        """The members of a DaysReply, at most ten seconds old. Raises what Availability.days raises."""
        key = (org, query.model_dump_json(), asked)
        kept, now = self._kept.get(key), self._clock()
        if kept is not None and timedelta() <= now - kept[0] < KEPT_FOR:
            return kept[1]
        return self._reads.read(key, lambda: self._counted(key, org, query, asked))

    def _counted(self, key: Hashable, org: str, query: DaysQuery, asked: Asked) -> dict[str, Any]:
        now = self._clock()
        found = self._readings.answer(org, lambda reading: self._count(query, asked, reading), besides=asked.besides)
        self._kept.put(key, (now, found))
        return found

    def _count(self, query: DaysQuery, asked: Asked, reading: Reading) -> dict[str, Any]:
        rules = self._availability.rules(query, asked, reading)
        dates = self._availability.dates(rules, query.from_, query.days)
        days = []
        if dates:
            whole = (dates[0][1][0], dates[-1][1][1])
            free = self._free(rules, whole, self._availability.steps(rules, whole, query.step_minutes), reading)
            for day, (from_tick, to_tick) in dates:
                mine = free & bits(*whole, (from_tick, to_tick))
                first = self._grid.moment(whole[0] + (mine & -mine).bit_length() - 1) if mine else None
                days.append({"date": day, "free": mine.bit_count(), "first": first})
        return {"timezone": rules.site.timezone, "days": days}

    def _free(self, rules: Rules, span: Span, wanted: int, reading: Reading) -> int:
        """The mask of the starts of a span for which enough technicians are free, as far as was looked."""
        (begin, end), site, length = span, site_of(rules), rules.extent.length
        fits = rules.fitting(begin, end)
        if not fits:
            return 0
        taken = union_of(reading.masks(site, begin, end - 1 + length).values()).taken
        left, free = wanted & runs(ones(end - 1 + length - begin) & ~taken, length), Count(rules.needed)
        for _ in range(MOST_LOOKS):
            fits = [(who, mask & left) for who, mask in fits if mask & left]
            if not fits:
                break
            open_ = reduce(or_, (mask for _, mask in fits))
            low, high = (open_ & -open_).bit_length() - 1, open_.bit_length()
            most = max(1, RESOURCE_DAYS * DAY_SECONDS // ((high - low) * self._grid.seconds + DAY_SECONDS))
            for found in self._free_for(rules, fits[:most], low, (begin + low, begin + high), reading):
                free.add(found)
            left, fits = left & ~free.enough, fits[most:]
        return free.enough

    def _free_for(
        self, rules: Rules, fits: list[tuple[str, int]], low: int, span: Span, reading: Reading
    ) -> Iterator[int]:
        """For each of these technicians the starts at which that one is free, as a mask that begins `low` ticks before
        the span."""
        length, before, after = rules.extent
        from_tick, to_tick = span[0] - before, span[1] - 1 + length + after
        masks = reading.masks([f"{TECHNICIAN}:{who}" for who, _ in fits], from_tick, to_tick)
        hidden, every = rules.hidden(from_tick, to_tick), ones(to_tick - from_tick)
        for who, mask in fits:
            shown = masks[f"{TECHNICIAN}:{who}"].with_booked(hidden.get(who, 0))
            yield mask & runs(every & ~shown.taken, before + length + after) << low
