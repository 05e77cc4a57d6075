"""What the client takes and gives. Members of replies that it does not know are ignored, so a newer server is fine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Customer:
    """The person that a visit is for."""

    name: str
    phone: str | None = None
    email: str | None = None

    def json(self) -> Json:
        """The customer as a request has it, without what is not known."""
        members = {"name": self.name, "phone": self.phone, "email": self.email}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Slot:
    """One start. technician_ids: who could come."""

    start: datetime
    end: datetime
    technician_ids: tuple[str, ...]
    state: str = "free"

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From an availability, or from `next_available` of a refusal."""
        technicians = reply["technician_ids"] if "technician_ids" in reply else [reply["technician_id"]]
        return cls(_time(reply["start"]), _time(reply["end"]), tuple(technicians), reply.get("state", "free"))


@dataclass(frozen=True, slots=True)
class Service:
    """What is done on a visit: how long it takes, the travel around it, and what it costs, in words."""

    id: str
    name: str
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    skill: str | None
    price_text: str | None
    public: bool

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From the reply of a call on services."""
        return cls(
            reply["id"],
            reply["name"],
            reply["duration_minutes"],
            reply["buffer_before_minutes"],
            reply["buffer_after_minutes"],
            reply["skill"],
            reply["price_text"],
            reply["public"],
        )


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One visit of a series that was looked at. state: `free`, `taken` or `closed`; code: why it is not free.

    instead: a slot that was free in its place, if one was found.
    """

    start: datetime
    end: datetime
    state: str
    code: str | None = None
    instead: Slot | None = None

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From a dry run of a series, or from `occurrences` of its refusal."""
        found = reply.get("next_available") or ()
        instead = next(map(Slot.of, found), None)
        return cls(_time(reply["start"]), _time(reply["end"]), reply["state"], reply.get("code"), instead)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One property or technician that is taken. kind: `property` or `technician`; state: `held` or `booked`."""

    kind: str
    id: str
    state: str
    start: datetime
    end: datetime
    retry_after_seconds: int | None = None
    yours: bool = False

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From `conflicts` of a refusal."""
        return cls(
            reply["kind"],
            reply["id"],
            reply["state"],
            _time(reply["start"]),
            _time(reply["end"]),
            reply.get("retry_after_seconds"),
            reply.get("yours", False),
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """A slot that is kept until expires_at. booking_id: what it became. service_id: what is done there."""

    hold_id: str
    status: str
    property_id: str
    technician_id: str
    start: datetime
    end: datetime
    expires_at: datetime
    booking_id: str | None = None
    service_id: str | None = None

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From the reply of a call on a hold."""
        return cls(
            reply["hold_id"],
            reply["status"],
            reply["property_id"],
            reply["technician_id"],
            _time(reply["start"]),
            _time(reply["end"]),
            _time(reply["expires_at"]),
            reply.get("booking_id"),
            reply.get("service_id"),
        )


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking. manage_token: the customer's credential, in the reply that made it. service_id: what is done there.

    series_id: of the series that it is a visit of.
    """

    booking_id: str
    status: str
    property_id: str
    technician_id: str
    start: datetime
    end: datetime
    version: int
    manage_token: str | None = None
    service_id: str | None = None
    series_id: str | None = None

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From the reply of a call on a booking."""
        return cls(
            reply["booking_id"],
            reply["status"],
            reply["property_id"],
            reply["technician_id"],
            _time(reply["start"]),
            _time(reply["end"]),
            reply["version"],
            reply.get("manage_token"),
            reply.get("service_id"),
            reply.get("series_id"),
        )


@dataclass(frozen=True, slots=True)
class Reassigned:
    """What became of the visits of a technician. moves: booking id -> the technician who gets it. left: booking id ->
    the code of the reason why it stays."""

    moves: dict[str, str]
    left: dict[str, str]

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From the reply of a call that reassigns."""
        moves = {each["booking_id"]: each["to_technician_id"] for each in reply["moves"]}
        return cls(moves, {each["booking_id"]: each["code"] for each in reply["left"]})


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer as the office knows it. booking_ids: the visits that were read with it, the latest start first."""

    customer_id: str
    name: str
    phone: str | None
    email: str | None
    notes: str | None
    visits: int
    booking_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From a list of customers, or from the reply of a call on one."""
        return cls(
            reply["customer_id"],
            reply["name"],
            reply["phone"],
            reply["email"],
            reply["notes"],
            reply["visits"],
            tuple(booking["booking_id"] for booking in reply.get("bookings", ())),
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that hears of changes. status: `active` or `disabled`. secret: only in the reply that made it."""

    webhook_id: str
    url: str
    kinds: tuple[str, ...]
    status: str
    secret: str | None = None

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From a list of webhooks, or from the reply of a call on one."""
        kinds = tuple(reply["kinds"])
        return cls(reply["webhook_id"], reply["url"], kinds, reply["status"], reply.get("secret"))


@dataclass(frozen=True, slots=True)
class Message:
    """A text or an e-mail to a customer. channel: `sms` or `email`. to, text: None where there is nothing to send."""

    message_id: str
    kind: str
    channel: str
    to: str | None
    text: str | None
    status: str

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From a list of messages."""
        sent = (reply["to"], reply["text"], reply["status"])
        return cls(reply["message_id"], reply["kind"], reply["channel"], *sent)


@dataclass(frozen=True, slots=True)
class User:
    """A person of the office who signs in. status: `active` or `disabled`."""

    id: str
    name: str
    email: str
    role: str
    status: str

    @classmethod
    def of(cls, reply: Json) -> Self:
        """From the reply of a call on people."""
        return cls(*(reply[name] for name in ("id", "name", "email", "role", "status")))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
