"""Helpers for tests of series: short calls, and workers that die at a step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from models.access import Caller, IdempotencyClaim
from models.booking import Booking
from models.series import SeriesRequest
from services import Services
from services.ledger.documents import booking_of
from services.series.making import MadeSeries
from tests.world import World, rfc3339, tomorrow

KEY = IdempotencyClaim("a key", "a request")
STEPS = ("after_series_claim", "after_series_write", "after_series")


def start(week: int, hour: int = 10) -> datetime:
    return tomorrow(hour) + timedelta(weeks=week)


def request(**changed: Any) -> SeriesRequest:
    """Four visits, weekly from tomorrow at ten."""
    fields = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(start(0))}
    more = {"rrule": "FREQ=WEEKLY;COUNT=4", "customer": {"name": "Alice"}}
    return SeriesRequest.model_validate(fields | more | changed)


def make(services: Services, caller: Caller, key: IdempotencyClaim | None = None, **changed: Any) -> MadeSeries:
    return services.series_making.make(caller, request(**changed), key)


def at_step(services: Services, step: str, act: Callable[[], object]) -> None:
    """Makes every making of a series by these services call `act` at a step."""

    def reach(point: str) -> None:
        if point == step:
            act()

    services.series_making._crash = services.series_making._store._crash = reach


def booked(world: World) -> list[Booking]:
    """The active visits of all series, by start."""
    found = [booking_of(each) for each in world.bookings(active=True, series_id={"$gt": ""})]
    return sorted(found, key=lambda each: each.start)
