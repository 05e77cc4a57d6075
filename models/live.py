"""The live feed and the board: what is asked for, and what is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from models.booking import BookingReply
from models.fields import Matches, PlainId, Request, Shown
from models.hold import HoldReply
from models.times import DayOrMoment

EventId = Annotated[
    str,
    StringConstraints(max_length=128),
    Matches(r"^[ -~]*$", "bad_text", "Give {field} as the id of the last event that you got."),
]


class EventsQuery(Request):
    """Query of GET /events: the changes at a property, those of a technician, or with neither all of the org."""

    property_id: PlainId | None = None
    technician_id: PlainId | None = None
    last_event_id: EventId | None = None


class BoardQuery(Request):
    """Query of GET /board. A bare date is the first instant of that date in the time zone of the org."""

    model_config = ConfigDict(populate_by_name=True)

    from_: DayOrMoment = Field(alias="from")
    to: DayOrMoment

    @property
    def property_id(self) -> None:
        """A board is of the whole org, so its dates are the org's."""

    @property
    def technician_id(self) -> None:
        """As property_id."""


class ClosedSpan(Shown):
    """A time in which a technician can have no visit."""

    start: datetime
    end: datetime


class BoardTechnician(Shown):
    """A technician, and when no visit is possible: outside of working hours, in time off, on a closed date, or while
    the technician is unavailable."""

    id: str
    name: str
    areas: list[str]
    skills: list[str]
    closed: list[ClosedSpan]


class BoardProperty(Shown):
    """A property at which something on the board is."""

    id: str
    name: str
    address: str | None
    timezone: str
    has_units: bool


class BoardReply(Shown):
    """All that a day board shows. The visits overlap the asked time, and so do the live holds. Events of `/events`
    after `stream_id` are newer than this reply, or in it already."""

    stream_id: str
    timezone: str
    technicians: list[BoardTechnician]
    properties: list[BoardProperty]
    visits: list[BookingReply]
    holds: list[HoldReply]
