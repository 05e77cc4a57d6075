"""The slot: what a visit asks for, in ticks, and which claims it makes.

A tick is one step of the time grid, the integer `epoch seconds // grid seconds`. Spans are half-open: [from, to).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from models.details import Override, Overrides
from models.fields import Minutes, PlainId, WholeNumber
from models.team import Team
from models.times import Moment

PROPERTY = "property"
TECHNICIAN = "technician"

Claim = tuple[str, int]
"""One (resource, tick) pair; a resource is `property:<id>` or `technician:<id>`."""

MOST_CLAIMS = 2_000
"""A visit has no more: a building has as many units as fit."""


class SlotOptions(Team):
    """What may be said of a slot besides where and when. Left out: from the service that is named, else from the org's
    policy; no technician means any.

    override: the rules that staff lift for this visit.
    """

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
    """A slot on one property and its technicians, in ticks.

    technician_id: the first technician; crew: the others. units: of a building, all of which the visit takes.
    start, end: the visit itself, which the property and the units are claimed for.
    before, after: ticks of travel around it, which each technician is claimed for as well.
    """

    property_id: str
    technician_id: str
    start: int
    end: int
    before: int = 0
    after: int = 0
    crew: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def technician_ids(self) -> tuple[str, ...]:
        return (self.technician_id, *self.crew)

    @property
    def technician_span(self) -> tuple[int, int]:
        """The ticks that each technician is claimed for."""
        return self.start - self.before, self.end + self.after

    def spans(self) -> list[tuple[str, int, int]]:
        """The (resource, from, to) of the property, of its units, and of the technicians, in this order."""
        leaves, returns = self.technician_span
        return [
            (f"{PROPERTY}:{self.property_id}", self.start, self.end),
            *((f"{PROPERTY}:{unit}", self.start, self.end) for unit in self.units),
            *((f"{TECHNICIAN}:{who}", leaves, returns) for who in self.technician_ids),
        ]

    def claims(self) -> list[Claim]:
        """Every (resource, tick) that this visit occupies, in the order of its spans."""
        return [(resource, tick) for resource, begin, end in self.spans() for tick in range(begin, end)]


class Choice(NamedTuple):
    """A start, and the technicians who may come then, in order of preference; as many of them come as a wish needs."""

    start: int
    technician_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """A request for a slot after policy filled it in, in ticks.

    named: all of these technicians come; if empty, any. needed: how many come. units: of the property, known once the
    catalogue was asked for it.
    service_id: what is done there; its skill decides who may go. None for anything.
    standing: a booking has this start already, so today's lead and horizon do not apply to it.
    discreet: the client must not learn when technicians are off, so time off looks like bookings.
    lifted: the rules that do not apply to it. for_staff: the client may lift rules.
    """

    property_id: str
    named: tuple[str, ...]
    start: int
    length: int
    before: int
    after: int
    needed: int = 1
    units: tuple[str, ...] = ()
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
        length, who = visit.end - visit.start, visit.technician_ids
        return cls(
            *(visit.property_id, who, visit.start, length, visit.before, visit.after, len(who)),
            units=visit.units,
            suggest=suggest,
            service_id=service_id,
        )

    @property
    def size(self) -> int:
        """How many claims each visit of this wish has."""
        return (1 + len(self.units)) * self.length + self.needed * (self.before + self.length + self.after)

    @property
    def site(self) -> list[str]:
        """The resources of the property and of its units."""
        return [f"{PROPERTY}:{each}" for each in (self.property_id, *self.units)]

    def travel(self, start: int) -> tuple[int, int]:
        """The ticks that a technician is claimed for by a visit at this start."""
        return start - self.before, start + self.length + self.after

    def at(self, start: int, technician_ids: Sequence[str]) -> Visit:
        """The visit that this wish becomes at a start, with the technicians who were chosen."""
        first, *crew = technician_ids
        end, around = start + self.length, (self.before, self.after)
        return Visit(self.property_id, first, start, end, *around, tuple(crew), self.units)

    def allows(self, choice: Choice, visit: Visit) -> bool:
        """Whether a visit is one that this wish becomes by a choice."""
        who = visit.technician_ids
        chosen = len(who) == self.needed and set(who) <= set(choice.technician_ids)
        return chosen and visit == self.at(choice.start, who)


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
    """A slot that was free when it was looked for. technician_ids: where several technicians were asked for."""

    start: datetime
    end: datetime
    technician_id: str
    technician_ids: list[str] | None = None
