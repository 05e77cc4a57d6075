"""Availability: the question which slots of a property are free, and its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from models.fields import Minutes, PlainId, Request, Shown, WholeNumber
from models.times import LocalDate

SlotState = Literal["free", "held", "booked", "closed"]


class AvailabilityQuery(Request):
    """Query of GET /availability: some local dates of a property, for a visit that takes so long."""

    property_id: PlainId
    technician_id: PlainId | None = None
    from_: LocalDate = Field(alias="from")
    days: Annotated[WholeNumber, Field(ge=1, le=14)] = 1
    duration_minutes: Annotated[WholeNumber, Field(ge=1, le=1440)] | None = None
    buffer_before_minutes: Minutes | None = None
    buffer_after_minutes: Minutes | None = None


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
