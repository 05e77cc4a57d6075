"""The first reading: every line of every file is looked at, everything wrong is told, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from models.booking import Booking
from scripts.sheets import booking_rows
from scripts.sheets.catalogue_rows import BadRow, CatalogueTable
from scripts.sheets.order import Order
from scripts.sheets.problems import Fault
from scripts.sheets.scratch import Scratch, Taken
from scripts.sheets.sheet import Row, Sheet, chunks
from services.transfer.booking_import import visit_of
from services.transfer.catalogue_import import Entry

CHUNK = 1000
T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """How many rows a file has, and what would become of them."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    present: int = 0


@dataclass(slots=True)
class _Reach:
    """From the first start to the last one of what would be taken."""

    first: datetime | None = None
    last: datetime | None = None

    def widen(self, start: datetime) -> None:
        self.first = min(self.first or start, start)
        self.last = max(self.last or start, start)


class Checking:
    """One check. The files of the catalogue come first, for bookings may refer to what is in them."""

    def __init__(self, order: Order, scratch: Scratch) -> None:
        self._order = order
        self._org = order.org
        self._carrying = order.carrying
        self._problems = order.problems
        self._progress = order.progress
        self._scratch = scratch
        self._reach = _Reach()

    def know_the_org(self) -> None:
        """The properties and technicians that are there may be referred to."""
        self._progress.phase("reading the catalogue")
        self._scratch.know("property", self._counted(self._carrying.catalogue.ids("properties", self._org)))
        self._scratch.know("technician", self._counted(self._carrying.catalogue.ids("technicians", self._org)))

    def catalogue(self, sheet: Sheet, table: CatalogueTable) -> Tally:
        """Tells what is wrong with a file of properties or technicians. Raises Unreadable, StoreUnavailable."""
        self._progress.phase(f"checking {sheet.name}")
        tally = Tally()
        for rows in chunks(sheet.rows(), CHUNK):
            faults: dict[int, list[Fault]] = {}
            entries: dict[int, Entry] = {}
            for row in rows:
                faults[row.line] = list(row.faults)
                # Known even where the rest of its row is wrong: what refers to it would only be noise then.
                self._scratch.know(table.word, [row.cells.get("id", "")])
                if not row.faults:
                    self._parse_entry(table, row, sheet.given, faults[row.line], entries)
            self._compare_entries(table, entries, faults, tally)
            self._tell(sheet, faults)
            tally.rows += len(rows)
        self._tell_of_header(sheet)
        return tally

    def bookings(self, sheet: Sheet) -> Tally:
        """Tells what is wrong with a file of bookings, but for overlaps. Raises Unreadable, StoreUnavailable."""
        self._progress.phase(f"checking {sheet.name}")
        tally = Tally()
        for rows in chunks(sheet.rows(), CHUNK):
            faults = {row.line: list(row.faults) for row in rows}
            good = [(row, booking) for row in rows if (booking := self._parse_booking(row, faults[row.line]))]
            self._compare_bookings(good, faults, tally)
            self._tell(sheet, faults)
            tally.rows += len(rows)
        self._tell_of_header(sheet)
        return tally

    def overlaps(self, sheet: Sheet) -> None:
        """Tells of bookings that take the same property or technician at one time. Raises StoreUnavailable."""
        if self._reach.first is None or self._reach.last is None:
            return
        self._progress.phase("reading bookings that are there")
        around = self._carrying.bookings.active_around(self._org, self._reach.first, self._reach.last)
        self._scratch.take(
            Taken(*span, line=None, booking_id=booking_id)
            for booking_id, visit in self._counted(around)
            for span in visit.spans()
        )
        self._progress.phase("looking for overlaps")
        for later, other in self._counted(self._scratch.overlaps()):
            if later.line is not None:
                self._problems.tell(sheet.name, later.line, Fault(None, self._overlap(later, other)))

    def _parse_entry(
        self, table: CatalogueTable, row: Row, given: frozenset[str], faults: list[Fault], entries: dict[int, Entry]
    ) -> None:
        try:
            entry = table.parse(row.cells, given)
        except BadRow as bad:
            faults += bad.faults
            return
        first = self._scratch.first_line(table.word, entry.id, row.line)
        if first != row.line:
            faults.append(Fault("id", f"{entry.id} is in line {first} already"))
            return
        entries[row.line] = entry

    def _compare_entries(
        self, table: CatalogueTable, entries: dict[int, Entry], faults: dict[int, list[Fault]], tally: Tally
    ) -> None:
        there = self._carrying.catalogue.find(table.kind, self._org, [entry.id for entry in entries.values()])
        for line, entry in entries.items():
            known = there.get(entry.id)
            names = entry.differing(known) if known else []
            if known is None:
                tally.new += 1
            elif not names:
                tally.present += 1
            elif self._order.update:
                tally.changed += 1
            else:
                sentence = f"{entry.id} is there with another {', '.join(names)}; --update would change it"
                faults[line].append(Fault("id", sentence))

    def _parse_booking(self, row: Row, faults: list[Fault]) -> Booking | None:
        if row.faults:
            return None
        try:
            booking = booking_rows.parse(row.cells, org=self._org, now=self._order.now, grid=self._carrying.grid)
        except BadRow as bad:
            faults += bad.faults
            faults += self._unknown(row, {fault.field for fault in bad.faults})
            return None
        faults += self._unknown(row, set())
        first = self._scratch.first_line("booking", booking.booking_id, row.line)
        if first != row.line:
            faults.append(Fault(_identity(row), f"is the same as in line {first}"))
            return None
        return booking

    def _unknown(self, row: Row, faulty: set[str | None]) -> Iterator[Fault]:
        """Names that nothing has; those that are no ids at all are named already."""
        for word in ("property", "technician"):
            field = f"{word}_id"
            named = row.cells.get(field)
            if named is not None and field not in faulty and not self._scratch.knows(word, named):
                yield Fault(field, f"there is no {word} {named}")

    def _compare_bookings(self, good: list[tuple[Row, Booking]], faults: dict[int, list[Fault]], tally: Tally) -> None:
        there = self._carrying.bookings.find([booking.booking_id for _, booking in good])
        for row, booking in good:
            known = there.get(booking.booking_id)
            if known is None:
                tally.new += 1
                self._take(row.line, booking)
            elif (wrong := self._conflict(row, booking, known)) is not None:
                faults[row.line].append(Fault(_identity(row), wrong))
            else:
                tally.present += 1

    def _conflict(self, row: Row, booking: Booking, known: Booking) -> str | None:
        """Why the booking with this id is not the one of the row. One that was changed since it came in is."""
        if known.org != self._org:
            return "this booking is another org's; as a reference, the id would make a new one"
        names = booking_rows.differing(row.cells, booking, known) if known.version <= booking.version else []
        return f"{booking.booking_id} is there with another {', '.join(names)}" if names else None

    def _take(self, line: int, booking: Booking) -> None:
        if not booking.active:
            return
        self._reach.widen(booking.start)
        spans = visit_of(booking, self._carrying.grid).spans()
        self._scratch.take(Taken(*span, line=line, booking_id=booking.booking_id) for span in spans)

    def _overlap(self, later: Taken, other: Taken) -> str:
        kind, _, plain_id = later.resource.partition(":")
        start, end = (f"{self._carrying.grid.moment(tick):%Y-%m-%dT%H:%MZ}" for tick in (other.start, other.stop))
        whom = f"line {other.line}" if other.line else f"booking {other.booking_id}"
        return f"{kind} {plain_id} is taken from {start} to {end} by {whom}"

    def _tell(self, sheet: Sheet, faults: dict[int, list[Fault]]) -> None:
        self._tell_of_header(sheet)
        for line, found in faults.items():
            for fault in found:
                self._problems.tell(sheet.name, line, fault)
        self._progress.advance(len(faults))

    def _tell_of_header(self, sheet: Sheet) -> None:
        """Once; a file without rows has a header too."""
        for fault in sheet.header_faults:
            self._problems.tell(sheet.name, 1, fault)
        sheet.header_faults = []

    def _counted(self, found: Iterator[T]) -> Iterator[T]:
        for each in found:
            yield each
            self._progress.advance(1)


def _identity(row: Row) -> str | None:
    return next((name for name in ("booking_id", "reference") if name in row.cells), None)
