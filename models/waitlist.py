"""The waitlist: its entries wait for a slot to become free."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from models.access import Role
from models.booking import Customer, CustomerFields
from models.fields import PlainId, Request, Shown, WholeNumber
from models.slot import SlotOptions
from models.team import Team
from models.times import Instant, Moment
from models.working_hours import Shift

WaitStatus = Literal["waiting", "offered", "booked", "lapsed", "cancelled"]

LIVE_STATUSES = frozenset({"waiting", "offered"})


class WaitRequest(Team):
    """Body of POST /waitlist: a visit of some length, anywhere in the window [from, to).

    No technician means any; no duration the one of the service, else of the org's policy. hours: the times of day, by
    the property's clock, within which the visit lies; without them at any hour. An offer stands for offer_minutes.
    """

    property_id: PlainId
    service_id: PlainId | None = None
    from_: Moment = Field(alias="from")
    to: Moment
    duration_minutes: Annotated[WholeNumber, Field(ge=1, le=1440)] | None = None
    hours: Annotated[list[Shift], Field(min_length=1, max_length=8)] | None = None
    customer: Customer
    offer_minutes: Annotated[WholeNumber, Field(ge=1, le=1440)] = 15

    @field_validator("to")
    @classmethod
    def _is_after_from(cls, to: datetime, info: ValidationInfo) -> datetime:
        begin = info.data.get("from_")  # not there where it could not be read
        if begin is not None and to <= begin:
            raise PydanticCustomError("bad_span", "Give {field} as a time after from.")
        return to

    @property
    def lengths(self) -> SlotOptions:
        """What the request says of the length of the visit."""
        return SlotOptions(service_id=self.service_id, duration_minutes=self.duration_minutes)


@dataclass(frozen=True, slots=True)
class WaitEntry:
    """One entry of the waitlist as MongoDB has it. Times are aware UTC.

    technician_ids: of a crew that was asked for, all of them. technicians: how many of any were asked for.
    hours: the times of day within which the visit lies; empty means any.
    hold_id: the name of the hold that is offered, or was; while the entry is `waiting`, the name under which its next
    offer will be placed, or is being placed just now.
    held_as, start, end, offered_technician_id, offered_technician_ids, offered_until: of the last offer; held_as is its
    hold's id for clients.
    unsettled: the relay has to look at it, because it waits, or because a hold of it may still be placed.
    made_by, fingerprint: the API key and the digest of the request that made it, which tell a repeat from a reuse.
    joined_from: a digest of the client's address, of an entry that was made with the publishable key; else None.
    waits_as: of such an entry: for `phone`, `email` or `address` a digest of who waits for what, `who`, and a number,
    `turn`. No two entries have the same two.
    """

    waitlist_id: str
    org: str
    made_by: str
    status: WaitStatus
    property_id: str
    technician_id: str | None
    from_: datetime
    to: datetime
    duration_minutes: int
    offer_minutes: int
    customer: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    technician_ids: list[str] | None = None
    technicians: int = 1
    hours: list[list[str]] = field(default_factory=list)
    unsettled: bool = True
    hold_id: str | None = None
    held_as: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    offered_technician_id: str | None = None
    offered_technician_ids: list[str] | None = None
    offered_until: datetime | None = None
    booking_id: str | None = None
    fingerprint: str | None = None
    joined_from: str | None = None
    waits_as: dict[str, dict[str, Any]] = field(default_factory=dict)
    service_id: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def joined_by(self) -> Role:
        """The role of the key that joined, which the history names first."""
        role, _, _ = str(self.history[0]["by"]).partition(":")
        return Role(role)

    @property
    def named(self) -> tuple[str, ...]:
        """The ids of the technicians who are asked for; none if any will do."""
        return tuple(self.technician_ids or ([self.technician_id] if self.technician_id is not None else ()))

    @property
    def wish(self) -> tuple[object, ...]:
        """What it waits for: of two entries with the same wish the first is served first."""
        hours = tuple(map(tuple, self.hours))
        where = (self.property_id, self.named, self.technicians, self.service_id)
        return (*where, self.duration_minutes, self.from_, self.to, hours)

    @property
    def lengths(self) -> SlotOptions:
        """How long the visit is. The rest follows from its service or the policy."""
        return SlotOptions(service_id=self.service_id, duration_minutes=self.duration_minutes)

    @property
    def standing(self) -> frozenset[str]:
        """The slot fields that a change of the service does not touch, see Candidates.wish."""
        return frozenset({"service_id", "duration_minutes"}) if self.service_id else frozenset()


class WaitQuery(Request):
    """Query of GET /waitlist: entries in the order in which they are served."""

    property_id: PlainId | None = None
    status: WaitStatus | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class WaitReply(Shown):
    """An entry of the waitlist. The offer's members come with an offer; `booking_id` when it was booked; `customer` for
    staff.

    technician_id: the technician who was asked for, the first of `technician_ids` where a crew was; technicians: how
    many come, where several were asked for; offered_technician_id, offered_technician_ids: those who come with the
    offer.
    """

    model_config = ConfigDict(populate_by_name=True)

    waitlist_id: str
    status: WaitStatus
    property_id: str
    technician_id: str | None
    technician_ids: list[str] | None = None
    technicians: int | None = None
    from_: Instant = Field(alias="from")
    to: Instant
    duration_minutes: int
    hours: list[list[str]] | None = None
    offer_minutes: int
    created_at: Instant
    hold_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    offered_technician_id: str | None = None
    offered_technician_ids: list[str] | None = None
    expires_at: Instant | None = None
    booking_id: str | None = None
    service_id: str | None = None
    customer: CustomerFields | None = None

    @classmethod
    def of(cls, entry: WaitEntry, *, with_customer: bool) -> WaitReply:
        """What is shown of an entry; an offer only while it is whole, for `hold_id` is a secret before that."""
        own = ("waitlist_id", "status", "property_id", "technician_id", "technician_ids", "from_", "to")
        others = ("duration_minutes", "offer_minutes", "created_at", "booking_id", "service_id")
        values = {name: getattr(entry, name) for name in (*own, *others)}
        values["technicians"] = entry.technicians if entry.technicians > 1 else None
        if entry.start and entry.end and entry.offered_until:
            offered = ("start", "end", "offered_technician_id", "offered_technician_ids")
            values |= {name: getattr(entry, name) for name in offered}
            values |= {"hold_id": entry.held_as, "expires_at": entry.offered_until}
        return cls(**values, hours=entry.hours or None, customer=entry.customer if with_customer else None)


class WaitPage(Shown):
    """One page of the waitlist, the oldest entry first; `next_cursor` is null on the last one."""

    waitlist: list[WaitReply]
    next_cursor: str | None
