"""One import: check everything, then write everything, or nothing where a single line is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.sheets import booking_rows
from scripts.sheets.catalogue_rows import PROPERTIES, TECHNICIANS, CatalogueTable
from scripts.sheets.checking import Checking, Tally
from scripts.sheets.loading import Loading, Written
from scripts.sheets.order import Order
from scripts.sheets.problems import Problems
from scripts.sheets.progress import Progress
from scripts.sheets.scratch import Scratch
from scripts.sheets.sheet import Sheet
from services.timetable.grid import to_milliseconds
from services.transfer.wiring import Carrying


@dataclass(frozen=True, slots=True)
class Files:
    """The paths of what is to be read, `-` for standard input; None where there is none."""

    properties: str | None = None
    technicians: str | None = None
    bookings: str | None = None


@dataclass(frozen=True, slots=True)
class _Sheets:
    catalogue: Sequence[tuple[CatalogueTable, Sheet]]
    bookings: Sheet | None


def run(
    carrying: Carrying, org: str, files: Files, *, progress: Progress, update: bool, dry_run: bool, told: str | None
) -> int:
    """Imports, and returns the exit status: 0, or 1 where there were problems.

    told: the file that problems are written to; None for stdout.
    Raises Unreadable, StoreUnavailable, OSError.
    """
    with _problems(told, progress) as problems, ExitStack() as stack:
        sheets = _open(files, stack)
        order = Order(carrying, org, to_milliseconds(carrying.clock()), update, problems, progress)
        found = _check(order, sheets)
        if problems.count:
            progress.end()
            print(f"{_counted(problems)}; nothing was written.")
            return 1
        if dry_run:
            progress.end()
            _conclude("to write", "to change", found)
            return 0
        done = _load(order, sheets)
        progress.end()
        _conclude("written", "changed", done)
        left = sum(each.left_to_relay for each in done.values())
        if left:
            print(f"Redis did not answer: the relay will tell it of {left:,} bookings.")
        if problems.count:
            print(f"{_counted(problems)}: somebody else was quicker; all other lines are written.")
    return 1 if problems.count else 0


def _check(order: Order, sheets: _Sheets) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    with Scratch() as scratch:
        check = Checking(order, scratch)
        for table, sheet in sheets.catalogue:
            tallies[table.kind] = check.catalogue(sheet, table)
        if sheets.bookings is not None:
            check.know_the_org()
            tallies["bookings"] = check.bookings(sheets.bookings)
            check.overlaps(sheets.bookings)
    return tallies


def _load(order: Order, sheets: _Sheets) -> dict[str, Written]:
    loading = Loading(order)
    done: dict[str, Written] = {table.kind: loading.catalogue(sheet, table) for table, sheet in sheets.catalogue}
    if sheets.bookings is not None:
        done["bookings"] = loading.bookings(sheets.bookings)
    return done


def _open(files: Files, stack: ExitStack) -> _Sheets:
    given = ((PROPERTIES, files.properties), (TECHNICIANS, files.technicians))
    catalogue = [(table, stack.enter_context(Sheet(path, table.columns))) for table, path in given if path]
    bookings = stack.enter_context(Sheet(files.bookings, booking_rows.COLUMNS)) if files.bookings else None
    return _Sheets(catalogue, bookings)


@contextmanager
def _problems(told: str | None, progress: Progress) -> Iterator[Problems]:
    if told is not None:
        with Path(told).open("w", encoding="utf-8") as file:
            yield Problems(lambda line: print(line, file=file))
    elif progress.live and sys.stdout.isatty():
        yield Problems(progress.say)
    else:
        yield Problems(print)


def _counted(problems: Problems) -> str:
    return "1 problem" if problems.count == 1 else f"{problems.count:,} problems"


def _conclude(new: str, changed: str, counts: Mapping[str, Tally | Written]) -> None:
    for kind, each in counts.items():
        changes = f", {each.changed:,} {changed}" if each.changed else ""
        print(f"{kind}: {each.new:,} {new}{changes}, {each.present:,} there already")
