"""What is taken of a resource, as masks of ticks."""

from __future__ import annotations

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


def masks_of(marks: list[Mark], from_tick: int, to_tick: int) -> Masks:
    """The ticks of [from_tick, to_tick) that some marks take."""
    taken = booked = 0
    for mark in marks:
        mask = bits(from_tick, to_tick, (mark.start, mark.end))
        taken |= mask
        booked |= mask if mark.state == "booked" else 0
    return Masks(taken, booked)
