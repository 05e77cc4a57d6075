"""What a request for a series asks for: its visits, checked before anything is claimed or looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from models.access import Caller
from models.errors import Fault, InvalidRequest
from models.recurrence import Recurrence
from models.series import SeriesRequest
from models.slot import Wish
from services.availability.candidates import Candidates
from services.availability.reading import Reading
from services.series.occurrences import Occurrence, occurrences
from services.timetable.grid import Grid


@dataclass(frozen=True, slots=True)
class Plan:
    """The visits that are wanted, in order, each so long, and the wish for the first visit of the series."""

    visits: list[Occurrence]
    length: timedelta
    wish: Wish


class Planning:
    """Makes plans."""

    def __init__(self, candidates: Candidates, grid: Grid) -> None:
        self._candidates = candidates
        self._grid = grid

    def plan(self, caller: Caller, request: SeriesRequest, reading: Reading) -> Plan:
        """The visits that a request wants.

        Raises PropertyNotFound, InvalidRequest (all that is wrong with slot, rule and `only`), StoreUnavailable.
        """
        zone = reading.snapshot.site(request.property_id).timezone
        found = occurrences(Recurrence.of(request.rrule), request.start, zone)
        faults = [found] if isinstance(found, Fault) else _unknown_starts(request, found)
        wish = self._candidates.wish(reading.snapshot, reading.now, request, caller.role, faults=faults)
        named = [] if isinstance(found, Fault) else found
        visits = [each for each in named if request.only is None or each.start in request.only]
        self._require_apart(wish, visits)
        return Plan(visits, timedelta(minutes=self._grid.minutes_of(wish.length)), wish)

    def ticks(self, plan: Plan) -> list[int]:
        """The starts of the visits that there are."""
        return [self._grid.tick(visit.start) for visit in plan.visits if visit.exists]

    def _require_apart(self, wish: Wish, visits: list[Occurrence]) -> None:
        """Raises InvalidRequest if a visit with its travel would reach into the next one."""
        taken = timedelta(minutes=self._grid.minutes_of(wish.before + wish.length + wish.after))
        starts = [each.start for each in visits]
        if any(following - start < taken for start, following in pairwise(starts)):
            sentence = "Give duration_minutes so that a visit with its travel ends before the next one begins."
            raise InvalidRequest(Fault("duration_minutes", "too_long", sentence))


def _unknown_starts(request: SeriesRequest, found: list[Occurrence]) -> list[Fault]:
    known = {each.start for each in found}
    sentence = "Give only starts that the rule names, as a dry run lists them."
    return [
        Fault(f"only.{number}", "not_an_occurrence", sentence)
        for number, start in enumerate(request.only or ())
        if start not in known
    ]
