"""What the tests of customers share: bookings of people, and the relay's round that finds their customers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from models.booking import Booking
from models.booking_changes import BookingPatch
from models.customers import CustomerQuery, CustomerRecord, CustomersQuery
from services import Services
from services.customers.desk import Customer
from tests.world import World, rfc3339, tomorrow

ANN = {"name": "Ann Marker", "phone": "+45 12 34 56 78", "email": "ann.marker@example.com"}
BEN = {"name": "Ben Other", "phone": "+45 99 99 99 99"}


def book(world: World, number: int, customer: dict[str, Any], **changed: Any) -> Booking:
    """The visit of this number: each is an hour after the one before."""
    start = rfc3339(tomorrow(0) + timedelta(hours=number))
    request = world.direct_request(start=start, customer=customer, **changed)
    return world.services.bookings.book(world.caller("desk"), request).booking


def patch(world: World, booking: Booking, **changed: Any) -> Booking:
    wanted = BookingPatch.model_validate(changed)
    return world.services.booking_life.reschedule(world.caller("desk"), booking.booking_id, wanted, None)


def keep(world: World, services: Services | None = None) -> None:
    """One round of a relay, whichever had the lease before."""
    world.services.db["leases"].delete_many({})
    (services or world.services).relay.keep_customers()


def listed(world: World, q: str | None = None, **further: Any) -> list[CustomerRecord]:
    query = CustomersQuery.model_validate({"limit": 200, **further, **({} if q is None else {"q": q})})
    found, _ = world.services.customers.page(world.caller("desk"), query)
    return found


def names(world: World, q: str | None = None) -> list[str]:
    return sorted(each.name for each in listed(world, q))


def read(world: World, customer_id: str) -> Customer:
    return world.services.customers.get(world.caller("desk"), customer_id, CustomerQuery())


def customer_of(world: World, booking: Booking) -> str | None:
    """The id of a booking's customer, as replies have it."""
    current = world.services.booking_life.get(world.caller("desk"), booking.booking_id)
    return world.services.customers.ids_of(world.org, [current])[booking.booking_id]
