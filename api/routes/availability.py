"""GET /availability and /availability/days."""

from __future__ import annotations

from api.http.endpoint import EVERY_KEY, Ask, Reply, Routes
from models.access import Role
from models.availability import AvailabilityQuery, AvailabilityReply, DaysQuery, DaysReply
from models.errors import BookingNotFound, PropertyNotFound, ServiceNotFound, TechnicianNotFound

routes = Routes("Availability", "The slots of a property that are free, held, booked or closed.")

REFUSALS = (PropertyNotFound, TechnicianNotFound, ServiceNotFound, BookingNotFound)


@routes.get(
    "/availability",
    "Which slots of a property are free, day by day",
    roles=EVERY_KEY | {Role.CUSTOMER},
    query=AvailabilityQuery,
    replies={200: AvailabilityReply},
    refusals=REFUSALS,
)
def read_availability(ask: Ask[AvailabilityQuery]) -> Reply:
    """Shows one entry for each start on the grid of the asked local dates, with its state. A slot that is `free` can be
    held at that moment. A manage token asks for the property of its own booking, which is left out by itself."""
    return Reply(200, ask.services.free_times.slots(ask.caller, ask.given))


@routes.get(
    "/availability/days",
    "How many slots of a property are free on each day",
    roles=EVERY_KEY | {Role.CUSTOMER},
    query=DaysQuery,
    replies={200: DaysReply},
    refusals=REFUSALS,
)
def read_availability_days(ask: Ask[DaysQuery]) -> Reply:
    """Shows for each of the asked local dates how many starts are free, and the first of them, for a month's calendar.
    The answer is up to ten seconds old."""
    return Reply(200, ask.services.free_times.days(ask.caller, ask.given))
