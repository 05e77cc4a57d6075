"""The way out: an org's data as CSV files that can be imported again, row by row as they come."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from scripts.sheets import booking_rows
from scripts.sheets.catalogue_rows import PROPERTIES, TECHNICIANS
from scripts.sheets.progress import Progress
from services.transfer.wiring import Carrying

KINDS = ("properties", "technicians", "bookings")
STDOUT = "-"
TOLD_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """Bookings that start in [since, until); None is without a bound."""

    since: datetime | None = None
    until: datetime | None = None


def run(
    carrying: Carrying, org: str, *, target: str, kinds: Sequence[str], span: Span, progress: Progress
) -> dict[str, int]:
    """Writes a file for each kind into the folder `target`, or one kind to stdout (`-`); says how many rows of each.

    A file has its name once it is whole. Raises StoreUnavailable, OSError.
    """
    counts = {}
    for kind in kinds:
        progress.phase(f"exporting {kind}")
        header, rows, write = _source(carrying, org, kind, span)
        with _stdout() if target == STDOUT else _whole_file(Path(target) / f"{kind}.csv") as file:
            counts[kind] = _write(file, header, map(write, rows), progress)
    progress.end()
    return counts


def _source(
    carrying: Carrying, org: str, kind: str, span: Span
) -> tuple[Sequence[str], Iterator[Any], Callable[[Any], list[str]]]:
    if kind == "properties":
        return PROPERTIES.columns.known, carrying.exporting.properties(org), PROPERTIES.write
    if kind == "technicians":
        return TECHNICIANS.columns.known, carrying.exporting.technicians(org), TECHNICIANS.write
    return booking_rows.EXPORTED, carrying.exporting.bookings(org, span.since, span.until), booking_rows.write


def _write(file: IO[str], header: Sequence[str], rows: Iterable[list[str]], progress: Progress) -> int:
    writer = csv.writer(file)  # with its own line ends: with others it leaves a return in a text unquoted
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
        if count % TOLD_EVERY == 0:
            progress.advance(TOLD_EVERY)
    progress.advance(count % TOLD_EVERY)
    return count


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[str]]:
    """A file that only its owner may read, for it holds customers; it is there under its name whole, or not at all."""
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
