"""A series: visits that a rule makes, which are booked together, and the requests about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.availability import OpeningReply
from models.booking import BookingReply, BookRequest, Customer
from models.booking_changes import BookingPatch, ReasonRequest, VisitChanges
from models.details import Details
from models.dispatch import LeftVisit, MovedVisit
from models.fields import Form, Shown
from models.recurrence import MOST_OCCURRENCES, RuleText
from models.slot import SlotFields
from models.times import DayOrMoment, Instant, Moment
from models.working_hours import TimeOfDay


def _different(starts: list[datetime]) -> list[datetime]:
    if len(set(starts)) < len(starts):
        raise PydanticCustomError("repeated", "Give each start in {field} once.")
    return starts


Starts = Annotated[list[Moment], Field(min_length=1, max_length=MOST_OCCURRENCES), AfterValidator(_different)]


class SeriesRequest(SlotFields, Details):
    """Body of POST /series: the first visit, and the rule by which it comes again in the property's local time.

    only: the starts of the visits that are wanted; all if it is left out. dry_run: nothing is booked.
    """

    forms = (
        Form("BookSeries", "Books the visits of a rule, all or none.", needs=("customer",)),
        Form(
            "TrySeries", "Says which visits of a rule are free, and books nothing.", needs=("dry_run",), on=("dry_run",)
        ),
    )

    rrule: RuleText
    only: Starts | None = None
    customer: Customer | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _names_a_customer(self) -> SeriesRequest:
        if self.customer is None and not self.dry_run:
            raise PydanticCustomError("none_of", "Give {needed}.", {"needed": "customer, or dry_run as true"})
        return self

    def visit(self, start: datetime) -> BookRequest:
        """The direct booking of one visit."""
        fields = {name: getattr(self, name) for name in (*SlotFields.model_fields, *Details.model_fields, "customer")}
        return BookRequest.model_construct(**{**fields, "start": start})


OccurrenceState = Literal["free", "taken", "closed"]


class SeriesOccurrence(Shown):
    """One visit of a series that is looked at: `free`, `taken` by a hold or another visit, or `closed` by a rule."""

    start: Instant
    end: Instant
    state: OccurrenceState
    code: str | None = None
    next_available: list[OpeningReply] | None = None


class SeriesPreview(Shown):
    """The visits that a series would have."""

    occurrences: list[SeriesOccurrence]


class SeriesMade(Shown):
    """A series that is booked, with its visits by start."""

    series_id: str
    bookings: list[BookingReply]


@dataclass(frozen=True, slots=True)
class Series:
    """A series as it was asked for; what became of its visits is in its bookings. No data of a person.

    made_by, fingerprint: as of a booking.
    """

    series_id: str
    org: str
    property_id: str
    rrule: str
    start: datetime
    created_at: datetime
    made_by: str
    fingerprint: str | None


class SeriesRecord(Shown):
    """A series as it was asked for. An imported one has no rule, and the rest is that of its first visit."""

    series_id: str
    property_id: str
    rrule: str | None
    start: Instant
    created_at: Instant


class SeriesReply(SeriesRecord):
    """A series, and its visits as they are now, by start."""

    bookings: list[BookingReply]


class SeriesCancel(ReasonRequest):
    """Body of POST /series/{id}/cancel: from which time, or from which local date of the property. Without it, all
    visits that have not begun."""

    model_config = ConfigDict(populate_by_name=True)

    from_: DayOrMoment | None = Field(None, alias="from")


class SeriesPatch(VisitChanges):
    """Body of PATCH /series/{id}: what changes of all active visits from a time, or a local date of the property, on.

    time: the time of day at which they begin, by the property's clock. Each keeps its date.
    """

    model_config = ConfigDict(populate_by_name=True)

    from_: DayOrMoment = Field(alias="from")
    time: TimeOfDay | None = None

    def of(self, start: datetime | None) -> BookingPatch:
        """The change of one visit. start: the new one, if it changes."""
        values = {name: getattr(self, name) for name in self.model_fields_set & BookingPatch.model_fields.keys()}
        if start is not None:
            values["start"] = start
        return BookingPatch.model_construct(_fields_set=set(values), **values)


class CancelledVisit(Shown):
    """A visit that is cancelled now."""

    booking_id: str
    property_id: str
    technician_id: str
    start: Instant
    end: Instant


class SeriesCancelled(Shown):
    """The visits that were cancelled, and those that were left, by start."""

    cancelled: list[CancelledVisit]
    left: list[LeftVisit]


class SeriesChanged(Shown):
    """The visits that are as the request wants them, and those that were left, by start."""

    moves: list[MovedVisit]
    left: list[LeftVisit]
