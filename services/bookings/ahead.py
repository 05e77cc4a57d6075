"""Whether a visit or a hold of a property or technician lies ahead."""

from __future__ import annotations

from models.errors import InUse
from services.claims.mirror import Mirror
from services.clock import Clock
from services.ledger.visits_ahead import VisitsAhead
from services.timetable.grid import LAST_DAY, Grid, day_start


class Ahead:
    """Looks at holds in Redis and at visits in MongoDB. Everything may raise StoreUnavailable."""

    def __init__(self, *, mirror: Mirror, visits: VisitsAhead, grid: Grid, clock: Clock) -> None:
        self._mirror = mirror
        self._visits = visits
        self._grid = grid
        self._clock = clock
        self._end_of_time = day_start(LAST_DAY, "UTC") // grid.seconds

    def require_unused(self, org: str, *resources: str) -> None:
        """Raises InUse. It looks for holds first: one that is booked meanwhile is a booking by the second look."""
        now = self._grid.tick(self._clock())
        taken = self._mirror.read_spans(org, list(resources), now, self._end_of_time).taken
        for resource in resources:
            held = any(mark.state == "held" and mark.end > now for mark in taken[resource])
            if held or self._visits.over(org, resource, [(now, self._end_of_time)], 1):
                raise InUse
