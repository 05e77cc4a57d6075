"""A technician's calendar feed: what is asked of it, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints

from models.booking import Booking
from models.catalogue import Property, Technician
from models.fields import Request, Shown
from models.times import Instant


class CalendarQuery(Request):
    """Query of the feed. The token alone admits: calendar programs can send no header of ours.

    cancelled: 0 leaves cancelled and expired visits out. Programs and web sites add parameters of their own to an
    address (`nocache`, `fbclid`), so others are ignored.
    """

    model_config = ConfigDict(extra="ignore")

    token: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    cancelled: Literal["0", "1"] = "1"


class CalendarReply(Shown):
    """Where a technician's calendar is read. The address is a secret, and is shown this once."""

    technician_id: str
    calendar_url: str
    created_at: Instant


@dataclass(frozen=True, slots=True)
class TechnicianCalendar:
    """One technician's visits as they are now, by start, with the properties that they go to and the names of the
    services, by id."""

    technician: Technician
    bookings: list[Booking]
    properties: dict[str, Property]
    services: dict[str, str] = field(default_factory=dict)

    def property_of(self, booking: Booking) -> Property:
        """Where a visit goes; a property that is not in the catalogue is known by its id alone."""
        found = self.properties.get(booking.property_id)
        return found or Property(id=booking.property_id, name=booking.property_id)

    def service_of(self, booking: Booking) -> str | None:
        """What is done on a visit; a service that was removed is known by its id alone."""
        return self.services.get(booking.service_id, booking.service_id) if booking.service_id else None
