"""Helpers for tests of swapped visits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from models.access import Caller, IdempotencyClaim
from models.booking import Booking
from models.dispatch import SwapRequest
from services import Services
from tests.bookings.moving import at
from tests.world import World

Both = tuple[Booking, Booking]

STEPS = ("after_swap_claims", "after_swap_written", "after_swap", "after_swap_mirrored")
MADE = ("after_swap", "after_swap_mirrored")
"""The steps at which a swap is made."""

APART: dict[str, dict[str, Any]] = {
    "at one time": {},
    "at another time": {"start": at(14)},
    "at times that overlap": {"start": at(10, 30), "duration_minutes": 120},
    "longer and with travel": {"duration_minutes": 90, "buffer_before_minutes": 30, "buffer_after_minutes": 15},
}
"""When the second visit is; the first is at ten for an hour."""


def book(world: World, number: int, **fields: Any) -> Booking:
    """A visit of this technician to the property of the same number."""
    place = {"property_id": f"prop-{number}", "technician_id": f"tech-{number}"}
    return world.services.bookings.book(world.caller("desk"), world.direct_request(**place | fields)).booking


def swap(
    services: Services,
    caller: Caller,
    both: Both,
    idempotency: IdempotencyClaim | None = None,
    **fields: Any,
) -> Both:
    request = SwapRequest.model_validate({"with": both[1].booking_id, **fields})
    return services.swapping.swap(caller, both[0].booking_id, request, idempotency)


def at_swap_step(services: Services, step: str, act: Callable[[], object]) -> None:
    """Makes every swap of these services call `act` at a step."""

    def reach(point: str) -> None:
        if point == step:
            act()

    services.swapping._crash = services.swapping._exchanging._crash = reach


@contextmanager
def no_commit(world: World, mode: Any, **data: Any) -> Iterator[None]:
    """Makes MongoDB fail the product's next commits, or the commands that data names."""
    admin = world.services.db.client.admin
    data = {"failCommands": ["commitTransaction"], "appName": "holdfast"} | data
    admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
    try:
        yield
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")
