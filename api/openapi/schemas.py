"""Shapes that only the HTTP side knows: pages of the catalogue, problem documents, and what operators ask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.availability import OpeningReply
from models.catalogue import Property, ResourceStatus, Technician
from models.fields import PlainId, Printable, Request, Shown, WholeNumber
from models.series import SeriesOccurrence
from models.service import Service
from models.times import Moment

SearchText = Annotated[str, Field(min_length=1, max_length=100), Printable]


class PageQuery(Request):
    """Query of a list by id."""

    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class ServiceQuery(PageQuery):
    """Query of a list of services: those with each word of `q` at the beginning of a word of their id or name. Case and
    accents do not count."""

    q: SearchText | None = None


class CatalogueQuery(PageQuery):
    """Query of a list of properties or technicians: those with this status, and with each word of `q` at the beginning
    of a word of their id, name or address. Case and accents do not count."""

    status: ResourceStatus | None = None
    q: SearchText | None = None


class PropertyPage(Shown):
    """One page of properties by id; `next_cursor` is null on the last one."""

    properties: list[Property]
    next_cursor: str | None


class TechnicianPage(Shown):
    """One page of technicians by id; `next_cursor` is null on the last one."""

    technicians: list[Technician]
    next_cursor: str | None


class ServicePage(Shown):
    """One page of services by id; `next_cursor` is null on the last one."""

    services: list[Service]
    next_cursor: str | None


class Health(Shown):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Shown):
    """Every check by name, each `ok`."""

    status: Literal["ready"]
    checks: dict[str, str]


class FaultReply(Shown):
    """One thing that is wrong with a request."""

    field: str
    code: str
    message: str


class BlockReply(Shown):
    """What stands in the way on one resource, and the span that it takes up there; no identity of anyone.

    `yours` where it is the caller's own hold; `hold_id` or `booking_id` for staff alone.
    """

    kind: Literal["property", "technician"]
    id: PlainId
    state: Literal["held", "booked"]
    start: Moment
    end: Moment
    retry_after_seconds: Annotated[int, Field(ge=1)] | None = None
    yours: Literal[True] | None = None
    hold_id: str | None = None
    booking_id: str | None = None


class Problem(Shown):
    """RFC 9457. `code` is the stable word; `detail` is a sentence that a customer could read."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FaultReply] | None = None
    conflicts: list[BlockReply] | None = None
    next_available: list[OpeningReply] | None = None
    occurrences: list[SeriesOccurrence] | None = None
    checks: dict[str, str] | None = None
