"""The second reading: what was found good is written, in batches, each of which may be written again without harm."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.sheets import booking_rows
from scripts.sheets.catalogue_rows import BadRow, CatalogueTable
from scripts.sheets.order import Order
from scripts.sheets.problems import Fault
from scripts.sheets.sheet import Row, Sheet, Unreadable, chunks
from services.transfer.booking_import import Refused

BATCH = 500


@dataclass(slots=True)
class Written:
    """What was written of one file. left_to_relay: bookings that Redis was not there for."""

    new: int = 0
    changed: int = 0
    present: int = 0
    refused: int = 0
    left_to_relay: int = 0


class Loading:
    """Writes one run's files. What is refused although it was checked was overtaken by somebody else; it is told."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._org = order.org
        self._carrying = order.carrying
        self._problems = order.problems
        self._progress = order.progress

    def catalogue(self, sheet: Sheet, table: CatalogueTable) -> Written:
        """Writes a file of properties or technicians, and announces it. Raises Unreadable, StoreUnavailable."""
        self._progress.phase(f"writing {table.kind}")
        done = Written()
        try:
            for rows in chunks(sheet.rows(), BATCH):
                self._add_entries(sheet, table, rows, done)
        finally:
            # Also after an interruption, and where all was there: an earlier run may have died before this.
            self._carrying.catalogue.announce(self._org)
        return done

    def bookings(self, sheet: Sheet) -> Written:
        """Writes a file of bookings. Raises Unreadable, StoreUnavailable."""
        self._progress.phase("writing bookings")
        done = Written()
        for rows in chunks(sheet.rows(), BATCH):
            self._add_bookings(sheet, rows, done)
        return done

    def _add_entries(self, sheet: Sheet, table: CatalogueTable, rows: list[Row], done: Written) -> None:
        try:
            entries = [table.parse(_sound(row), sheet.given) for row in rows]
        except BadRow:
            raise _changed(sheet) from None
        stored = self._carrying.catalogue.add(table.kind, self._org, entries, update=self._order.update)
        lines = {entry.id: row.line for row, entry in zip(rows, entries, strict=True)}
        for overtaken in stored.overtaken:
            fault = Fault("id", f"{overtaken} was made by somebody else meanwhile, and differs")
            self._problems.tell(sheet.name, lines[overtaken], fault)
        done.new += stored.created
        done.changed += stored.changed
        done.present += stored.present
        done.refused += len(stored.overtaken)
        self._progress.advance(len(rows))

    def _add_bookings(self, sheet: Sheet, rows: list[Row], done: Written) -> None:
        try:
            bookings = [
                booking_rows.parse(_sound(row), org=self._org, now=self._order.now, grid=self._carrying.grid)
                for row in rows
            ]
        except BadRow:
            raise _changed(sheet) from None
        added = self._carrying.bookings.add(self._org, bookings)
        lines = {booking.booking_id: row.line for row, booking in zip(rows, bookings, strict=True)}
        for refused in added.refused:
            self._problems.tell(sheet.name, lines[refused.booking_id], Fault(None, _refusal(refused)))
        done.new += added.inserted
        done.present += added.present
        done.refused += len(added.refused)
        done.left_to_relay += added.left_to_relay
        self._progress.advance(len(rows))


def _sound(row: Row) -> dict[str, str]:
    if row.faults:
        raise BadRow(row.faults)
    return row.cells


def _changed(sheet: Sheet) -> Unreadable:
    return Unreadable(f"{sheet.name} was changed while it was read. Run the same command again.")


def _refusal(refused: Refused) -> str:
    if refused.why == "taken":
        by = f" by booking {', '.join(refused.by)}" if refused.by else ""
        return f"not written: its slot was taken{by} meanwhile"
    if refused.why == "another":
        return "not written: another org made a booking with this id meanwhile"
    return "not written: MongoDB refused the document"
