"""GET /availability."""

from __future__ import annotations

from api.http.endpoint import Ask, Reply, Routes
from models.availability import AvailabilityQuery, AvailabilityReply
from models.errors import PropertyNotFound, TechnicianNotFound

routes = Routes("Availability")


@routes.get(
    "/availability",
    "Which slots of a property are free, day by day",
    query=AvailabilityQuery,
    replies={200: AvailabilityReply},
    refusals=(PropertyNotFound, TechnicianNotFound),
)
def days(ask: Ask[AvailabilityQuery]) -> Reply:
    return Reply(200, ask.services.availability.days(ask.caller.org, ask.given, ask.caller.role))
