"""Customers as staff see them, and a person whose data is to be erased or exported."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from models.booking import BookingReply
from models.contacts import Email, FormEmail, FormPhone, Phone
from models.details import Note
from models.fields import Form, Name, PlainId, Request, Shown, WholeNumber
from models.messages import MessageReply
from models.waitlist import WaitReply


class CustomerQuery(Request):
    """Query of GET /customers/{id}: a page of the customer's bookings."""

    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class CustomersQuery(CustomerQuery):
    """Query of GET /customers: those in which each word of q begins a word of the name, or whose phone ends with it, or
    whose e-mail address begins with it."""

    q: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None


class CustomerRecord(Shown):
    """A customer: all bookings with one phone, or without a phone with one e-mail address, are of one."""

    customer_id: str
    name: str
    phone: str | None
    email: str | None
    notes: str | None
    visits: int
    version: int


class CustomerPage(Shown):
    """One page of customers by id; `next_cursor` is null on the last one."""

    customers: list[CustomerRecord]
    next_cursor: str | None


class CustomerWithBookings(CustomerRecord):
    """A customer, and one page of the bookings, the latest start first; `next_cursor` is null on the last page."""

    bookings: list[BookingReply]
    next_cursor: str | None


class CustomerPatch(Request):
    """Body of PATCH /customers/{id}: only the fields that change. Null empties all but the name."""

    emptied_by_null = frozenset({"phone", "email", "notes"})

    name: Name | None = None
    phone: FormPhone = None
    email: FormEmail = None
    notes: Note = None


class MergeRequest(Request):
    """Body of POST /customers/{id}/merge.

    into: the customer that stays.
    """

    into: PlainId


class PersonRequest(Request):
    """Body of POST /customers/erase and /customers/export: a person by phone, or by e-mail address."""

    forms = (
        Form("PersonByPhone", "Names a person by phone.", needs=("phone",), without=("email",)),
        Form("PersonByEmail", "Names a person by e-mail address.", needs=("email",), without=("phone",)),
    )

    phone: Phone | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _names_one_person(self) -> PersonRequest:
        if self.phone is None and self.email is None:
            raise PydanticCustomError("none_of", "Give {needed}.", {"needed": "phone or email"})
        if self.phone is not None and self.email is not None:
            raise PydanticCustomError("conflicting", "Give phone or email, one at a time.")
        return self


class Erased(Shown):
    """How many records lost personal data just now; a repeat finds none."""

    bookings: int
    waitlist: int
    customers: int
    messages: int = 0


class PersonReply(Shown):
    """All that is held of a person: bookings by start, with their histories, waitlist entries, oldest first, customers,
    and the messages that were sent."""

    bookings: list[BookingReply]
    waitlist: list[WaitReply]
    customers: list[CustomerRecord]
    messages: list[MessageReply]
