"""Which slots are free: the rules of timetable.rules over whole days, minus what Redis has marked.

The slots of a local date are all its grid ticks, each as the start of a visit of the given length. A slot is
- closed: the rules forbid it to every technician in question, too few of them may be sent there for that, or property
  or technicians are unavailable;
- free: the property, its units and as many fitting technicians as are needed are free; `technician_ids` names all of
  those technicians, by id;
- held: not free, but waiting could free it: only holds are in the way of the property and enough fitting technicians;
- booked: anything else. `technician_ids` is empty unless the slot is free.
To a stranger (see models.access) time off looks like bookings, and a technician who is unavailable like a booked one. A
stranger cannot have a building, so all its slots are closed.
A date that clocks skip wholly has no slots, and neither has one outside the calendar of timetable.grid.

A slot that is offered as free can be held at that moment: the rules are those of Candidates, the marks those that the
script of a hold reads, and both belong to one epoch of the catalogue (see `reading`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from models.access import STRANGERS, Role
from models.availability import AvailabilityQuery, VisitQuery
from models.errors import Fault
from models.slot import TECHNICIAN, Opening, Wish
from services.availability.candidates import Candidates, lifted_by
from services.availability.reading import Reading, Readings
from services.availability.starts import Starts, site_of, starts_of
from services.timetable.grid import FIRST_DAY, LAST_DAY, Grid, Span, clock_steps, day_span, local_day, runs
from services.timetable.rules import Extent, Rules
from services.timetable.working_hours import Timetable, daily

OPENING_DAYS = 7
"""How many local dates a refusal looks ahead for other slots."""
APART_SECONDS = 3600
"""The openings of a refusal begin at least so far apart, and do not overlap."""


class Asked(NamedTuple):
    """Who asks for what.

    role: of the caller, as in Candidates.wish. besides: the id of a booking that is in the way of nothing. standing:
    the fields that this booking has already, see Candidates.wish.
    """

    role: Role
    besides: str | None = None
    standing: Set[str] = frozenset()


class Availability:
    """Free slots for calendars and for refusals that name alternatives."""

    def __init__(self, readings: Readings, candidates: Candidates, grid: Grid) -> None:
        self._readings = readings
        self._candidates = candidates
        self._grid = grid
        self._timetable = Timetable(grid)

    def days(self, org: str, query: AvailabilityQuery, asked: Asked) -> dict[str, Any]:
        """The members of an AvailabilityReply, times as aware UTC.

        Raises PropertyNotFound, TechnicianNotFound, ServiceNotFound, InvalidRequest (as Candidates.wish does),
        StoreUnavailable.
        """
        return self._readings.answer(org, lambda reading: self._days(query, asked, reading), besides=asked.besides)

    def openings(self, org: str, wish: Wish, count: int) -> list[Opening]:
        """Free visits in place of the wished one, at most `count` and within seven local dates, spread.

        First the other technicians at the wished start, then later starts that are apart: with the wished technician,
        else the first free one. Raises what `days` raises.
        """
        return self._readings.answer(org, lambda reading: list(islice(self._spread(wish, reading), count)))

    def first_openings(
        self, org: str, wish: Wish, until_tick: int, count: int, hours: Sequence[Sequence[str]] = ()
    ) -> list[Opening]:
        """The first free visits from the wished start on that end by a tick, one per start.

        hours: the times of day, by the property's clock, within which a visit lies; any if empty. Raises what `days`
        raises.
        """
        latest = until_tick - wish.length
        return self._readings.answer(
            org, lambda reading: list(islice(self._openings_from(wish, reading, latest, hours), count))
        )

    def instead(self, wish: Wish, reading: Reading) -> Opening | None:
        """The first of what `openings` gives."""
        return next(self._spread(wish, reading), None)

    def rules(self, query: VisitQuery, asked: Asked, reading: Reading) -> Rules:
        """The rules for the visits of a query. Raises what `days` raises."""
        snapshot = reading.snapshot
        return self._candidates.rules(
            snapshot,
            reading.now,
            query,
            self._candidates.extent(
                snapshot, query, asked.role, standing=asked.standing, faults=self._step_faults(query)
            ),
            discreet=asked.role in STRANGERS,
            lifted=lifted_by((), asked.standing),
        )

    def _step_faults(self, query: VisitQuery) -> list[Fault]:
        if not query.step_minutes or query.step_minutes % self._grid.minutes == 0:
            return []
        return [Fault("step_minutes", "off_grid", f"Give step_minutes as a multiple of {self._grid.minutes}.")]

    def _days(self, query: AvailabilityQuery, asked: Asked, reading: Reading) -> dict[str, Any]:
        rules = self.rules(query, asked, reading)
        slots: list[dict[str, Any]] = []
        spans = [span for _, span in self.dates(rules, query.from_, query.days)]
        if spans:
            length, before, after = rules.extent
            technicians = [f"{TECHNICIAN}:{each.id}" for each in rules.technicians]
            reading.read_ahead([*site_of(rules), *technicians], spans[0][0] - before, spans[-1][1] + length + after)
        for span in spans:
            shown = self.steps(rules, span, query.step_minutes)
            slots += self._slots(starts_of(rules, span, reading), span, rules.extent.length, shown)
        return {"timezone": rules.site.timezone, "grid_minutes": self._grid.minutes, "slots": slots}

    def dates(self, rules: Rules, first: date, count: int) -> list[tuple[date, Span]]:
        """The local dates of the property from the first on, at most so many, with their ticks."""
        return [(day, day_span(day, rules.site.timezone, self._grid)) for day in _dates(first, count)]

    def steps(self, rules: Rules, span: Span, minutes: int | None) -> int:
        """The mask of the starts of a span that a step leaves; -1, which has all bits set, without one."""
        return -1 if minutes is None else clock_steps(span, rules.site.timezone, self._grid, minutes)

    def _slots(self, starts: Starts, span: Span, length: int, shown: int) -> list[dict[str, Any]]:
        from_tick, to_tick = span
        moments = [self._grid.moment(tick) for tick in range(from_tick, to_tick + length)]
        changes = starts.free ^ starts.free << 1
        for _, mask in starts.free_for:
            changes |= mask ^ mask << 1
        slots, who = [], starts.who(0)
        for at in range(to_tick - from_tick):
            # Neighbouring slots mostly have the same technicians: they share a list until that changes.
            if changes >> at & 1:
                who = starts.who(at)
            if not shown >> at & 1:
                continue
            slot = {"start": moments[at], "end": moments[at + length], "state": starts.state(at), "technician_ids": who}
            slots.append(slot)
        return slots

    def _spread(self, wish: Wish, reading: Reading) -> Iterator[Opening]:
        yield from self._others(wish, reading)
        apart = max(wish.length, -(-APART_SECONDS // self._grid.seconds))
        following = wish.start
        for opening in self._openings_from(wish, reading):
            start = self._grid.tick(opening.start)
            if start >= following:
                following = start + apart
                yield opening

    def _others(self, wish: Wish, reading: Reading) -> Iterator[Opening]:
        """The wished visit with other technicians than the wished ones: of a crew as many come as can."""
        if not wish.named:
            return
        anybody = replace(wish, named=())
        free = starts_of(self._rules_of(anybody, reading), (wish.start, wish.start + 1), reading).who(0)
        stay = [who for who in wish.named if who in free]
        others = [who for who in free if who not in stay]
        if wish.needed == 1:
            yield from (self._opening(wish, wish.start, [who]) for who in others)
        elif free and len(stay) < wish.needed:
            yield self._opening(wish, wish.start, [*stay, *others])

    def _openings_from(
        self, wish: Wish, reading: Reading, latest: int | None = None, hours: Sequence[Sequence[str]] = ()
    ) -> Iterator[Opening]:
        """Reads a date's marks only when it comes to that date, so a caller that has enough reads no more.

        latest: the last start that is wanted; if None, OPENING_DAYS bound the search.
        """
        rules = self._rules_of(wish, reading)
        zone, last = rules.site.timezone, rules.latest if latest is None else min(latest, rules.latest)
        if wish.start > last:
            return
        first, days = local_day(wish.start, zone, self._grid), OPENING_DAYS
        if latest is not None:
            days = (local_day(last, zone, self._grid) - first).days + 1
        clock = daily(hours, zone) if hours else None
        for day in _dates(first, days):
            from_tick, to_tick = day_span(day, zone, self._grid)
            from_tick, to_tick = max(from_tick, wish.start), min(to_tick, last + 1)
            within = -1
            if clock is not None:
                within = runs(self._timetable.open_ticks(clock, from_tick, to_tick - 1 + wish.length), wish.length)
            if not within:
                continue
            starts = starts_of(rules, (from_tick, to_tick), reading)
            free = starts.free & within
            for at in range(free.bit_length()):
                if free >> at & 1:
                    yield self._opening(wish, from_tick + at, starts.who(at))

    def _rules_of(self, wish: Wish, reading: Reading) -> Rules:
        extent = Extent(wish.length, wish.before, wish.after)
        return self._candidates.rules(reading.snapshot, reading.now, wish, extent, discreet=wish.discreet)

    def _opening(self, wish: Wish, start: int, free: Sequence[str]) -> Opening:
        """A visit with the first of those who are free."""
        end, crew = self._grid.moment(start + wish.length), list(free[: wish.needed])
        return Opening(self._grid.moment(start), end, crew[0], crew if wish.needed > 1 else None)


def _dates(first: date, count: int) -> Iterator[date]:
    begin = max(first.toordinal(), FIRST_DAY.toordinal())
    end = min(first.toordinal() + count, LAST_DAY.toordinal() + 1)
    return map(date.fromordinal, range(begin, end))
