"""What may be waited for, and how long an offer may stand; beyond what the request's model sees.

Must not look at what is free, nor at who waits already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from models.access import Caller, Role
from models.errors import Fault, InvalidRequest
from models.slot import SlotOptions
from services.availability.candidates import Candidates
from services.catalogue.reader import Catalogue
from services.timetable.grid import Grid

LONGEST_WINDOW = timedelta(days=62)
LONGEST_PUBLIC_OFFER_MINUTES = 60
"""With the publishable key: nobody may keep slots from others for longer by waiting for them."""


class WaitRules:
    """The rules of a wish, under today's policy. Everything may raise StoreUnavailable."""

    def __init__(
        self, *, catalogue: Catalogue, candidates: Candidates, grid: Grid, clock: Callable[[], datetime]
    ) -> None:
        self._catalogue = catalogue
        self._candidates = candidates
        self._grid = grid
        self._clock = clock

    def faults(
        self,
        caller: Caller,
        window: tuple[datetime, datetime] | None,
        duration_minutes: int | None,
        offer_minutes: int | None,
    ) -> list[Fault]:
        """What is wrong beyond what the request's model sees. None: of that nothing is known, or it is left out."""
        found = _offer_faults(caller, offer_minutes)
        if window is not None:
            found += self._window_faults(caller.org, *window)
        try:
            length = self._candidates.extent(caller.org, SlotOptions(duration_minutes=duration_minutes)).length
        except InvalidRequest as refusal:
            return [*found, *refusal.faults]
        if window is not None:
            now, (begin, end) = self._clock(), window
            first = self._grid.tick_from(max(begin, now) if end > now else begin)
            if first + length > self._grid.tick(end):
                found.append(Fault("to", "no_visit_fits", "the window should have room for a visit of that length."))
        return found

    def _window_faults(self, org: str, begin: datetime, end: datetime) -> list[Fault]:
        found: list[Fault] = []
        now = self._clock()
        if end <= now:
            found.append(Fault("to", "window_over", "the window should not be over."))
        if end - begin > LONGEST_WINDOW:
            text = f"the window should be {LONGEST_WINDOW.days} days long at the most."
            found.append(Fault("to", "too_long", text))
        # Differences only: a sum may lie outside of what a datetime can say.
        days = self._catalogue.policy(org).horizon_days + LONGEST_WINDOW.days
        if end - now > timedelta(days=days):
            found.append(Fault("to", "too_far_ahead", f"the window should end within {days} days from now."))
        return found


def _offer_faults(caller: Caller, offer_minutes: int | None) -> list[Fault]:
    if caller.role is not Role.CHECKOUT or (offer_minutes or 0) <= LONGEST_PUBLIC_OFFER_MINUTES:
        return []
    text = f"offer_minutes should be {LONGEST_PUBLIC_OFFER_MINUTES} at the most with this key."
    return [Fault("offer_minutes", "too_long", text)]
