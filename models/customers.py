"""A person whose data is to be erased or exported, and the answers."""

from __future__ import annotations

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from models.booking import BookingReply
from models.contacts import Email, Phone
from models.fields import Form, Request, Shown
from models.waitlist import WaitReply


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


class PersonReply(Shown):
    """All that is held of a person: bookings by start, with their histories, and waitlist entries, oldest first."""

    bookings: list[BookingReply]
    waitlist: list[WaitReply]
