"""The first reading of a file, or of several: checks every line, reports every problem, and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from models.catalogue import Property
from models.slot import MOST_CLAIMS
from services.sheets.buildings import Buildings
from services.sheets.problems import BadRow, Fault, Problems
from services.sheets.progress import Progress
from services.sheets.scratch import Scratch, Site, Taken
from services.sheets.sheet import Row, Sheet, chunks
from services.sheets.table import Record, Reference, Stored, Table
from services.transfer.wiring import Transfer

CHUNK = 250
"""Rows at a time. A worker that checks a file serves nobody else meanwhile."""
TOO_MANY_CLAIMS = (
    f"Give a property with fewer units, or a shorter visit: one of all units has at most {MOST_CLAIMS} claims."
)
T = TypeVar("T")


class Checking:
    """One check of the files of one org. Check bookings last, because they may refer to records of the other files.

    All methods may raise StoreUnavailable.
    """

    def __init__(self, transfer: Transfer, org: str, scratch: Scratch, problems: Problems, progress: Progress) -> None:
        self._transfer = transfer
        self._grid = transfer.grid
        self._org = org
        self._scratch = scratch
        self._problems = problems
        self._progress = progress
        self._buildings = Buildings(scratch)
        self._starts: tuple[int, int] | None = None

    def read_catalogue(self) -> None:
        """Lets bookings refer to the properties with their units, the technicians and the services that exist."""
        self._progress.phase("reading the catalogue")
        ids = self._transfer.catalogue.ids
        self._scratch.know("property", self._counted(ids("properties", self._org)))
        self._scratch.know("technician", self._counted(ids("technicians", self._org)))
        self._scratch.know("service", self._counted(ids("services", self._org)))
        for unit, building in self._transfer.catalogue.units(self._org):
            self._scratch.note_site(unit, Site(building, None))

    def check(self, sheet: Sheet, table: Table[Record, Stored]) -> Counter[str]:
        """Reports all problems of a file except overlaps. Counts the rows, and those without problems by what the
        import does with them: `new`, `changed`, `present`. Raises Unreadable."""
        self._progress.phase(f"checking {sheet.name}")
        counts = Counter[str]()
        for rows in chunks(sheet.rows(), CHUNK):
            faults = {row.line: list(row.faults) for row in rows}
            read = [(row, self._record(table, row, sheet.given, faults[row.line])) for row in rows]
            records = [(row, record) for row, record in read if record is not None]
            if table.kind == "properties":
                self._check_buildings(table, read, faults)
            stored = table.find([table.id_of(record) for _, record in records])
            for row, record in records:
                try:
                    becomes = self._becomes(table, row, record, stored.get(table.id_of(record)))
                except BadRow as bad:
                    faults[row.line] += bad.faults
                else:
                    counts[becomes] += not faults[row.line]
            counts["rows"] += len(rows)
            self._report(sheet, faults)
        self._report_header(sheet)
        return counts

    def overlaps(self, sheet: Sheet) -> None:
        """Reports the bookings that take the same property or technician at the same time."""
        if self._starts is None:
            return
        self._progress.phase("reading existing bookings")
        first, last = (self._grid.moment(tick) for tick in self._starts)
        around = self._transfer.bookings.active_around(self._org, first, last)
        self._scratch.take(
            Taken(*span, line=None, booking_id=booking_id)
            for booking_id, visit in self._counted(around)
            for span in visit.spans()
        )
        self._progress.phase("looking for overlaps")
        for later, other in self._counted(self._scratch.overlaps()):
            if later.line is not None:
                self._problems.report(sheet.name, later.line, Fault(None, self._overlap(later, other)))

    def _record(
        self, table: Table[Record, Stored], row: Row, given: frozenset[str], faults: list[Fault]
    ) -> Record | None:
        """The record of a row, or None. Adds all faults of the row, and of its references, to `faults`."""
        # An id counts as known even if the rest of its row is wrong, so that its bookings add no further problems.
        self._scratch.know(table.word, [row.cells.get("id", "")])
        if row.faults:
            return None
        record = None
        try:
            record = table.parse(row.cells, given)
        except BadRow as bad:
            faults += bad.faults
        faults += self._unknown(table.references(row.cells, record), {fault.field for fault in faults})
        if record is None:
            return None
        first = self._scratch.first_line(table.word, table.id_of(record), row.line)
        if first != row.line:
            faults.append(Fault(table.identity(row.cells), f"Leave this line out, because it repeats line {first}."))
            return None
        return record

    def _check_buildings(
        self, table: Table[Record, Stored], read: list[tuple[Row, Record | None]], faults: dict[int, list[Fault]]
    ) -> None:
        """Adds the faults of properties that are units to `faults`."""
        sites = [(row, record, table.site_of(record) if record is not None else None) for row, record in read]
        parents = {site.parent_id for _, _, site in sites if site and site.parent_id}
        known = self._transfer.catalogue.find("properties", self._org, sorted(parents))
        stored = {name: each for name, each in known.items() if isinstance(each, Property)}
        for row, record, site in sites:
            if record is None or site is None:
                self._buildings.note_unread(row.cells.get("id", ""))
            elif fault := self._buildings.fault_of(table.id_of(record), site, stored):
                faults[row.line].append(fault)

    def _unknown(self, references: Sequence[Reference], faulty: set[str | None]) -> Iterator[Fault]:
        """A fault for each reference to a record that does not exist. Columns in `faulty` have a fault already."""
        for column, word, named in references:
            if column not in faulty and not self._scratch.knows(word, named):
                yield Fault(column, f"Give a {word} that exists; there is no {word} {named}.")

    def _becomes(self, table: Table[Record, Stored], row: Row, record: Record, stored: Stored | None) -> str:
        """What the import does with a record: a name in `Added`. Notes the slot of a new booking, for `overlaps`.

        Raises BadRow.
        """
        if stored is not None:
            return "changed" if table.would_change(row.cells, record, stored) else "present"
        if visit := table.visit_of(record):
            visit = replace(visit, units=self._scratch.units_of(visit.property_id))
            if len(visit.claims()) > MOST_CLAIMS:
                raise BadRow([Fault("property_id", TOO_MANY_CLAIMS)])
            first, last = self._starts or (visit.start, visit.start)
            self._starts = (min(first, visit.start), max(last, visit.start))
            self._scratch.take(Taken(*span, line=row.line, booking_id=table.id_of(record)) for span in visit.spans())
        return "new"

    def _overlap(self, later: Taken, other: Taken) -> str:
        kind, _, plain_id = later.resource.partition(":")
        start, end = (f"{self._grid.moment(tick):%Y-%m-%dT%H:%MZ}" for tick in (other.start, other.stop))
        what = f"line {other.line}" if other.line else f"booking {other.booking_id}"
        return f"Give another time, because {what} takes {kind} {plain_id} from {start} to {end}."

    def _report(self, sheet: Sheet, faults: dict[int, list[Fault]]) -> None:
        self._report_header(sheet)
        for line, found in faults.items():
            for fault in found:
                self._problems.report(sheet.name, line, fault)
        self._progress.advance(len(faults))

    def _report_header(self, sheet: Sheet) -> None:
        """Reports the faults of the header once, also for a file without rows."""
        for fault in sheet.header_faults:
            self._problems.report(sheet.name, 1, fault)
        sheet.header_faults = []

    def _counted(self, found: Iterator[T]) -> Iterator[T]:
        for each in found:
            yield each
            self._progress.advance(1)
