"""A hold: a claim set with an owner and an expiry."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, SkipValidation, StringConstraints

from models.booking import Source
from models.fields import PlainId, Printable, Request, Shown, WholeNumber
from models.slot import SlotFields, Visit
from models.times import DayOrMoment, Instant

HoldStatus = Literal["held", "confirming", "booked", "released", "expired"]

Holder = Annotated[str, StringConstraints(min_length=1, max_length=128), Printable]
"""The holder of a hold: a checkout session, a phone number, a desk user. Never logged, stored as a digest."""


class HoldRequest(SlotFields):
    """Body of POST /hold. replaces: an own live hold that is let go if this one is granted."""

    ttl_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)] | None = None
    holder: Holder | None = None
    replaces: PlainId | None = None


class ExtendRequest(Request):
    """Body of POST /hold/{id}/extend: how long the hold should live from now."""

    ttl_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)]


class HoldReply(Shown):
    """What clients see of a hold. `booking_id` only where it became a booking. `remaining_seconds` counts from the time
    of the reply, by the clock that ends the hold. `ref` names it in live events."""

    hold_id: str
    ref: str
    property_id: str
    technician_id: str
    technician_ids: list[str]
    start: datetime
    end: datetime
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    status: HoldStatus
    expires_at: Instant
    ttl_seconds: int
    remaining_seconds: int
    source: Source
    requested_start: datetime
    fallback_used: bool
    booking_id: str | None = None
    service_id: str | None = None


class HoldPage(Shown):
    """One page of live holds; `next_cursor` is null on the last one. A page may be empty although more follow."""

    holds: list[HoldReply]
    next_cursor: str | None


class HoldsQuery(Request):
    """Query of GET /holds: live holds whose visits overlap [from, to); without from, those of staff that are not over.

    A bare date is the first instant of that local date: of the property, else of the technician, else of the org.
    """

    model_config = ConfigDict(populate_by_name=True)

    holder: Holder | None = None
    property_id: PlainId | None = None
    technician_id: PlainId | None = None
    from_: DayOrMoment | None = Field(None, alias="from")
    to: DayOrMoment | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=512)] | None = None


class Hold(HoldReply):
    """One hold as it stands. Times are aware UTC; `visit` is the same visit in ticks."""

    visit: SkipValidation[Visit]
    created_at: datetime
    owner: str
