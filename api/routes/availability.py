"""GET /availability."""

from __future__ import annotations

from api.http.endpoint import Ask, Reply, Routes
from models.availability import AvailabilityQuery, AvailabilityReply
from models.errors import PropertyNotFound, TechnicianNotFound

routes = Routes("Availability", "The slots of a property that are free, held, booked or closed.")


@routes.get(
    "/availability",
    "Which slots of a property are free, day by day",
    query=AvailabilityQuery,
    replies={200: AvailabilityReply},
    refusals=(PropertyNotFound, TechnicianNotFound),
)
def read_availability(ask: Ask[AvailabilityQuery]) -> Reply:
    """Shows one entry for each start on the grid of the asked local dates, with its state. A slot that is `free` can be
    held at that moment."""
    return Reply(200, ask.services.availability.days(ask.caller.org, ask.given, ask.caller.role))
