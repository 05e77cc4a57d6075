"""What is taken of resources, as masks of ticks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.claims.keys import Mark
from services.timetable.grid import bits


@dataclass(frozen=True, slots=True)
class Masks:
    """What is taken of one resource, in ticks from the start of a span: by anything, and by bookings alone."""

    taken: int
    booked: int

    def with_booked(self, ticks: int) -> Masks:
        """The same with these ticks booked as well, where nothing else takes them."""
        return Masks(self.taken | ticks, self.booked | ticks & ~self.taken)


class Count:
    """Counts in how many of some masks each bit is set, up to a number."""

    __slots__ = ("_levels",)

    def __init__(self, needed: int) -> None:
        self._levels = [-1, *[0] * needed]

    def add(self, mask: int) -> None:
        levels = self._levels
        for number in range(len(levels) - 1, 0, -1):
            levels[number] |= levels[number - 1] & mask

    @property
    def enough(self) -> int:
        """The bits that are set in as many of the masks as are needed."""
        return self._levels[-1]


def union_of(masks: Iterable[Masks]) -> Masks:
    """What is taken of any of some resources."""
    taken = booked = 0
    for each in masks:
        taken |= each.taken
        booked |= each.booked
    return Masks(taken, booked)


def masks_of(marks: list[Mark], from_tick: int, to_tick: int) -> Masks:
    """The ticks of [from_tick, to_tick) that some marks take."""
    taken = booked = 0
    for mark in marks:
        mask = bits(from_tick, to_tick, (mark.start, mark.end))
        taken |= mask
        booked |= mask if mark.state == "booked" else 0
    return Masks(taken, booked)
