"""Lists of bookings: what is asked for, and one page of the answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from models.booking import BookingReply, BookingStatus
from models.fields import PlainId, ReferenceText, Request, Shown, WholeNumber
from models.times import DayOrMoment, Instant


class BookingPage(Shown):
    """One page of bookings, by start; `next_cursor` is null on the last one. With `updated_since` they come by their
    last change, the oldest first, and `next_updated_since` says from when to read on after the last page: no change is
    missed, and some bookings may come twice."""

    bookings: list[BookingReply]
    next_cursor: str | None
    next_updated_since: Instant | None = None


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Statuses = Annotated[list[BookingStatus], BeforeValidator(_listed), Field(min_length=1, max_length=20)]


class BookingQuery(Request):
    """Query of GET /bookings: bookings that start in [from, to), or that overlap it, in order of start; with
    updated_since those of them that changed since then, in the order of their last change.

    A bare date is the first instant of that local date: of the property, else of the technician, else of the org.
    status: any of these. q: a booking's or property's id, the beginnings of words of the customer's name, or the last
    four or more digits of the phone.
    """

    model_config = ConfigDict(populate_by_name=True)

    property_id: PlainId | None = None
    technician_id: PlainId | None = None
    status: Statuses | None = None
    from_: DayOrMoment | None = Field(None, alias="from")
    to: DayOrMoment | None = None
    overlapping: bool = False
    q: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    external_reference: ReferenceText | None = None
    series_id: PlainId | None = None
    updated_since: DayOrMoment | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None
