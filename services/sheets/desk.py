"""An import of one text within one request: bounded in size and time, beside other requests of the same worker.

All lines are checked before the first is written, as the command does. What the time of the request does not suffice
for is left, and a repeat goes on with it, because an import writes only what is missing.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice

from models.errors import Fault as RequestFault
from models.errors import InvalidRequest, TakesTooLong
from models.faults import MOST_FAULTS
from models.imports import (
    MOST_LINES,
    ImportColumn,
    ImportColumns,
    ImportKind,
    ImportPreview,
    ImportReply,
    ImportRequest,
    ReadRow,
    RowFault,
)
from services.sheets.booking_table import BookingTable
from services.sheets.catalogue_table import CatalogueTable
from services.sheets.checking import Checking
from services.sheets.loading import load
from services.sheets.local_times import LocalTimes
from services.sheets.problems import Fault
from services.sheets.samples import SAMPLES
from services.sheets.scratch import Scratch
from services.sheets.sheet import Sheet, Unreadable
from services.transfer.wiring import Transfer

CHECK_SECONDS = 8.0
WRITE_SECONDS = 5.0
"""After so long an import begins no further batch."""
LISTED_FAULTS = 500
PREVIEW_ROWS = 5
_FILE = "csv"

AnyTable = CatalogueTable | BookingTable


class ImportDesk:
    """Imports files for admins. Everything may raise StoreUnavailable.

    monotonic: seconds that never go back.
    """

    def __init__(self, transfer: Transfer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._transfer = transfer
        self._monotonic = monotonic

    def run(self, org: str, given: ImportRequest) -> ImportReply:
        """Checks a file and, unless this is a dry run, writes its rows.

        Raises InvalidRequest where a row is wrong and this is no dry run, TakesTooLong.
        """
        with _readable():
            sheet, table = self._opened(org, given)
            noted, pace = _Noted(), _Pace(self._monotonic, self._monotonic() + CHECK_SECONDS)
            counts = self._checked(org, sheet, table, noted, pace)
            if given.dry_run:
                return _reply(given, counts, noted, _preview(sheet, table))
            noted.refuse()
            overtaken = _Noted()
            done = self._written(sheet, table, overtaken)
            done["left"], done["rows"] = counts["rows"] - done["rows"], counts["rows"]
            return _reply(given, done, overtaken)

    def preview(self, org: str, given: ImportRequest) -> ImportPreview:
        """The first rows of a file as they are read."""
        with _readable():
            return _preview(*self._opened(org, given))

    def columns(self, org: str, kind: ImportKind) -> ImportColumns:
        """What a file of a kind may have."""
        columns = self._table(org, kind).columns
        listed = [ImportColumn(name=name, required=name in columns.required) for name in columns.known]
        return ImportColumns(kind=kind, columns=listed, example=SAMPLES[kind])

    def _opened(self, org: str, given: ImportRequest) -> tuple[Sheet, AnyTable]:
        if max(given.csv.count("\n"), given.csv.count("\r")) > MOST_LINES:
            sentence = f"Send csv with at most {MOST_LINES} lines, and the other lines in a further import."
            raise InvalidRequest(RequestFault("csv", "too_long", sentence))
        table = self._table(org, given.kind, update=given.update, times_in=given.times_in)
        return Sheet(_FILE, io.BytesIO(given.csv.encode()), table.columns), table

    def _table(self, org: str, kind: ImportKind, *, update: bool = False, times_in: str | None = None) -> AnyTable:
        times = LocalTimes(times_in) if times_in else None
        if kind == "bookings":
            return BookingTable(self._transfer, org, times)
        return CatalogueTable(kind, self._transfer, org, update=update, local_times=times)

    def _checked(self, org: str, sheet: Sheet, table: AnyTable, noted: _Noted, pace: _Pace) -> Counter[str]:
        """The numbers of rows by what becomes of them."""
        with closing(Scratch()) as scratch:
            checking = Checking(self._transfer, org, scratch, noted, pace)
            if isinstance(table, CatalogueTable):
                return checking.check(sheet, table)
            checking.read_catalogue()
            counts = checking.check(sheet, table)
            alone = len(noted.lines)
            checking.overlaps(sheet)
            counts["new"] -= len(noted.lines) - alone
            return counts

    def _written(self, sheet: Sheet, table: AnyTable, noted: _Noted) -> Counter[str]:
        """The numbers of rows by what has become of them."""
        until, pace = self._monotonic() + WRITE_SECONDS, _Pace(self._monotonic, float("inf"))

        def goes_on() -> bool:
            return self._monotonic() < until

        if isinstance(table, CatalogueTable):
            return load(sheet, table, noted, pace, goes_on)
        return load(sheet, table, noted, pace, goes_on)


class _Noted:
    """The faults of a file. lines: those with a fault, but not the header."""

    def __init__(self) -> None:
        self.faults: list[RowFault] = []
        self.count = 0
        self.lines: set[int] = set()

    def report(self, _file: str, line: int, fault: Fault) -> None:
        self.count += 1
        self.lines |= {line} if line > 1 else set()
        if len(self.faults) < LISTED_FAULTS:
            self.faults.append(RowFault(line=line, column=fault.field, message=fault.sentence))

    def refuse(self) -> None:
        """Raises InvalidRequest if there is a fault."""
        if self.count:
            first = self.faults[:MOST_FAULTS]
            raise InvalidRequest(*(RequestFault(_place(each), "bad_row", each.message) for each in first))


class _Pace:
    """Lets other requests go on between the rows, and ends what takes until `until`."""

    def __init__(self, monotonic: Callable[[], float], until: float) -> None:
        self._monotonic = monotonic
        self._until = until
        self._rows = 0

    def phase(self, _name: str) -> None:
        """Nobody waits for the name of a phase."""

    def advance(self, rows: int) -> None:
        self._rows += rows
        if self._rows >= 100:
            self._rows = 0
            time.sleep(0)
            if self._monotonic() > self._until:
                raise TakesTooLong


@contextmanager
def _readable() -> Iterator[None]:
    """A text that is no table is a mistake of the request."""
    try:
        yield
    except Unreadable as error:
        sentence = f"Send another file, because this one is no table: {error}"
        raise InvalidRequest(RequestFault("csv", "malformed_csv", sentence)) from error


def _place(fault: RowFault) -> str:
    return f"csv.{fault.line}.{fault.column}" if fault.column else f"csv.{fault.line}"


def _preview(sheet: Sheet, table: AnyTable) -> ImportPreview:
    read = list(islice(sheet.rows(), PREVIEW_ROWS))
    columns = [name for name in table.columns.known if name in sheet.given]
    shown = [ReadRow(line=row.line, cells=[row.cells.get(name, "") for name in columns]) for row in read]
    return ImportPreview(columns=columns, rows=shown)


def _reply(
    given: ImportRequest, counts: Counter[str], noted: _Noted, preview: ImportPreview | None = None
) -> ImportReply:
    return ImportReply(
        kind=given.kind,
        dry_run=given.dry_run,
        rows=counts["rows"],
        created=counts["new"],
        changed=counts["changed"],
        unchanged=counts["present"],
        refused=len(noted.lines),
        left=counts["left"],
        left_to_relay=counts["left_to_relay"],
        fault_count=noted.count,
        faults=noted.faults,
        preview=preview,
    )
