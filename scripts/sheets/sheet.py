"""A CSV file: comma-separated, UTF-8 with or without a byte order mark, a header first. Read twice, never held.

What is wrong with the shape of a row comes with the row; what its cells mean is not known here.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from scripts.sheets.cells import unguarded
from scripts.sheets.problems import Fault

LONGEST_LINE = 1_048_576
"""Characters of a line; more than that is no table, and would not be steady memory."""
STDIN = "-"


class Unreadable(Exception):
    """The file cannot be read, or is another one than it was a moment ago; the message says which."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line that it begins in, its cells that are not empty by column, and what is wrong with its shape."""

    line: int
    cells: dict[str, str]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a file may have, and which it must."""

    known: Sequence[str]
    required: Sequence[str]


class Sheet:
    """One file; `-` is standard input. What cannot be read twice is first copied to a temporary file without a name.

    header_faults and given (the known columns that are there) are good from the first row on.
    """

    def __init__(self, path: str, columns: Columns) -> None:
        self.name = "stdin" if path == STDIN else path
        self.header_faults: list[Fault] = []
        self.given: frozenset[str] = frozenset()
        self._path = path
        self._columns = columns
        self._stack = ExitStack()
        self._state: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        """Raises Unreadable."""
        try:
            file = sys.stdin.buffer if self._path == STDIN else self._stack.enter_context(Path(self._path).open("rb"))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                spool = self._stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, spool)
                spool.flush()
                file = cast("BinaryIO", spool)
        except OSError as error:
            self._stack.close()
            raise Unreadable(f"{self.name} cannot be read: {error.strerror}.") from error
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def rows(self) -> Iterator[Row]:
        """All rows, from the beginning. Raises Unreadable where the file was changed since it was read before."""
        self._require_unchanged()
        self._file.seek(0)
        # What is not UTF-8 becomes lone surrogates, so that its line can be named and the next one read.
        text = io.TextIOWrapper(self._file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield from self._read(text)
        finally:
            text.detach()
        self._require_unchanged()

    def _require_unchanged(self) -> None:
        found = os.fstat(self._file.fileno())
        state = (found.st_size, found.st_mtime_ns)
        if self._state not in (None, state):
            raise Unreadable(f"{self.name} was changed while it was read. Run the same command again.")
        self._state = state

    def _read(self, text: io.TextIOWrapper) -> Iterator[Row]:
        reader = csv.reader(self._lines(text), strict=True)
        header: list[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                if header is None:
                    break
                yield Row(line, {}, (Fault(None, f"this is no line of CSV: {error}"),))
                continue
            if header is None:
                header = self._header(cells)
                if self.header_faults and not self.given.issuperset(self._columns.required):
                    return
            elif cells:
                yield self._row(line, header, cells)
        if header is None:
            self.header_faults = [Fault(None, "the first line should name the columns")]

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        for number in count(1):
            line = text.readline(LONGEST_LINE)
            if len(line) == LONGEST_LINE:
                raise Unreadable(f"{self.name}:{number}: a line is longer than {LONGEST_LINE} characters.")
            if not line:
                return
            yield line

    def _header(self, cells: list[str]) -> list[str]:
        names = [cell.strip() for cell in cells]
        self.given = frozenset(names) & frozenset(self._columns.known)
        faults = [
            Fault(_shown(name), f"there is no such column; known are {', '.join(self._columns.known)}")
            for name in dict.fromkeys(names)
            if name not in self._columns.known
        ]
        faults += [Fault(name, "this column is there twice") for name in sorted(self.given) if names.count(name) > 1]
        faults += [Fault(name, "this column is missing") for name in self._columns.required if name not in names]
        if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
            faults = [Fault(None, "columns should be separated by commas")]
        self.header_faults = faults
        return names

    def _row(self, line: int, header: list[str], cells: list[str]) -> Row:
        if len(cells) != len(header):
            many = "many" if len(cells) > len(header) else "few"
            sentence = f"too {many} columns: {len(cells)}, and the header has {len(header)}"
            return Row(line, {}, (Fault(None, sentence),))
        broken = [name for name, cell in zip(header, cells, strict=True) if not cell.isascii() and not _is_utf8(cell)]
        if broken:
            return Row(line, {}, tuple(Fault(_shown(name), "this is not UTF-8") for name in broken))
        pairs = zip(header, cells, strict=True)
        return Row(line, {name: unguarded(cell) for name, cell in pairs if cell and name in self.given})


def chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of so many."""
    return iter(lambda: list(islice(rows, size)), [])


def _is_utf8(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    """A column's name that can be printed whatever stands in it."""
    return ascii(name[:60])[1:-1] or "(no name)"
