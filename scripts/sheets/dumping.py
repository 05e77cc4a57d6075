"""One export: an org's data as CSV files, written row by row, that can be imported again."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from scripts.sheets.progress import Progress
from services.sheets.booking_table import BookingTable
from services.sheets.catalogue_table import CatalogueTable
from services.sheets.table import Record, Span, Stored, Table
from services.transfer.wiring import Transfer

Kind = Literal["properties", "technicians", "services", "bookings"]
KINDS: Sequence[Kind] = ("properties", "technicians", "services", "bookings")
STDOUT = "-"
REPORT_EVERY = 1000


def run(
    transfer: Transfer, org: str, *, target: str, kinds: Sequence[Kind], span: Span, progress: Progress
) -> dict[Kind, int]:
    """Writes a file for each kind into the folder `target`, or one kind to stdout (`-`). Returns the number of rows.

    A file gets its name when it is complete. Raises StoreUnavailable, OSError.
    """
    counts: dict[Kind, int] = {}
    for kind in kinds:
        progress.phase(f"exporting {kind}")
        with _stdout() if target == STDOUT else _whole_file(Path(target) / f"{kind}.csv") as file:
            if kind == "bookings":
                counts[kind] = _write(file, BookingTable(transfer, org), span, progress)
            else:
                counts[kind] = _write(file, CatalogueTable(kind, transfer, org), span, progress)
    progress.end()
    return counts


def _write(file: IO[str], table: Table[Record, Stored], span: Span, progress: Progress) -> int:
    writer = csv.writer(file)  # keep its own line ends: with others it does not quote a return inside a text
    writer.writerow(table.exported)
    count = 0
    for stored in table.records(span):
        writer.writerow(table.write(stored))
        count += 1
        if count % REPORT_EVERY == 0:
            progress.advance(REPORT_EVERY)
    progress.advance(count % REPORT_EVERY)
    return count


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[str]]:
    """A new file that gets its name when it is complete. Only its owner may read it, because it holds customers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _stdout() -> Iterator[IO[str]]:
    file = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    try:
        yield file
        file.flush()
    finally:
        file.detach()
