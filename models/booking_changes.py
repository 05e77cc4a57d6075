"""The changes of a booking after it was made: the requests, and the states that each may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from models.booking import Booking, BookingStatus, Customer
from models.details import Metadata, Note, Overrides, Priority
from models.fields import FormText, Minutes, PlainId, Reference, Request, Text, WholeNumber
from models.team import Crew, a_crew
from models.times import Moment


class VisitChanges(Request):
    """What may change of a visit besides when and where it is: only the fields that change.

    technician_ids: all who come; one alone as technician_id, unless several come already. A customer and `metadata` are
    given whole. Null empties the texts, `metadata` and `service_id`. Another service brings its own lengths, unless
    they are given. `override` names the rules that staff lift for this change.
    """

    emptied_by_null = frozenset({"service_id", "description", "internal_note", "metadata", "external_reference"})

    duration_minutes: Annotated[WholeNumber, Field(ge=1, le=1440)] | None = None
    buffer_before_minutes: Minutes | None = None
    buffer_after_minutes: Minutes | None = None
    technician_id: PlainId | None = None
    technician_ids: Crew | None = None
    service_id: PlainId | None = None
    customer: Customer | None = None
    description: Text | None = None
    priority: Priority | None = None
    internal_note: Note = None
    metadata: Metadata | None = None
    external_reference: Reference = None
    override: Overrides = Field(default_factory=list)

    check_crew = field_validator("technician_ids")(a_crew)


class BookingPatch(VisitChanges):
    """Body of PATCH /bookings/{id}: only the fields that change. For all else see VisitChanges."""

    start: Moment | None = None
    property_id: PlainId | None = None

    def given(self, country: str | None) -> dict[str, Any]:
        """The fields that are to change, as a booking has them. country: of phones without a country code."""
        values = {name: getattr(self, name) for name in self.model_fields_set - {"override"}}
        if "description" in values:
            values["description"] = self.description or ""
        if crew := self.technician_ids or (self.technician_id is not None and [self.technician_id]):
            values |= {"technician_id": crew[0], "technician_ids": crew}
        if self.customer is not None:
            values["customer"] = self.customer.record(country)
        return values


CUSTOMER_MAY_CHANGE = frozenset(
    {
        *("start", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes"),
        *("technician_id", "customer", "description", "priority"),
    }
)
"""What the bearer of a manage token may change; not the property, nor the service."""


class ReasonRequest(Request):
    """Body of what ends a booking: why, in the words of the person who does it."""

    reason: FormText = None


class ConfirmRequest(ReasonRequest):
    """Body of POST /bookings/{id}/confirm. if_expired: what to do with a reservation that ran out."""

    if_expired: Literal["reject", "book_if_free"] = "reject"


Action = Literal["confirm", "cancel", "complete", "no_show", "restore", "expire"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One way from state to state. before: the states that it may follow; after: the one that it leads to."""

    before: frozenset[BookingStatus]
    after: BookingStatus

    def is_done(self, booking: Booking) -> bool:
        """Whether the booking has gone this way already, so that the same request again gets the same answer."""
        if booking.status != self.after or self.after != "confirmed":
            return booking.status == self.after
        if "pending" in self.before:
            return booking.reserved_until is not None
        return any(entry["action"] == "restore" for entry in booking.history)


TRANSITIONS: dict[Action, Transition] = {
    "confirm": Transition(frozenset({"pending"}), "confirmed"),
    "cancel": Transition(frozenset({"pending", "confirmed"}), "cancelled"),
    "complete": Transition(frozenset({"confirmed"}), "completed"),
    "no_show": Transition(frozenset({"confirmed"}), "no_show"),
    "restore": Transition(frozenset({"cancelled", "completed", "no_show"}), "confirmed"),
    "expire": Transition(frozenset({"pending"}), "expired"),
}
"""Every change of status there is. A booking is made `pending` or `confirmed`; a move keeps its status."""
