"""Bookings in files: from the few columns of another system, or from all columns that export writes.

The field types are the API's own, so each rule exists once. Rows are checked against the grid, not against the policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from models.booking import CUSTOMER_FIELDS, Booking, BookingStatus, Customer, Source
from models.contacts import FormEmail, FormPhone
from models.details import Details
from models.fields import Matches, Minutes, Name, PlainId, Request, ShortText, WholeNumber
from models.messages import FormLanguage
from models.service import Duration
from models.slot import Visit
from models.team import Crew
from models.times import Moment
from services.ids import booking_id_for, hold_name, is_pin
from services.ledger.documents import change
from services.sheets import cells
from services.sheets.local_times import LocalTimes
from services.sheets.problems import BadRow, Fault
from services.sheets.sheet import Columns
from services.sheets.table import Reading, Reference, Span, StandIns, Table, read
from services.timetable.grid import FIRST_DAY, LAST_DAY, SLOT, to_milliseconds
from services.transfer.batches import Added
from services.transfer.wiring import Transfer

LONGEST = timedelta(days=1)
FIRST_START = datetime(FIRST_DAY.year, 1, 1, tzinfo=UTC)
LAST_START = datetime(LAST_DAY.year, 12, 1, tzinfo=UTC)
_STAND_INS = StandIns(
    {
        "property_id": "unread",
        "technician_id": "unread",
        "start": "2100-01-01T00:00:00Z",
        "customer_name": "unread",
    }
)
"""The start is on every grid and in every calendar, so it adds no fault."""

BookingId = Annotated[
    str,
    Matches(r"^bk_[a-z2-7]{26}$", "bad_format", "Give {field} as it was exported: bk_ and 26 letters or digits."),
]


class _Visit(Request):
    booking_id: BookingId | None = None
    reference: ShortText | None = None
    status: BookingStatus = "confirmed"
    property_id: PlainId
    technician_id: PlainId
    technician_ids: Crew | None = None
    service_id: PlainId | None = None
    start: Moment
    end: Moment | None = None
    duration_minutes: Duration | None = None
    buffer_before_minutes: Minutes = 0
    buffer_after_minutes: Minutes = 0
    customer_name: Name
    customer_phone: FormPhone = None
    customer_email: FormEmail = None
    customer_language: FormLanguage = None


class _Record(Request):
    source: Source = "api"
    reserved_by: Name | None = None
    reserved_until: Moment | None = None
    version: Annotated[WholeNumber, Field(ge=1, le=2**31 - 1)] = 1
    created_at: Moment | None = None
    updated_at: Moment | None = None
    requested_start: Moment | None = None
    fallback_used: bool | None = None
    series_id: PlainId | None = None
    hold_id: Annotated[PlainId, AfterValidator(lambda given: hold_name(given) or given)] | None = None
    made_by: PlainId | None = None
    fingerprint: PlainId | None = None
    token_generation: Annotated[WholeNumber, Field(ge=0, lt=10**9)] = 0


class BookingRow(_Record, Details, _Visit):
    """The columns of bookings.csv, in their order: pydantic puts the fields of the last base first.

    A field has a default where the API would give it one. Export writes every field of a booking but its claims, which
    follow from its slot, its history, and the name under which Redis pinned its slot for a few seconds.
    """


CUSTOMER = {f"customer_{name}": name for name in CUSTOMER_FIELDS}
"""The columns of a customer -> the names of its fields."""


class BookingTable(Table[Booking, Booking]):
    """The bookings of an org. Rows that do not say when they were made count as made now. local_times: as in `read`."""

    kind = "bookings"
    word = "booking"
    exported = tuple(name for name in BookingRow.model_fields if name != "reference")
    columns = Columns(
        ("reference", *exported),
        ("property_id", "technician_id", "start", "customer_name"),
        frozenset({"reference", "description", "internal_note"}),
    )
    named_by = ("booking_id", "reference")

    def __init__(self, transfer: Transfer, org: str, local_times: LocalTimes | None = None) -> None:
        self._transfer = transfer
        self._org = org
        self._grid = transfer.grid
        self._now = to_milliseconds(transfer.clock())
        self._country = transfer.catalogue.country(org)
        self._local_times = local_times

    def parse(self, row: Mapping[str, str], _given: frozenset[str]) -> Booking:
        reading = read(BookingRow, row, _STAND_INS, self._local_times)
        given = [*self._id_faults(reading, row), *self._time_faults(reading), *_crew_faults(reading)]
        if faults := [*reading.faults, *given]:
            raise BadRow(faults)
        return self._booking(reading.made, row)

    def id_of(self, record: Booking) -> str:
        return record.booking_id

    def references(self, row: Mapping[str, str], record: Booking | None) -> Sequence[Reference]:
        """An exported visit that is over or cancelled may name what was removed since, and any exported one a removed
        service, because that touches no booking."""
        if record is not None and "booking_id" in row and not self._is_ahead(record):
            return ()
        words = {"property_id": "property", "technician_id": "technician"}
        words |= {} if "booking_id" in row else {"service_id": "service"}
        found = [Reference(column, word, row[column]) for column, word in words.items() if column in row]
        crew = record.technician_ids[1:] if record is not None else ()
        return [*found, *(Reference("technician_ids", "technician", each) for each in crew)]

    def _is_ahead(self, record: Booking) -> bool:
        return record.active and record.end + timedelta(minutes=record.buffer_after_minutes) > self._now

    def site_of(self, _record: Booking) -> None:
        return None

    def visit_of(self, record: Booking) -> Visit | None:
        fields = {name: getattr(record, name) for name in SLOT}
        return self._grid.visit_of(fields) if record.active else None

    def find(self, ids: Sequence[str]) -> Mapping[str, Booking]:
        return self._transfer.bookings.find(ids)

    def would_change(self, row: Mapping[str, str], record: Booking, stored: Booking) -> bool:
        """Never. A stored booking that has changed since it was imported (by its version) may differ from the row."""
        if stored.org != self._org:
            sentence = "This id belongs to a booking of another org; give it as reference to make a new booking."
            raise BadRow([Fault(self.identity(row), sentence)])
        given = {"customer" if name in CUSTOMER else name for name in row} - {"booking_id", "reference"}
        names = sorted(name for name in given if _as_typed(record, name) != _as_typed(stored, name))
        if names and stored.version <= record.version:
            sentence = f"{record.booking_id} exists with another {', '.join(names)}; use the API to change it."
            raise BadRow([Fault(self.identity(row), sentence)])
        return False

    def add(self, records: Sequence[Booking]) -> Added:
        return self._transfer.bookings.add(self._org, records)

    def announce(self) -> None:
        """Does nothing, because `add` mirrors the bookings."""

    def records(self, span: Span) -> Iterator[Booking]:
        return self._transfer.export.bookings(self._org, span.since, span.until)

    def write(self, stored: Booking) -> list[str]:
        values = {column: stored.customer.get(name) for column, name in CUSTOMER.items()}
        return [cells.written(values[name] if name in CUSTOMER else getattr(stored, name)) for name in self.exported]

    def _id_faults(self, reading: Reading[BookingRow], row: Mapping[str, str]) -> list[Fault]:
        """The faults of a booking's own id, of its hold's id, and of its reservation."""
        given, faults = reading.made, []
        if {"booking_id", "reference"} <= row.keys():
            faults.append(Fault("reference", "Give either booking_id or reference, not both."))
        # Mirroring a booking ends its hold. So a row that could name any hold could free the slot of another customer.
        known = reading.unread.isdisjoint({"booking_id", "reference"})
        own = given.hold_id and not is_pin(given.hold_id) and booking_id_for(self._org, given.hold_id)
        if given.hold_id and known and given.booking_id != own:
            faults.append(Fault("hold_id", "Leave hold_id out, because this booking was not made of this hold."))
        if given.status == "pending":
            missing = [name for name in ("reserved_by", "reserved_until") if getattr(given, name) is None]
            faults += [
                Fault(name, f"Give {name}, which is required while status is pending.")
                for name in missing
                if name not in reading.unread
            ]
        return faults

    def _time_faults(self, reading: Reading[BookingRow]) -> list[Fault]:
        given, faults, grid = reading.made, [], self._grid
        start = None if "start" in reading.unread else given.start
        if start and not FIRST_START <= start < LAST_START:
            faults.append(Fault("start", f"Give start between the years {FIRST_START.year} and {LAST_START.year}."))
            start = None
        elif start and not grid.is_on_grid(start):
            faults.append(Fault("start", f"Give start on the grid of {grid.minutes} minutes."))
        for name in ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes"):
            if (getattr(given, name) or 0) % grid.minutes:
                faults.append(Fault(name, f"Give {name} as a multiple of {grid.minutes}."))
        if given.end is not None:
            sentences = self._end_faults(start, given.end, given.duration_minutes)
            faults += [Fault("end", sentence) for sentence in sentences]
        elif given.duration_minutes is None and reading.unread.isdisjoint({"duration_minutes", "end"}):
            faults.append(Fault("duration_minutes", "Give duration_minutes, which is required where there is no end."))
        return faults

    def _end_faults(self, start: datetime | None, end: datetime, minutes: int | None) -> list[str]:
        """start: None if it cannot be read."""
        wrong = [] if self._grid.is_on_grid(end) else [f"Give end on the grid of {self._grid.minutes} minutes."]
        if start is None:
            return wrong
        if end <= start:
            wrong.append("Give an end after start.")
        elif end - start > LONGEST:
            wrong.append("Give an end within a day of start.")
        elif minutes is not None and start + timedelta(minutes=minutes) != end:
            wrong.append("Give an end that is start and duration_minutes together.")
        return wrong

    def _booking(self, given: BookingRow, row: Mapping[str, str]) -> Booking:
        fields = {name: getattr(given, name) for name in self.exported if name not in CUSTOMER}
        fields["end"] = given.end or given.start + timedelta(minutes=given.duration_minutes or 0)
        fields["duration_minutes"] = (fields["end"] - given.start) // timedelta(minutes=1)
        fields["requested_start"] = given.requested_start or given.start
        fields["created_at"] = given.created_at or self._now
        fields["updated_at"] = given.updated_at or fields["created_at"]
        if given.fallback_used is None:
            fields["fallback_used"] = fields["requested_start"] != given.start
        fields["technician_ids"] = given.technician_ids or [given.technician_id]
        fields["booking_id"] = given.booking_id or self._derived_id(given.reference, row)
        fields["made_by"] = given.made_by or ""
        customer = {name: getattr(given, column) for column, name in CUSTOMER.items()}
        moments = {name: to_milliseconds(value) for name, value in fields.items() if isinstance(value, datetime)}
        return Booking(
            org=self._org,
            customer=Customer.model_construct(**customer).record(self._country),
            claims=tuple(self._grid.visit_of(fields).claims()),
            history=[change(self._now, "system", "import", {})],
            **{**fields, **moments},
        )

    def _derived_id(self, reference: str | None, row: Mapping[str, str]) -> str:
        """Equal for equal rows with their columns in any order, so that an import can be repeated."""
        if reference is not None:
            return booking_id_for(self._org, "import", "reference", reference)
        digest = blake2b(json.dumps(sorted(row.items())).encode(), digest_size=16)
        return booking_id_for(self._org, "import", "row", digest.hexdigest())


def _crew_faults(reading: Reading[BookingRow]) -> list[Fault]:
    """The faults of a crew beside its first technician."""
    crew = reading.made.technician_ids
    if not crew or not reading.unread.isdisjoint({"technician_id", "technician_ids"}):
        return []
    faults = [] if crew[0] == reading.made.technician_id else ["Give technician_ids with technician_id as its first."]
    faults += ["Give each technician in technician_ids only once."] if len(set(crew)) < len(crew) else []
    return [Fault("technician_ids", sentence) for sentence in faults]


def _as_typed(booking: Booking, name: str) -> Any:
    """A field of a booking, of its customer what people say: the rest follows from that and from the policy.

    Line breaks are all the same, because spreadsheets write their own.
    """
    value = getattr(booking, name)
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    return {each: value.get(each) for each in CUSTOMER_FIELDS} if name == "customer" else value
