"""Helpers for tests of moved bookings: short calls for changes, workers that die at a step, checks of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.access import Caller
from models.booking import Booking
from models.booking_changes import BookingPatch
from models.slot import Visit
from services import Services, build_services
from services.claims.hold_records import HoldRecord
from services.ledger.documents import booking_of
from tests.bookings.evidence import make_overdue, owners
from tests.world import World, rfc3339, settings, tomorrow

STEPS = ("after_move_claim", "after_move", "after_move_mirrored")
REQUEST_SECONDS = 3
"""Longer than any request runs: the worker of a change that began earlier is dead."""


class Died(BaseException):
    """A worker dies here."""


def at(hour: int, minute: int = 0) -> str:
    """Tomorrow at this time in UTC, as text for a request."""
    return rfc3339(tomorrow(hour, minute))


def move(services: Services, caller: Caller, booking: Booking, version: int | None = 1, **fields: Any) -> Booking:
    """Changes a booking. Version None accepts any version."""
    patch = BookingPatch.model_validate(fields)
    return services.booking_life.reschedule(caller, booking.booking_id, patch, version)


def at_step(services: Services, step: str, act: Callable[[], object]) -> None:
    """Makes every move of these services call `act` at a step."""

    def reach(point: str) -> None:
        if point == step:
            act()

    services.booking_life._rescheduling._crash = reach


def die() -> None:
    raise Died


def later(world: World) -> Services:
    """Another process over the same stores, to which Redis says that it read a record REQUEST_SECONDS later."""
    services = build_services(settings(), redis=world.services.redis, mongo=world.services.db)
    claims = services.booking_life._rescheduling._claims
    find = claims.find

    def find_later(org: str, hold_id: str) -> HoldRecord | None:
        found = find(org, hold_id)
        return replace(found, read_ms=found.read_ms + REQUEST_SECONDS * 1000) if found else None

    claims.find = find_later  # type: ignore[method-assign]
    return services


@contextmanager
def failing(world: World, mode: Any, **data: Any) -> Iterator[None]:
    """Makes MongoDB fail the product's next changes of bookings. namespace: None for commands that have none."""
    admin = world.services.db.client.admin
    bookings = f"{world.services.db.name}.bookings"
    data = {"failCommands": ["findAndModify"], "namespace": bookings, "appName": "holdfast"} | data
    given = {name: value for name, value in data.items() if value is not None}
    admin.command("configureFailPoint", "failCommand", mode=mode, data=given)
    try:
        yield
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")


def pins(world: World) -> list[str]:
    """The pins that wait for an outcome."""
    found: Any = world.services.redis.zrange(world.names.pins, 0, -1)
    return list(found)


def tend(world: World) -> None:
    """Does the relay's work: mirrors changes, then resolves all pins as if their deadlines had passed."""
    relay = world.services.relay
    relay.carry_over_changes()
    for name in pins(world):
        make_overdue(world, name)
    relay._pins.resolve_overdue(world.org)


def stored(world: World, booking_id: str) -> Booking:
    (document,) = world.bookings(_id=booking_id)
    return booking_of(document)


def whole(world: World, booking: Booking) -> bool:
    """Whether MongoDB has exactly the claims that follow from the booking's times."""
    grid = world.services.grid
    visit = Visit(
        booking.property_id,
        booking.technician_id,
        grid.tick(booking.start),
        grid.tick(booking.end),
        grid.ticks(booking.buffer_before_minutes),
        grid.ticks(booking.buffer_after_minutes),
        tuple(booking.technician_ids[1:]),
        world.services.catalogue.snapshot(world.org).units_of(booking.property_id),
    )
    lasts = booking.end - booking.start == timedelta(minutes=booking.duration_minutes)
    return lasts and set(stored(world, booking.booking_id).claims) == set(visit.claims()) == set(booking.claims)


def check_settled(world: World) -> None:
    """Every booking is whole, no slot is booked twice, and the marks are exactly those of MongoDB: no pin is left."""
    bookings = [booking_of(document) for document in world.bookings(active=True)]
    assert all(whole(world, booking) for booking in bookings)
    assert world.double_booked() == []
    marks = {claim: mark.split("|") for claim, mark in world.marks().items() if not mark.startswith("held|")}
    assert {claim: (mark[0], mark[1]) for claim, mark in marks.items()} == {
        f"{resource}:{tick}": ("booked", booking.booking_id)
        for booking in bookings
        for resource, tick in booking.claims
    }
    mirrored = world.services.booking_life._mirror.versions([(world.org, each.booking_id) for each in bookings])
    assert mirrored == [each.version for each in bookings]
    assert pins(world) == []


def check_stands(world: World, booking: Booking) -> None:
    """MongoDB and the marks have this booking unchanged, and nothing else."""
    assert stored(world, booking.booking_id) == booking
    assert owners(world) == {f"booked {booking.booking_id}": len(booking.claims)}
    check_settled(world)
