"""A hold: a claim set with an owner and an expiry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from models.fields import Request, WholeNumber, printable
from models.slot import SlotFields, Visit

HoldStatus = Literal["held", "confirming", "booked", "released", "expired"]

Holder = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(printable)]
"""Who a hold is for: a checkout session, a phone number, a desk user. Never logged, stored as a digest."""


class HoldRequest(SlotFields):
    """Body of POST /hold."""

    ttl_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)] | None = None
    holder: Holder | None = None


class ExtendRequest(Request):
    """Body of POST /hold/{id}/extend: how long the hold should live from now."""

    ttl_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)]


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold as it stands. Times are aware UTC; `visit` is in ticks."""

    hold_id: str
    visit: Visit
    status: HoldStatus
    start: datetime
    end: datetime
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    ttl_seconds: int
    created_at: datetime
    expires_at: datetime
    requested_start: datetime
    owner: str
    booking_id: str | None = None

    @property
    def fallback_used(self) -> bool:
        return self.start != self.requested_start


class HoldReply(Request):
    """What clients see of a hold; the shape of every hold in the API."""

    hold_id: str
    property_id: str
    technician_id: str
    start: datetime
    end: datetime
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    status: HoldStatus
    expires_at: datetime
    ttl_seconds: int
    requested_start: datetime
    fallback_used: bool
    booking_id: str | None = None


Record = dict[str, Any]
"""A document or a hash as a store gives it."""
