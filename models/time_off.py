"""What a technician's time off means for visits."""

from __future__ import annotations

from models.catalogue import Technician
from models.fields import Shown
from models.times import Instant


class VisitInTimeOff(Shown):
    """A visit that the technician cannot make, because it or its travel lies in the time off."""

    booking_id: str
    property_id: str
    start: Instant
    end: Instant


class ChangedTechnician(Technician):
    """A technician after a change. visits: of a change that gives time off, what lies in it, by start, at most 200."""

    visits: list[VisitInTimeOff] | None = None
