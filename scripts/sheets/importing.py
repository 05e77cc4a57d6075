"""One import: checks all files, then writes all of them, or none if a single line is wrong."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.sheets.files import open_sheet
from scripts.sheets.printing import Printed
from scripts.sheets.progress import Progress
from services.sheets.booking_table import BookingTable
from services.sheets.catalogue_table import CatalogueTable
from services.sheets.checking import Checking
from services.sheets.loading import load
from services.sheets.local_times import LocalTimes
from services.sheets.scratch import Scratch
from services.sheets.sheet import Sheet
from services.transfer.wiring import Transfer

Numbers = dict[str, Counter[str]]
"""For each kind of file the numbers of its records, by the names in `Added`."""


@dataclass(frozen=True, slots=True)
class Files:
    """The paths of the files, `-` for standard input, None for no file."""

    properties: str | None = None
    technicians: str | None = None
    services: str | None = None
    bookings: str | None = None


@dataclass(frozen=True, slots=True)
class _Sheets:
    catalogue: Sequence[tuple[Sheet, CatalogueTable]]
    bookings: Sequence[tuple[Sheet, BookingTable]]


def run(
    transfer: Transfer,
    org: str,
    files: Files,
    *,
    progress: Progress,
    update: bool,
    dry_run: bool,
    problems_file: str | None,
    local_times: LocalTimes | None = None,
) -> int:
    """Imports the files. Returns the exit status: 0, or 1 if there were problems.

    update: existing records of the catalogue may change. dry_run: only check. problems_file: the file for the
    problems, None for stdout. local_times: gives times their offset. Raises Unreadable, StoreUnavailable, OSError.
    """
    with _problems(problems_file, progress) as problems, ExitStack() as stack:
        sheets = _open(transfer, org, files, stack, update=update, local_times=local_times)
        found = _check(transfer, org, sheets, problems, progress)
        if problems.count:
            progress.end()
            print(f"{_number(problems)}; nothing was written.")
            return 1
        if dry_run:
            progress.end()
            _print_counts("to write", "to change", found)
            return 0
        done = _load(sheets, problems, progress)
        progress.end()
        _print_counts("written", "changed", done)
        left = sum(each["left_to_relay"] for each in done.values())
        if left:
            print(f"Redis did not answer: the relay will mirror {left:,} bookings.")
        if problems.count:
            print(f"{_number(problems)}: other clients were faster. All other lines are written.")
    return 1 if problems.count else 0


def _check(transfer: Transfer, org: str, sheets: _Sheets, problems: Printed, progress: Progress) -> Numbers:
    with closing(Scratch()) as scratch:
        checking = Checking(transfer, org, scratch, problems, progress)
        counts: Numbers = {table.kind: checking.check(sheet, table) for sheet, table in sheets.catalogue}
        for sheet, table in sheets.bookings:
            checking.read_catalogue()
            counts[table.kind] = checking.check(sheet, table)
            checking.overlaps(sheet)
    return counts


def _load(sheets: _Sheets, problems: Printed, progress: Progress) -> Numbers:
    done: Numbers = {}
    for sheet, table in sheets.catalogue:
        done[table.kind] = load(sheet, table, problems, progress)
    for sheet, bookings in sheets.bookings:
        done[bookings.kind] = load(sheet, bookings, problems, progress)
    return done


def _open(
    transfer: Transfer, org: str, files: Files, stack: ExitStack, *, update: bool, local_times: LocalTimes | None
) -> _Sheets:
    def opened(path: str, table: CatalogueTable | BookingTable) -> Sheet:
        return stack.enter_context(open_sheet(path, table.columns))

    properties = CatalogueTable("properties", transfer, org, update=update)
    technicians = CatalogueTable("technicians", transfer, org, update=update, local_times=local_times)
    services = CatalogueTable("services", transfer, org, update=update)
    given = ((files.properties, properties), (files.technicians, technicians), (files.services, services))
    bookings = BookingTable(transfer, org, local_times)
    return _Sheets(
        [(opened(path, table), table) for path, table in given if path],
        [(opened(files.bookings, bookings), bookings)] if files.bookings else [],
    )


@contextmanager
def _problems(path: str | None, progress: Progress) -> Iterator[Printed]:
    if path is not None:
        with Path(path).open("w", encoding="utf-8") as file:
            yield Printed(lambda line: print(line, file=file))
    elif progress.live and sys.stdout.isatty():
        yield Printed(progress.say)
    else:
        yield Printed(print)


def _number(problems: Printed) -> str:
    return "1 problem" if problems.count == 1 else f"{problems.count:,} problems"


def _print_counts(new: str, changed: str, counts: Numbers) -> None:
    for kind, each in counts.items():
        changes = f", {each['changed']:,} {changed}" if each["changed"] else ""
        print(f"{kind}: {each['new']:,} {new}{changes}, {each['present']:,} there already")
