"""The starts of a span under the rules and the marks, as masks in which bit i stands for the i-th tick of the span."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.availability import SlotState
from models.slot import PROPERTY, TECHNICIAN
from services.availability.masks import Count, union_of
from services.availability.reading import Reading
from services.timetable.grid import Span, ones, runs
from services.timetable.rules import Rules


@dataclass(frozen=True, slots=True)
class Starts:
    """The starts of a span in masks: open by the rules, free, free but for holds, and free per technician by id; the
    first three with as many technicians as are needed."""

    open: int
    free: int
    bearable: int
    free_for: list[tuple[str, int]]

    def state(self, at: int) -> SlotState:
        if self.free >> at & 1:
            return "free"
        if self.bearable >> at & 1:
            return "held"
        return "booked" if self.open >> at & 1 else "closed"

    def who(self, at: int) -> list[str]:
        """The ids of all technicians who are free for a start; none if they are fewer than are needed."""
        return [who for who, mask in self.free_for if mask >> at & 1] if self.free >> at & 1 else []


CLOSED = Starts(0, 0, 0, [])


def starts_of(rules: Rules, span: Span, reading: Reading) -> Starts:
    """The starts of a span under the rules and the marks. Marks are read only if the rules leave a start."""
    if span[0] >= span[1]:
        return CLOSED
    fits = rules.fitting(*span)
    if not fits:
        return CLOSED
    open_ = enough_of(rules.needed, (mask for _, mask in fits))
    if not open_:
        return CLOSED
    # Everything below counts from the first open start, `skip` ticks into the span.
    skip = (open_ & -open_).bit_length() - 1
    length, before, after = rules.extent
    from_tick, to_tick = span[0] + skip - before, span[0] + open_.bit_length() - 1 + length + after
    site, names = site_of(rules), [f"{TECHNICIAN}:{who}" for who, _ in fits]
    masks, every = reading.masks([*site, *names], from_tick, to_tick), ones(to_tick - from_tick)
    place = union_of(masks[each] for each in site)
    site_free = runs(every & ~place.taken, length) >> before << skip
    site_bearable = runs(every & ~place.booked, length) >> before << skip
    free, bearable, free_for, width = Count(rules.needed), Count(rules.needed), [], before + length + after
    hidden = rules.hidden(from_tick, to_tick)
    for (who, mask), name in zip(fits, names, strict=True):
        shown = masks[name].with_booked(hidden.get(who, 0))
        mine = mask & site_free & runs(every & ~shown.taken, width) << skip
        bearable.add(mask & site_bearable & runs(every & ~shown.booked, width) << skip)
        free.add(mine)
        free_for.append((who, mine))
    return Starts(open_, free.enough, bearable.enough, free_for)


def site_of(rules: Rules) -> list[str]:
    """The resources of the property that rules are for, and of its units."""
    return [f"{PROPERTY}:{each}" for each in (rules.site.id, *rules.units)]


def enough_of(needed: int, masks: Iterable[int]) -> int:
    """The bits that are set in so many of the masks."""
    count = Count(needed)
    for mask in masks:
        count.add(mask)
    return count.enough
