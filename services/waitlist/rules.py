"""The limits of a waitlist entry that its request model does not check: its window, its length and its offer time.

Must not look at free slots, nor at the entries that wait already.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from models.access import Caller
from models.errors import Fault, InvalidRequest, ServiceNotFound
from models.waitlist import WaitEntry
from services.availability.candidates import Candidates
from services.availability.lengths import Lengths
from services.catalogue.reader import Catalogue
from services.clock import Clock
from services.timetable.grid import Grid, runs
from services.timetable.working_hours import Timetable, daily

LONGEST_WINDOW = timedelta(days=62)


class WaitRules:
    """The limits under today's policy. Everything may raise StoreUnavailable."""

    def __init__(self, *, catalogue: Catalogue, candidates: Candidates, grid: Grid, clock: Clock) -> None:
        self._catalogue = catalogue
        self._candidates = candidates
        self._grid = grid
        self._timetable = Timetable(grid)
        self._clock = clock

    def faults(
        self,
        caller: Caller,
        window: tuple[datetime, datetime] | None,
        lengths: Lengths,
    ) -> list[Fault]:
        """All faults of a request. A value is None where the request leaves it out, or where it cannot be read.

        Raises ServiceNotFound where nothing else is wrong.
        """
        found = [] if window is None else self._window_faults(caller.org, *window)
        snapshot = self._catalogue.snapshot(caller.org)
        try:
            length = self._candidates.extent(snapshot, lengths, caller.role).length
        except InvalidRequest as refusal:
            return [*found, *refusal.faults]
        except ServiceNotFound:
            if found:
                return found
            raise
        if window is not None:
            now, (begin, end) = self._clock(), window
            first = self._grid.tick_from(max(begin, now) if end > now else begin)
            if first + length > self._grid.tick(end):
                text = "Give a window with room for a visit of this length."
                found.append(Fault("to", "no_visit_fits", text))
        return found

    def require_hours_that_fit(self, entry: WaitEntry, zone: str) -> None:
        """Raises InvalidRequest if no visit of the entry lies within its hours, by the clock of this zone."""
        if not entry.hours:
            return
        grid, length = self._grid, self._grid.ticks(entry.duration_minutes)
        first, end = grid.tick_from(max(entry.from_, self._clock())), grid.tick(entry.to)
        if not runs(self._timetable.open_ticks(daily(entry.hours, zone), first, end), length):
            text = "Give hours with room for a visit of this length in the window."
            raise InvalidRequest(Fault("hours", "no_visit_fits", text))

    def _window_faults(self, org: str, begin: datetime, end: datetime) -> list[Fault]:
        found: list[Fault] = []
        now = self._clock()
        if end <= now:
            found.append(Fault("to", "window_over", "Give a window that ends in the future."))
        if end - begin > LONGEST_WINDOW:
            found.append(Fault("to", "too_long", f"Give a window of at most {LONGEST_WINDOW.days} days."))
        # Subtract, because a sum may be later than datetime can say.
        days = self._catalogue.policy(org).horizon_days + LONGEST_WINDOW.days
        if end - now > timedelta(days=days):
            found.append(Fault("to", "too_far_ahead", f"Give a window that ends within {days} days from now."))
        return found
