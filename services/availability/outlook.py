"""What becomes of many starts of one wish: free, held, booked or closed, and what is free instead.

By the rules of Candidates and the marks of a reading, as availability itself. Must not write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import Final, NamedTuple

from models.availability import SlotState
from models.errors import Refusal, SlotBooked, SlotHeld
from models.slot import Opening, Wish
from services.availability.candidates import Candidates
from services.availability.reading import Reading
from services.availability.slots import Availability
from services.availability.starts import starts_of
from services.stores.faults import last_start
from services.timetable.grid import Grid
from services.timetable.rules import Extent, Rules

RESOURCE_DAYS: Final = 1000
"""Technicians times days that one look reads: some ten thousand marks."""
DAY_SECONDS: Final = 86_400
_TAKEN: Final = {"held": SlotHeld.code, "booked": SlotBooked.code}


class Seen(NamedTuple):
    """One start. code: why it is not free. instead: a visit that is free in its place, if one was found in time."""

    state: SlotState
    code: str | None = None
    instead: Opening | None = None


class Outlook:
    """Looks at many starts."""

    def __init__(self, availability: Availability, candidates: Candidates, grid: Grid) -> None:
        self._availability = availability
        self._candidates = candidates
        self._grid = grid

    def of(self, wish: Wish, starts: Sequence[int], reading: Reading) -> Iterator[Seen]:
        """What each of the starts is, which are in order. The wish's own start does not count.

        Raises what Availability.days raises.
        """
        for group in self._groups(len(self._rules(wish, reading).technicians), starts, reading):
            rules = self._rules(wish, reading)
            rules.lift(wish.lifted, group[-1])  # the last start needs the longest horizon
            found = starts_of(rules, (group[0], group[-1] + 1), reading)
            for start in group:
                yield self._at(replace(wish, start=start), found.state(start - group[0]), reading)

    def _rules(self, wish: Wish, reading: Reading) -> Rules:
        extent = Extent(wish.length, wish.before, wish.after)
        return self._candidates.rules(
            reading.snapshot, reading.now, wish, extent, discreet=wish.discreet, lifted=wish.lifted
        )

    def _at(self, wish: Wish, state: SlotState, reading: Reading) -> Seen:
        if state == "free":
            return Seen(state)
        code = _TAKEN.get(state) or self._why_closed(wish, reading)
        instead = self._availability.instead(wish, reading) if monotonic() < last_start.get() else None
        return Seen(state, code, instead)

    def _why_closed(self, wish: Wish, reading: Reading) -> str:
        try:
            self._candidates.choices(reading.snapshot, reading.now, wish)
        except Refusal as refusal:
            return refusal.code
        raise RuntimeError("the rules allow a start and forbid it")

    def _groups(self, technicians: int, starts: Sequence[int], reading: Reading) -> Iterator[list[int]]:
        """The starts in groups, of which each is read in one look. One that is past is alone, because staff lift that
        rule for it and not for those after it."""
        now, ticks_a_day = self._grid.tick_from(reading.now), DAY_SECONDS // self._grid.seconds
        most = max(1, RESOURCE_DAYS // max(1, technicians)) * ticks_a_day
        group: list[int] = []
        for start in starts:
            if group and (start - group[0] > most or group[0] < now):
                yield group
                group = []
            group.append(start)
        yield group
