"""Rows of bookings.csv: from a foreign system's few columns, or from everything that export writes, to a booking.

The field types are the API's own, so the rules exist once. Policy is not asked, the grid is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from models.booking import Booking, BookingStatus, Customer, Priority, Source
from models.catalogue import Duration
from models.fields import Minutes, Moment, Name, PlainId, Request, ShortText, Text, WholeNumber
from models.slot import Visit
from scripts.carry import cells
from scripts.carry.catalogue_rows import BadRow, faults_of
from scripts.carry.problems import Fault
from scripts.carry.sheet import Columns
from services.booking_records import change
from services.timegrid import FIRST_DAY, LAST_DAY, Grid, to_milliseconds
from services.tokens import booking_id_for

LONGEST = timedelta(days=1)
_CUSTOMER = ("name", "phone", "email")
_NUMBERS = frozenset({"duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "version"})
_TRUTHS = frozenset({"fallback_used"})

BookingId = Annotated[str, StringConstraints(pattern=r"^bk_[a-z2-7]{26}$")]


class BookingRow(Request):
    """What a row may say. Left out: what the API would have made of it."""

    booking_id: BookingId | None = None
    reference: ShortText | None = None
    status: BookingStatus = "confirmed"
    property_id: PlainId
    technician_id: PlainId
    start: Moment
    end: Moment | None = None
    duration_minutes: Duration | None = None
    buffer_before_minutes: Minutes = 0
    buffer_after_minutes: Minutes = 0
    customer: Customer
    description: Text = ""
    priority: Priority = "medium"
    source: Source = "api"
    reserved_by: Name | None = None
    reserved_until: Moment | None = None
    version: Annotated[WholeNumber, Field(ge=1, le=2**31 - 1)] = 1
    created_at: Moment | None = None
    updated_at: Moment | None = None
    requested_start: Moment | None = None
    fallback_used: bool | None = None
    hold_id: PlainId | None = None
    placed_as: PlainId | None = None
    made_by: PlainId | None = None
    fingerprint: PlainId | None = None


_EXPORTED = [name for name in BookingRow.model_fields if name != "reference"]
_CELLS = tuple(
    cell
    for name in _EXPORTED
    for cell in ([f"customer_{part}" for part in _CUSTOMER] if name == "customer" else [name])
)
COLUMNS = Columns(("reference", *_CELLS), ("property_id", "technician_id", "start", "customer_name"))
EXPORTED = _CELLS
"""All that a booking has, but for its claims, which follow from it, and its history."""


def parse(row: dict[str, str], *, org: str, now: datetime, grid: Grid) -> Booking:
    """The booking of a row, made `now` where the row does not say when. Raises BadRow."""
    try:
        given = BookingRow.model_validate(_values(row))
    except ValidationError as error:
        raise BadRow(faults_of(error, _column)) from None
    faults = _faults(given, grid)
    if faults:
        raise BadRow(faults)
    return _booking(given, row, org, now, grid)


def differing(row: dict[str, str], booking: Booking, there: Booking) -> list[str]:
    """The columns in which a row says something else than the booking that is there."""
    fields = {"customer" if column.startswith("customer_") else column for column in row} & set(_EXPORTED)
    return sorted(name for name in fields - {"booking_id"} if getattr(booking, name) != getattr(there, name))


def write(booking: Booking) -> list[str]:
    """The cells of a booking, in the order of EXPORTED."""
    written = []
    for column in EXPORTED:
        part = column.removeprefix("customer_")
        value = getattr(booking, column) if part == column else booking.customer.get(part)
        written.append(cells.written(value))
    return written


def _values(row: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column, cell in row.items():
        if column in _NUMBERS:
            values[column] = cells.number(cell)
        elif column in _TRUTHS:
            values[column] = cells.truth(cell)
        elif not column.startswith("customer_"):
            values[column] = cell
    given = ((part, row.get(f"customer_{part}")) for part in _CUSTOMER)
    return values | {"customer": {part: cell for part, cell in given if cell is not None}}


def _column(place: str) -> str:
    return place.replace("customer.", "customer_")


def _faults(given: BookingRow, grid: Grid) -> list[Fault]:
    faults = []
    if given.booking_id and given.reference:
        faults.append(Fault("reference", "give either booking_id or reference"))
    if not datetime(FIRST_DAY.year, 1, 1, tzinfo=UTC) <= given.start < datetime(LAST_DAY.year, 12, 1, tzinfo=UTC):
        return [*faults, Fault("start", "there is no such time in this calendar")]
    if not grid.is_on_grid(given.start):
        faults.append(Fault("start", f"should be on the grid of {grid.minutes} minutes"))
    faults += _length_faults(given, grid)
    for name in ("buffer_before_minutes", "buffer_after_minutes"):
        if getattr(given, name) % grid.minutes:
            faults.append(Fault(name, f"should be a multiple of {grid.minutes}"))
    if given.status == "pending":
        missing = [name for name in ("reserved_by", "reserved_until") if getattr(given, name) is None]
        faults += [Fault(name, "is required while status is pending") for name in missing]
    return faults


def _length_faults(given: BookingRow, grid: Grid) -> list[Fault]:
    minutes, end = given.duration_minutes, given.end
    if minutes is not None and minutes % grid.minutes:
        return [Fault("duration_minutes", f"should be a multiple of {grid.minutes}")]
    if end is not None:
        wrong = _wrong_end(given.start, end, minutes, grid)
        return [Fault("end", wrong)] if wrong else []
    return [Fault("duration_minutes", "is required where there is no end")] if minutes is None else []


def _wrong_end(start: datetime, end: datetime, minutes: int | None, grid: Grid) -> str | None:
    if end <= start:
        return "should be after start"
    if end - start > LONGEST:
        return "should be within a day of start"
    if not grid.is_on_grid(end):
        return f"should be on the grid of {grid.minutes} minutes"
    if minutes is not None and start + timedelta(minutes=minutes) != end:
        return "should be start and duration_minutes together"
    return None


def _booking(given: BookingRow, row: dict[str, str], org: str, now: datetime, grid: Grid) -> Booking:
    end = given.end or given.start + timedelta(minutes=given.duration_minutes or 0)
    before, after = given.buffer_before_minutes, given.buffer_after_minutes
    created, requested = to_milliseconds(given.created_at or now), given.requested_start or given.start
    moved = requested != given.start
    same = ("status", "property_id", "technician_id", "start", "description", "priority", "source", "version")
    kept = ("reserved_by", "hold_id", "placed_as", "fingerprint")
    visit = Visit(
        given.property_id,
        given.technician_id,
        grid.tick(given.start),
        grid.tick(end),
        grid.ticks(before),
        grid.ticks(after),
    )
    return Booking(
        booking_id=given.booking_id or _derived_id(given.reference, row, org),
        org=org,
        end=end,
        duration_minutes=(end - given.start) // timedelta(minutes=1),
        buffer_before_minutes=before,
        buffer_after_minutes=after,
        customer=given.customer.model_dump(exclude_none=True),
        created_at=created,
        updated_at=to_milliseconds(given.updated_at) if given.updated_at else created,
        requested_start=to_milliseconds(requested),
        fallback_used=moved if given.fallback_used is None else given.fallback_used,
        claims=tuple(visit.claims()),
        made_by=given.made_by or "",
        reserved_until=to_milliseconds(given.reserved_until) if given.reserved_until else None,
        history=[change(now, "system", "import", {})],
        **{name: getattr(given, name) for name in same + kept},
    )


def _derived_id(reference: str | None, row: dict[str, str], org: str) -> str:
    """The same for the same row, so that the same file twice makes nothing twice, in whatever order its columns are."""
    if reference is not None:
        return booking_id_for(org, "import", "reference", reference)
    digest = blake2b(json.dumps(sorted(row.items())).encode(), digest_size=16)
    return booking_id_for(org, "import", "row", digest.hexdigest())
