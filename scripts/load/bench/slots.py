"""The hours that a bench run asks for, each once. Here a seat, which is a property with a technician, is a number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from scripts.load.client.target import Unreachable

NEAREST_DAY, DAYS, SHARED_DAYS = 30, 40, 15
"""Measured slots lie this far ahead, those of any technician behind the others, all inside the default horizon.
Preloaded future bookings and holds lie before them."""
AN_HOUR = 8
"""So many visits of one hour get any technician: the first of them finds the first free, the last one the eighth."""

USED_UP = "all hours are used up: fewer --rounds or --requests"


def first_day() -> datetime:
    """Midnight UTC of the first day with measured slots."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=NEAREST_DAY)


def free_hours(seats: int) -> Iterator[tuple[int, datetime]]:
    """Each free hour of each seat. Raises Unreachable when there are no more."""
    first = first_day()
    for hour in range(DAYS * 24):
        for seat in range(seats):
            yield seat, first + timedelta(hours=hour)
    raise Unreachable(USED_UP)


def shared_hours(seats: int) -> Iterator[tuple[int, datetime]]:
    """Seats whose property wants any technician, and when. Raises Unreachable when there are no more."""
    first = first_day() + timedelta(days=DAYS)
    for number in range(SHARED_DAYS * 24 * AN_HOUR):
        yield number % seats, first + timedelta(hours=number // AN_HOUR)
    raise Unreachable(USED_UP)


def utc_text(moment: datetime) -> str:
    """As a request says it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
