"""Rows of bookings.csv: from a foreign system's few columns, or from everything that export writes, to a booking.

The field types are the API's own, so the rules exist once. Policy is not asked, the grid is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import Field

from models.booking import Booking, BookingStatus, Customer, Details, Source
from models.catalogue import Duration
from models.fields import Matches, Minutes, Moment, Name, PlainId, Request, ShortText, WholeNumber
from models.slot import Visit
from scripts.sheets import cells
from scripts.sheets.catalogue_rows import BadRow, Reading, read
from scripts.sheets.problems import Fault
from scripts.sheets.sheet import Columns
from services.ids import booking_id_for, is_pin
from services.ledger.documents import change
from services.timetable.grid import FIRST_DAY, LAST_DAY, Grid, to_milliseconds

LONGEST = timedelta(days=1)
_CUSTOMER = ("name", "phone", "email")
_NUMBERS = frozenset({"duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "version"})
_TRUTHS = frozenset({"fallback_used"})
_UNREAD = {
    "property_id": "unread",
    "technician_id": "unread",
    "start": "2100-01-01T00:00:00Z",
    "customer": {"name": "unread"},
}
"""Stands in for what could not be read: on every grid and of every calendar, so it adds no fault."""

BookingId = Annotated[
    str,
    Matches(r"^bk_[a-z2-7]{26}$", "bad_format", "Give {field} as it was exported: bk_ and 26 letters or digits."),
]


class BookingRow(Request, Details):
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
    source: Source = "api"
    reserved_by: Name | None = None
    reserved_until: Moment | None = None
    version: Annotated[WholeNumber, Field(ge=1, le=2**31 - 1)] = 1
    created_at: Moment | None = None
    updated_at: Moment | None = None
    requested_start: Moment | None = None
    fallback_used: bool | None = None
    hold_id: PlainId | None = None
    made_by: PlainId | None = None
    fingerprint: PlainId | None = None


_EXPORTED = [name for name in BookingRow.model_fields if name not in ("reference", *Details.model_fields)]
_EXPORTED += Details.model_fields
_CELLS = tuple(
    cell
    for name in _EXPORTED
    for cell in ([f"customer_{part}" for part in _CUSTOMER] if name == "customer" else [name])
)
COLUMNS = Columns(("reference", *_CELLS), ("property_id", "technician_id", "start", "customer_name"))
EXPORTED = _CELLS
"""All that a booking has, but for its claims, which follow from it, its history, and the name under which Redis pinned
its slot for seconds."""


def parse(row: dict[str, str], *, org: str, now: datetime, grid: Grid) -> Booking:
    """The booking of a row, made `now` where the row does not say when. Raises BadRow."""
    reading = read(BookingRow, _values(row), stand_ins=_UNREAD, rename=_column)
    faults = [*reading.faults, *_name_faults(reading, row, org), *_time_faults(reading, grid)]
    if faults:
        raise BadRow(faults)
    return _booking(reading.made, row, org, now, grid)


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


def _name_faults(reading: Reading[BookingRow], row: dict[str, str], org: str) -> list[Fault]:
    """What is wrong with the names of the booking, of its hold and of who reserved it."""
    given, faults = reading.made, []
    if {"booking_id", "reference"} <= row.keys():
        faults.append(Fault("reference", "give either booking_id or reference"))
    # Mirroring a booking ends its hold: a row that names another one's would free that slot.
    named = reading.unread.isdisjoint({"booking_id", "reference"})
    if given.hold_id and named and not _is_of_hold(given.booking_id, given.hold_id, org):
        faults.append(Fault("hold_id", "is not the hold that this booking was made of; leave it out"))
    if given.status == "pending":
        missing = [name for name in ("reserved_by", "reserved_until") if getattr(given, name) is None]
        faults += [Fault(name, "is required while status is pending") for name in missing if name not in reading.unread]
    return faults


def _is_of_hold(booking_id: str | None, hold_id: str, org: str) -> bool:
    return not is_pin(hold_id) and booking_id == booking_id_for(org, hold_id)


def _time_faults(reading: Reading[BookingRow], grid: Grid) -> list[Fault]:
    given, faults = reading.made, []
    start = None if "start" in reading.unread else given.start
    if start and not datetime(FIRST_DAY.year, 1, 1, tzinfo=UTC) <= start < datetime(LAST_DAY.year, 12, 1, tzinfo=UTC):
        faults.append(Fault("start", "there is no such time in this calendar"))
        start = None
    elif start and not grid.is_on_grid(start):
        faults.append(Fault("start", f"should be on the grid of {grid.minutes} minutes"))
    for name in ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes"):
        if (getattr(given, name) or 0) % grid.minutes:
            faults.append(Fault(name, f"should be a multiple of {grid.minutes}"))
    if given.end is not None:
        faults += [Fault("end", wrong) for wrong in _wrong_end(start, given.end, given.duration_minutes, grid)]
    elif given.duration_minutes is None and reading.unread.isdisjoint({"duration_minutes", "end"}):
        faults.append(Fault("duration_minutes", "is required where there is no end"))
    return faults


def _wrong_end(start: datetime | None, end: datetime, minutes: int | None, grid: Grid) -> list[str]:
    """start: None where it could not be read."""
    wrong = [] if grid.is_on_grid(end) else [f"should be on the grid of {grid.minutes} minutes"]
    if start is None:
        return wrong
    if end <= start:
        wrong.append("should be after start")
    elif end - start > LONGEST:
        wrong.append("should be within a day of start")
    elif minutes is not None and start + timedelta(minutes=minutes) != end:
        wrong.append("should be start and duration_minutes together")
    return wrong


def _booking(given: BookingRow, row: dict[str, str], org: str, now: datetime, grid: Grid) -> Booking:
    end = given.end or given.start + timedelta(minutes=given.duration_minutes or 0)
    before, after = given.buffer_before_minutes, given.buffer_after_minutes
    created, requested = to_milliseconds(given.created_at or now), given.requested_start or given.start
    moved = requested != given.start
    same = ("status", "property_id", "technician_id", "start", "source", "version", *Details.model_fields)
    kept = ("reserved_by", "hold_id", "fingerprint")
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
