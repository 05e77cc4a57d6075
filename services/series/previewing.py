"""The dry run of a series: which of its visits are free, and what is free instead of the others. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Final

from models.access import Caller
from models.availability import OpeningReply
from models.errors import (
    NoSlotAvailable,
    OutsideWorkingHours,
    PropertyUnavailable,
    SlotBooked,
    SlotHeld,
    TechnicianNotEligible,
    TechnicianUnavailable,
    TooFarAhead,
    TooSoon,
)
from models.series import OccurrenceState, SeriesOccurrence, SeriesRequest
from services.availability.outlook import Outlook, Seen
from services.availability.reading import Reading, Readings
from services.series.planning import Plan, Planning

_TAKEN = (SlotHeld, SlotBooked, NoSlotAvailable)
_CLOSED = (
    *(PropertyUnavailable, TechnicianUnavailable, TechnicianNotEligible),
    *(OutsideWorkingHours, TooSoon, TooFarAhead),
)
STATES: Final[dict[str, OccurrenceState]] = {
    **{refusal.code: "taken" for refusal in _TAKEN},
    **{refusal.code: "closed" for refusal in _CLOSED},
}
"""Code of a refusal -> what a visit is that is refused with it. Each other refusal is of the request itself."""
NO_SUCH_TIME = Seen("closed", OutsideWorkingHours.code)


class Previewing:
    """Looks at series."""

    def __init__(self, planning: Planning, readings: Readings, outlook: Outlook) -> None:
        self._planning = planning
        self._readings = readings
        self._outlook = outlook

    def preview(self, caller: Caller, request: SeriesRequest) -> list[SeriesOccurrence]:
        """The visits that a request wants, as of one moment. Raises what Planning.plan and Availability.days raise."""
        return self._readings.answer(caller.org, lambda reading: list(self._look(caller, request, reading)))

    def _look(self, caller: Caller, request: SeriesRequest, reading: Reading) -> Iterator[SeriesOccurrence]:
        plan = self._planning.plan(caller, request, reading)
        seen = self._outlook.of(plan.wish, self._planning.ticks(plan), reading)
        for visit in plan.visits:
            yield _shown(plan, visit.start, next(seen) if visit.exists else NO_SUCH_TIME)


def _shown(plan: Plan, start: datetime, seen: Seen) -> SeriesOccurrence:
    state: OccurrenceState = "taken" if seen.state in ("held", "booked") else seen.state  # type: ignore[assignment]
    found = None
    if seen.instead is not None:
        found = [OpeningReply(**{name: value for name, value in asdict(seen.instead).items() if value is not None})]
    return SeriesOccurrence(start=start, end=start + plan.length, state=state, code=seen.code, next_available=found)
