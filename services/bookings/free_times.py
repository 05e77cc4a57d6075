"""What is free, for callers who may want to move a booking: it is in the way of nothing then."""

from __future__ import annotations

from typing import Any, TypeVar

from models.access import Caller
from models.availability import AvailabilityQuery, DaysQuery, VisitQuery
from models.booking import Booking
from models.errors import Forbidden
from services.availability.candidates import WHO_GOES_WHERE
from services.availability.day_counts import DayCounts
from services.availability.lengths import LENGTHS
from services.availability.slots import Asked, Availability
from services.bookings.changes import BookingLife

Query = TypeVar("Query", bound=VisitQuery)


class FreeTimes:
    """Slots and days. With a manage token of its booking's property alone, and that booking is left out by itself.

    Everything raises what Availability.days raises; Forbidden; for a booking that is left out what BookingLife.get
    raises.
    """

    def __init__(self, availability: Availability, day_counts: DayCounts, bookings: BookingLife) -> None:
        self._availability = availability
        self._day_counts = day_counts
        self._bookings = bookings

    def slots(self, caller: Caller, query: AvailabilityQuery) -> dict[str, Any]:
        """The members of an AvailabilityReply."""
        query, asked = self._asked(caller, query)
        return self._availability.days(caller.org, query, asked)

    def days(self, caller: Caller, query: DaysQuery) -> dict[str, Any]:
        """The members of a DaysReply."""
        query, asked = self._asked(caller, query)
        return self._day_counts.days(caller.org, query, asked)

    def _asked(self, caller: Caller, query: Query) -> tuple[Query, Asked]:
        """The query with the service, the lengths and the crew of the booking that is left out, where it has none.
        Another service has lengths of its own."""
        left_out = query.except_booking_id
        if left_out not in (None, caller.booking_id) and not caller.is_staff:
            raise Forbidden("Leave out except_booking_id, which is for the office.")
        left_out = left_out or caller.booking_id
        if left_out is None:
            return query, Asked(caller.role)
        booking = self._bookings.get(caller, left_out)
        if caller.booking_id is not None and query.property_id != booking.property_id:
            raise Forbidden("This link is good for the property of its own visit.")
        own = ("service_id", *LENGTHS) if query.service_id in (None, booking.service_id) else ()
        left: dict[str, Any] = {name: getattr(booking, name) for name in own if getattr(query, name) is None}
        crew = {} if query.named or query.technicians else _crew_of(booking)
        query = query.model_copy(update={**left, **crew, "except_booking_id": None})
        asked = {"property_id": query.property_id, "service_id": query.service_id, "technician_ids": list(query.named)}
        kept = {name for name in WHO_GOES_WHERE if asked[name] == getattr(booking, name)}
        return query, Asked(caller.role, left_out, frozenset({*left, *kept}))


def _crew_of(booking: Booking) -> dict[str, list[str]]:
    return {"technician_ids": booking.technician_ids} if len(booking.technician_ids) > 1 else {}
