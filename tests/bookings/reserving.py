"""Helpers for tests of reservations: making one, moving its deadline, and a movable clock."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from models.booking import Booking, ReserveRequest
from models.booking_changes import BookingPatch
from services import Services
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.ledger.documents import noted
from services.ledger.expiry import Reservations
from services.ledger.store import BookingStore
from services.timetable.grid import to_milliseconds
from tests.claim_keys import end_claims
from tests.world import World, rfc3339, tomorrow

Take = Callable[[World], Booking]
"""A way for another client to take the reserved slot: ten o'clock with tech-1 at prop-1."""


class Clock:
    """The present time plus `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def seen_by(world: World, services: Services) -> World:
    """The same org on another server."""
    seen = copy(world)
    seen.services = services
    return seen


def request(hour: int = 10, **changed: Any) -> ReserveRequest:
    """A reservation of an hour with tech-1 at prop-1 tomorrow, for the default lifetime of a day."""
    fields = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(tomorrow(hour))}
    return ReserveRequest.model_validate(fields | {"reserved_by": "Carol of the board"} | changed)


def reserve(world: World, hour: int = 10, **changed: Any) -> Booking:
    return world.services.bookings.reserve(world.caller("desk"), request(hour, **changed)).booking


def store_of(world: World) -> BookingStore:
    return BookingStore(world.services.db, world.services.settings.grid_minutes)


def mirror_of(world: World) -> Mirror:
    services = world.services
    return Mirror(services.redis, Scripts(services.redis), services.grid, store_of(world).find)


def reservations_of(world: World) -> Reservations:
    return Reservations(store_of(world), mirror_of(world))


def now_in_store(world: World, booking: Booking) -> Booking:
    """The booking as MongoDB has it."""
    found = store_of(world).find(world.org, booking.booking_id)
    assert found is not None
    return found


def run_out(world: World, booking: Booking, *, marks_stay: bool = False) -> None:
    """Moves a reservation's deadline into the past. Its marks are removed, as at their end, unless marks_stay."""
    over = to_milliseconds(datetime.now(UTC) - timedelta(seconds=1))
    world.services.db["bookings"].update_one({"_id": booking.booking_id}, {"$set": {"reserved_until": over}})
    if not marks_stay:
        end_claims(world.services.redis, world.names, booking.booking_id)


NEAR_SECONDS = 3.0
"""How soon a deadline comes for which a test waits: what the test does before it may take so long."""


def due_in(world: World, booking: Booking, seconds: float) -> Booking:
    """Moves a reservation's deadline to this many seconds from now, in MongoDB and in Redis."""
    deadline = to_milliseconds(datetime.now(UTC) + timedelta(seconds=seconds))
    changed = store_of(world).update(booking, {"reserved_until": deadline}, noted("a test", "edit", {}))
    assert changed is not None
    mirror_of(world).settle(changed)
    return changed


def expired(world: World, booking: Booking) -> bool:
    """Whether a reservation has expired exactly once, and its history says so."""
    found = now_in_store(world, booking)
    (document,) = world.bookings(_id=booking.booking_id)
    last = found.history[-1]
    changes = {"status": {"from": "pending", "to": "expired"}}
    return (
        (found.status, document["active"], found.version) == ("expired", False, booking.version + 1)
        and (last["by"], last["action"], last["changes"], last["at"]) == ("system", "expire", changes, found.updated_at)
        and [entry["action"] for entry in found.history].count("expire") == 1
    )


def hold_and_book(world: World) -> Booking:
    alice = world.caller("checkout")
    hold = world.services.holds.place(alice, world.hold_request()).hold
    return world.services.bookings.book(alice, world.book_request(hold_id=hold.hold_id)).booking


def book(world: World) -> Booking:
    return world.services.bookings.book(world.caller("bot"), world.direct_request()).booking


def search(world: World) -> Booking:
    wish = world.direct_request(fallback="next_available")
    return world.services.bookings.book(world.caller("bot"), wish).booking


def reserve_too(world: World) -> Booking:
    return world.services.bookings.reserve(world.caller("admin"), request(reserved_by="Dave")).booking


def move_there(world: World) -> Booking:
    bot, services = world.caller("bot"), world.services
    elsewhere = services.bookings.book(bot, world.direct_request(start=rfc3339(tomorrow(14)))).booking
    patch = BookingPatch.model_validate({"start": rfc3339(tomorrow(10))})
    return services.booking_life.reschedule(bot, elsewhere.booking_id, patch, 1)


def confirm(world: World, booking: Booking) -> Booking:
    return world.services.booking_life.act(world.caller("desk"), booking.booking_id, "confirm")


def cancel(world: World, booking: Booking) -> Booking:
    return world.services.booking_life.act(world.caller("desk"), booking.booking_id, "cancel")


def ends_ms(world: World) -> set[int]:
    """When the marks in Redis end, epoch ms."""
    client: Any = world.services.redis
    return {client.pexpiretime(key) for key in world.claim_keys()}
