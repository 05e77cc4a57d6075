"""The starts of a span under the rules and the marks, as masks in which bit i stands for the i-th tick of the span."""

from __future__ import annotations

from dataclasses import dataclass

from models.availability import SlotState
from models.slot import PROPERTY, TECHNICIAN
from services.availability.reading import Reading
from services.timetable.grid import Span, ones, runs
from services.timetable.rules import Rules


@dataclass(frozen=True, slots=True)
class Starts:
    """The starts of a span in masks: open by the rules, free, free but for holds, and free per technician by id."""

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
        """The ids of all technicians who are free for a start."""
        return [technician_id for technician_id, mask in self.free_for if mask >> at & 1]


CLOSED = Starts(0, 0, 0, [])


def starts_of(rules: Rules, span: Span, reading: Reading) -> Starts:
    """The starts of a span under the rules and the marks. Marks are read only if the rules leave a start."""
    if span[0] >= span[1]:
        return CLOSED
    fits = rules.fitting(*span)
    if not fits:
        return CLOSED
    open_ = 0
    for _, mask in fits:
        open_ |= mask
    # Everything below counts from the first open start, `skip` ticks into the span.
    skip = (open_ & -open_).bit_length() - 1
    length, before, after = rules.extent
    from_tick, to_tick = span[0] + skip - before, span[0] + open_.bit_length() - 1 + length + after
    site, names = f"{PROPERTY}:{rules.site.id}", [f"{TECHNICIAN}:{who}" for who, _ in fits]
    masks, every = reading.masks([site, *names], from_tick, to_tick), ones(to_tick - from_tick)
    site_free = runs(every & ~masks[site].taken, length) >> before << skip
    site_bearable = runs(every & ~masks[site].booked, length) >> before << skip
    free, bearable, free_for, width = 0, 0, [], before + length + after
    hidden = rules.hidden(from_tick, to_tick)
    for (who, mask), name in zip(fits, names, strict=True):
        shown = masks[name].with_booked(hidden.get(who, 0))
        mine = mask & site_free & runs(every & ~shown.taken, width) << skip
        bearable |= mask & site_bearable & runs(every & ~shown.booked, width) << skip
        free |= mine
        free_for.append((who, mine))
    return Starts(open_, free, bearable, free_for)
