"""A booking: a claim set in MongoDB, and the requests that make one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    Field,
    SkipValidation,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from models.contacts import FormEmail, FormPhone, e164
from models.details import Details
from models.fields import Form, Name, PlainId, Request, ShapedAs, Shown, WholeNumber
from models.messages import FormLanguage
from models.slot import SlotFields, SlotOptions
from models.times import Instant, Moment

BookingStatus = Literal["pending", "confirmed", "completed", "no_show", "cancelled", "expired"]
Source = Literal["web", "desk", "sms", "api"]

ACTIVE_STATUSES = frozenset({"pending", "confirmed"})

CUSTOMER_FIELDS = ("name", "phone", "email", "language")
"""What people say of a customer."""


class Customer(Request):
    """The person that the visit is for.

    language: of the messages to the customer. phone_e164: is in replies, so a client may send it back. What is sent is
    not read.
    """

    name: Name
    phone: FormPhone = None
    email: FormEmail = None
    language: FormLanguage = None
    phone_e164: Annotated[str, StringConstraints(max_length=64)] | None = None

    def record(self, country: str | None) -> dict[str, Any]:
        """What is kept: the fields that were given, and the phone as E.164 too where it can be read.

        country: of phones without a country code.
        """
        kept = self.model_dump(include=set(CUSTOMER_FIELDS), exclude_none=True)
        international = e164(self.phone, country) if self.phone else None
        return {**kept, "phone_e164": international} if international else kept


class BookRequest(SlotOptions, Details):
    """Body of POST /book: a hold to confirm, or the slot itself, or both.

    With both, the slot serves where the hold cannot be read because Redis is down.
    """

    forms = (
        Form("BookHeld", "Confirms a hold.", needs=("hold_id",)),
        Form("BookDirectly", "Books a slot, with or without a hold on it.", needs=("property_id", "start")),
    )

    hold_id: PlainId | None = None
    property_id: PlainId | None = None
    start: Moment | None = None
    customer: Customer
    if_expired: Literal["reject", "book_if_free"] = "reject"

    @model_validator(mode="after")
    def _names_a_hold_or_a_slot(self) -> BookRequest:
        if self.hold_id is None and (self.property_id is None or self.start is None):
            raise PydanticCustomError("none_of", "Give {needed}.", {"needed": "hold_id, or property_id and start"})
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


class ReserveRequest(SlotFields, Details):
    """Body of POST /reserve: a slot that is kept for so many hours, until the office confirms it.

    reserved_by: the person who asked for it; also the customer's name where no customer is given.
    """

    reserved_by: Name
    hours: Annotated[WholeNumber, Field(ge=1, le=72)] = 24
    customer: Customer | None = None

    @property
    def as_booking(self) -> BookRequest:
        """The direct booking that this would be if it were firm at once."""
        fields = {name: getattr(self, name) for name in (*SlotFields.model_fields, *Details.model_fields)}
        customer = self.customer or Customer(name=self.reserved_by)
        return BookRequest.model_construct(**fields, customer=customer)


class CustomerReply(TypedDict):
    """The customer of a booking, as typed; phone_e164 is the phone with its country code, where that is known."""

    name: str
    phone: NotRequired[str]
    email: NotRequired[str]
    language: NotRequired[str]
    phone_e164: NotRequired[str]


class HistoryEntry(TypedDict):
    """One change of a booking: its time and caller, and each changed field's value before (`from`) and after (`to`)."""

    at: Instant
    by: str
    action: str
    changes: dict[str, Any]


CustomerFields = Annotated[dict[str, Any], ShapedAs(CustomerReply)]
HistoryFields = Annotated[dict[str, Any], ShapedAs(HistoryEntry)]


class _Visit(Shown):
    booking_id: str
    status: BookingStatus
    property_id: str
    technician_id: str
    technician_ids: list[str] = Field(default_factory=lambda known: [known["technician_id"]])
    start: datetime
    end: datetime
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    customer: CustomerFields
    source: Source
    version: int
    created_at: Instant
    updated_at: Instant
    hold_id: str | None
    requested_start: datetime
    fallback_used: bool


class BookingReply(Details, _Visit):
    """What clients see of a booking. `manage_token` only in the reply that made it; `history` only for staff, as
    `customer_id`, which the reply that made it lacks; `hold_id` only for its holder, and null in every list."""

    # pydantic puts the fields of the last base first, so that the id leads the reply.
    manage_token: str | None = None
    reserved_by: str | None = None
    reserved_until: Instant | None = None
    service_id: str | None = None
    series_id: str | None = None
    history: list[HistoryFields] | None = None
    customer_id: str | None = None


class OwnBookingReply(BookingReply):
    """A booking; with its manage token also what the customer cannot look up: names, the address and the time zone."""

    property_name: str | None = None
    property_address: str | None = None
    technician_names: list[str] | None = None
    timezone: str | None = None


class MadeReply(BookingReply):
    """The booking that a request made or had made before. With the publishable key, `customer` and `description` are
    null and there is no `manage_token`, unless this request made it less than 15 minutes ago."""

    customer: CustomerFields | None  # type: ignore[assignment]  # describes a reply; no value is made of it
    description: str | None  # type: ignore[assignment]


class ManageTokenReply(Shown):
    """The token of a booking that is valid from now on; all earlier ones have ended."""

    manage_token: str


class Booking(BookingReply):
    """One booking as MongoDB has it. Times are aware UTC; ticks are in `claims` alone.

    hold_id, held_as: the name by which Redis knew its hold, and the id by which its holder knows it. placed_as: the
    name under which a direct booking pinned its claims in Redis.
    holder_digest: of the holder that its hold named, who finds by it that a slot is taken by this booking.
    made_by, fingerprint: the API key and the digest of the request that made it, which tell a repeat of that request
    from another one. token_generation: which of its manage tokens is valid.
    """

    org: str
    claims: SkipValidation[tuple[tuple[str, int], ...]]
    history: list[HistoryFields]
    placed_as: str | None = None
    held_as: str | None = None
    holder_digest: str | None = None
    made_by: str = ""
    fingerprint: str | None = None
    token_generation: int = 0

    def changed(self, **values: Any) -> Booking:
        """The same booking with other values of some fields."""
        return self.model_copy(update=values)

    @property
    def active(self) -> bool:
        return self.status in ACTIVE_STATUSES
