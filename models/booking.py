"""A booking: a claim set in MongoDB, and the requests that make one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from models.fields import Moment, Name, PlainId, Request, Text, WholeNumber
from models.slot import SlotFields, SlotOptions

BookingStatus = Literal["pending", "confirmed", "completed", "no_show", "cancelled", "expired"]
Priority = Literal["low", "medium", "high", "emergency"]
Source = Literal["web", "desk", "sms", "api"]

ACTIVE_STATUSES = frozenset({"pending", "confirmed"})

Phone = Annotated[str, StringConstraints(min_length=3, max_length=32, pattern=r"^\+?[0-9 ().\-/]+$")]
Email = Annotated[str, StringConstraints(min_length=3, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")]


class Customer(Request):
    """Whom the visit is for."""

    name: Name
    phone: Phone | None = None
    email: Email | None = None


class BookRequest(SlotOptions):
    """Body of POST /book: a hold to confirm, or the slot itself, or both.

    With both, the slot serves where the hold cannot be read because Redis is down.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": list(names), "properties": {name: {"type": "string"} for name in names}}
                for names in (("hold_id",), ("property_id", "start"))
            ]
        }
    )

    hold_id: PlainId | None = None
    property_id: PlainId | None = None
    start: Moment | None = None
    customer: Customer
    description: Text = ""
    priority: Priority = "medium"
    if_expired: Literal["reject", "book_if_free"] = "reject"

    @model_validator(mode="after")
    def _names_a_hold_or_a_slot(self) -> BookRequest:
        if self.hold_id is None and (self.property_id is None or self.start is None):
            raise PydanticCustomError("missing", "give hold_id, or property_id and start")
        return self

    @property
    def slot(self) -> SlotFields | None:
        """The slot fields, where the request carries them."""
        if self.property_id is None or self.start is None:
            return None
        return SlotFields.model_construct(
            property_id=self.property_id,
            start=self.start,
            **{name: getattr(self, name) for name in SlotOptions.model_fields},
        )


class ReserveRequest(SlotFields):
    """Body of POST /reserve: a slot that is kept for so many hours, until somebody confirms it.

    reserved_by: who asked for it; also the customer's name where no customer is given.
    """

    reserved_by: Name
    hours: Annotated[WholeNumber, Field(ge=1, le=72)] = 24
    customer: Customer | None = None
    description: Text = ""
    priority: Priority = "medium"

    @property
    def as_booking(self) -> BookRequest:
        """The direct booking that this would be if it were firm at once."""
        shared = {name: getattr(self, name) for name in (*SlotFields.model_fields, "description", "priority")}
        return BookRequest.model_construct(**shared, customer=self.customer or Customer(name=self.reserved_by))


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking as MongoDB has it. Times are aware UTC; ticks are in `claims` alone.

    placed_as: the name under which a direct booking pinned its claims in Redis.
    made_by, fingerprint: the API key and the digest of the request that made it, for telling a repeat from a reuse.
    """

    booking_id: str
    org: str
    status: BookingStatus
    property_id: str
    technician_id: str
    start: datetime
    end: datetime
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    customer: dict[str, Any]
    description: str
    priority: Priority
    source: Source
    version: int
    created_at: datetime
    updated_at: datetime
    requested_start: datetime
    fallback_used: bool
    claims: tuple[tuple[str, int], ...]
    hold_id: str | None = None
    placed_as: str | None = None
    made_by: str = ""
    fingerprint: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    reserved_by: str | None = None
    reserved_until: datetime | None = None

    @property
    def active(self) -> bool:
        return self.status in ACTIVE_STATUSES


class CustomerReply(Request):
    name: str
    phone: str | None = None
    email: str | None = None


class HistoryEntry(Request):
    at: datetime
    by: str
    action: str
    changes: dict[str, Any]


class BookingReply(Request):
    """What clients see of a booking. `manage_token` only in the reply that made it; `history` only for staff."""

    booking_id: str
    status: BookingStatus
    property_id: str
    technician_id: str
    start: datetime
    end: datetime
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    customer: CustomerReply
    description: str
    priority: Priority
    source: Source
    version: int
    created_at: datetime
    updated_at: datetime
    hold_id: str | None
    requested_start: datetime
    fallback_used: bool
    manage_token: str | None = None
    reserved_by: str | None = None
    reserved_until: datetime | None = None
    history: list[HistoryEntry] | None = None


class BookingPage(Request):
    """One page of bookings, by start; `next_cursor` is null on the last one."""

    bookings: list[BookingReply]
    next_cursor: str | None


def _moment_or_date(value: Any) -> Any:
    # A list is asked for by day or by moment; a bare date is its first instant in UTC.
    if isinstance(value, str) and len(value) == 10:
        return f"{value}T00:00:00Z"
    return value


DayOrMoment = Annotated[
    Moment,
    BeforeValidator(_moment_or_date),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]


class BookingQuery(Request):
    """Query of GET /bookings: bookings that start in [from, to), in order of start."""

    model_config = ConfigDict(populate_by_name=True)

    property_id: PlainId | None = None
    technician_id: PlainId | None = None
    status: BookingStatus | None = None
    from_: DayOrMoment | None = Field(None, alias="from")
    to: DayOrMoment | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None
