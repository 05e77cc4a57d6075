"""The slot: what a visit asks for, in ticks, and which claims it makes.

A tick is one step of the time grid, the integer `epoch seconds // grid seconds`. Spans are half-open: [from, to).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from models.details import Override, Overrides
from models.fields import Minutes, PlainId, Request, WholeNumber
from models.times import Moment

PROPERTY = "property"
TECHNICIAN = "technician"

Claim = tuple[str, int]
"""One (resource, tick) pair; a resource is `property:<id>` or `technician:<id>`."""


class SlotOptions(Request):
    """What may be said of a slot besides where and when. Left out: from the service that is named, else from the org's
    policy; no technician means any.

    override: the rules that staff lift for this visit.
    """

    technician_id: PlainId | None = None
    service_id: PlainId | None = None
    duration_minutes: Annotated[WholeNumber, Field(ge=1, le=1440)] | None = None
    buffer_before_minutes: Minutes | None = None
    buffer_after_minutes: Minutes | None = None
    fallback: Literal["none", "next_available"] = "none"
    suggest: Annotated[WholeNumber, Field(ge=0, le=5)] = 0
    override: Overrides = Field(default_factory=list)


class SlotFields(SlotOptions):
    """The slot as clients ask for it."""

    property_id: PlainId
    start: Moment


@dataclass(frozen=True, slots=True)
class Visit:
    """A slot on one property and one technician, in ticks.

    start, end: the visit itself, which the property is claimed for.
    before, after: ticks of travel around it, which the technician is claimed for as well.
    """

    property_id: str
    technician_id: str
    start: int
    end: int
    before: int = 0
    after: int = 0

    @property
    def property_resource(self) -> str:
        return f"{PROPERTY}:{self.property_id}"

    @property
    def technician_resource(self) -> str:
        return f"{TECHNICIAN}:{self.technician_id}"

    @property
    def technician_span(self) -> tuple[int, int]:
        return self.start - self.before, self.end + self.after

    def spans(self) -> list[tuple[str, int, int]]:
        """The property's and the technician's (resource, from, to)."""
        return [
            (self.property_resource, self.start, self.end),
            (self.technician_resource, *self.technician_span),
        ]

    def claims(self) -> list[Claim]:
        """Every (resource, tick) that this visit occupies, the property's first."""
        return [(resource, tick) for resource, begin, end in self.spans() for tick in range(begin, end)]


@dataclass(frozen=True, slots=True)
class Wish:
    """A request for a slot after policy filled it in, in ticks; `technician_id` None means any free technician.

    service_id: what is done there; its skill decides who may go. None for anything.
    standing: a booking has this start already, so today's lead and horizon do not apply to it.
    discreet: the client must not learn when technicians are off, so time off looks like bookings.
    lifted: the rules that do not apply to it. for_staff: the client may lift rules.
    """

    property_id: str
    technician_id: str | None
    start: int
    length: int
    before: int
    after: int
    fallback: bool = False
    suggest: int = 0
    standing: bool = False
    discreet: bool = False
    for_staff: bool = False
    lifted: frozenset[Override] = frozenset()
    service_id: str | None = None

    @classmethod
    def exactly(cls, visit: Visit, *, suggest: int = 0, service_id: str | None = None) -> Wish:
        """The wish for just this visit."""
        return cls(
            visit.property_id,
            visit.technician_id,
            visit.start,
            visit.end - visit.start,
            visit.before,
            visit.after,
            suggest=suggest,
            service_id=service_id,
        )

    def at(self, start: int, technician_id: str) -> Visit:
        """The visit that this wish becomes at another start, with a chosen technician."""
        return Visit(self.property_id, technician_id, start, start + self.length, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands in the way on one resource: held or booked, and the span that the other visit occupies there.

    yours: it is the caller's own hold, or a booking that was made of one. hold_id, booking_id: what it is; for staff
    alone.
    """

    kind: str
    id: str
    state: Literal["held", "booked"]
    start: datetime
    end: datetime
    retry_after_seconds: int | None = None
    yours: bool | None = None
    hold_id: str | None = None
    booking_id: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A slot that was free when it was looked for."""

    start: datetime
    end: datetime
    technician_id: str
