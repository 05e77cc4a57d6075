"""Availability: the question which slots of a property are free, and its answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from models.fields import Minutes, PlainId, Shown, WholeNumber
from models.team import Team
from models.times import Instant, LocalDate

SlotState = Literal["free", "held", "booked", "closed"]


class OpeningReply(Shown):
    """A slot that was free when it was looked for."""

    start: Instant
    end: Instant
    technician_id: PlainId
    technician_ids: list[PlainId] | None = Field(None, exclude_if=lambda ids: ids is None)


class VisitQuery(Team):
    """A visit that takes so long, on some local dates of a property.

    Without technicians any of them may come. step_minutes: only the starts at such multiples after midnight by the
    property's clock. except_booking_id: this booking is in the way of nothing, and gives the service, the lengths and
    the crew that are left out.
    """

    property_id: PlainId
    service_id: PlainId | None = None
    from_: LocalDate = Field(alias="from")
    duration_minutes: Annotated[WholeNumber, Field(ge=1, le=1440)] | None = None
    buffer_before_minutes: Minutes | None = None
    buffer_after_minutes: Minutes | None = None
    step_minutes: Annotated[WholeNumber, Field(ge=1, le=1440)] | None = None
    except_booking_id: PlainId | None = None


class AvailabilityQuery(VisitQuery):
    """Query of GET /availability: the slots of some days."""

    days: Annotated[WholeNumber, Field(ge=1, le=14)] = 1


class DaysQuery(VisitQuery):
    """Query of GET /availability/days: how much is free on each of some days."""

    days: Annotated[WholeNumber, Field(ge=1, le=62)] = 31


class AvailabilitySlot(Shown):
    """One start on the grid; `technician_ids` names the technicians who could come, where the slot is free."""

    start: datetime
    end: datetime
    state: SlotState
    technician_ids: list[str]


class AvailabilityReply(Shown):
    """The slots of a property's local dates, by start. `timezone` is the property's; times are UTC."""

    timezone: str
    grid_minutes: int
    slots: list[AvailabilitySlot]


class FreeDay(Shown):
    """One local date: how many starts are free, and the first of them, which is null where none is."""

    date: date
    free: int
    first: datetime | None


class DaysReply(Shown):
    """The local dates of a property, each with what was free at most ten seconds ago. `timezone` is the property's."""

    timezone: str
    days: list[FreeDay]
