"""A CSV file with a header, as export, spreadsheets and other programs write it. Read twice, never kept.

A row comes with the faults of its shape. Must not know what cells mean.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import BinaryIO

from services.sheets.cells import unguarded
from services.sheets.dialect import dialect_of, encoding_of, is_nameless
from services.sheets.problems import Fault

LONGEST_LINE = 1_048_576
"""Characters. A longer line is not a table, and would take too much memory."""


class Unreadable(Exception):
    """The file cannot be read, or has changed between two readings. The message says which."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line in which it begins, its cells that are not empty, by column, and the faults of its shape."""

    line: int
    cells: dict[str, str]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a file may have, those that it must have, and those in which blanks around a cell count."""

    known: Sequence[str]
    required: Sequence[str]
    texts: frozenset[str] = frozenset()


class Sheet:
    """One file that can be read twice.

    state: what differs once the file has changed. header_faults and given (the known columns of the file) are set once
    the first row is read.
    """

    def __init__(self, name: str, file: BinaryIO, columns: Columns, state: Callable[[], object] = lambda: None) -> None:
        self.name = name
        self.header_faults: list[Fault] = []
        self.given: frozenset[str] = frozenset()
        self._file = file
        self._columns = columns
        self._state_now = state
        self._state: object = None

    def rows(self) -> Iterator[Row]:
        """All rows, from the beginning. Raises Unreadable, also if the file has changed since it was read before."""
        self._require_unchanged()
        self._file.seek(0)
        encoding = encoding_of(self._file.read(2))
        self._file.seek(0)
        # Bytes that are not UTF-8 become lone surrogates, so that their line can be reported and the next one read.
        errors = "surrogateescape" if encoding == "utf-8-sig" else "surrogatepass"
        text = io.TextIOWrapper(self._file, encoding=encoding, errors=errors, newline="")
        try:
            yield from self._read(text)
        except UnicodeDecodeError as error:
            raise Unreadable(f"{self.name} is not whole UTF-16. Save it as UTF-8.") from error
        finally:
            text.detach()
        self._require_unchanged()

    def _require_unchanged(self) -> None:
        state = self._state_now()
        if self._state not in (None, state):
            raise self.changed()
        self._state = state

    def changed(self) -> Unreadable:
        """The error of a file that has changed between two readings."""
        return Unreadable(f"{self.name} was changed while it was read. Run the same command again.")

    def _read(self, text: io.TextIOWrapper) -> Iterator[Row]:
        lines = self._lines(text)
        first = next(lines, "")
        dialect = dialect_of(first, self._columns.known)
        again = chain([first] if first else [], lines)
        reader = csv.reader(again, delimiter=dialect.separator, skipinitialspace=dialect.blanks, strict=True)
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
                yield Row(line, {}, (Fault(None, f"Give a line of CSV; this one cannot be read: {error}."),))
                continue
            if header is None:
                header = self._header(cells)
                if self.header_faults and not self.given.issuperset(self._columns.required):
                    return
            elif any(map(str.strip, cells)):
                yield self._row(line, header, cells)
        if header is None:
            self.header_faults = [Fault(None, "Name the columns in the first line.")]

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        for number in count(1):
            line = text.readline(LONGEST_LINE)
            if len(line) == LONGEST_LINE:
                raise Unreadable(f"{self.name}:{number}: a line is longer than {LONGEST_LINE} characters.")
            if not line:
                return
            yield line

    def _header(self, cells: list[str]) -> list[str]:
        """The names of the columns, without those at the end that have none."""
        names = [cell.strip() for cell in cells]
        while names and is_nameless(names[-1]):
            names.pop()
        self.given = frozenset(names) & frozenset(self._columns.known)
        faults = [
            Fault(_shown(name), f"Leave this column out; the known ones are {', '.join(self._columns.known)}.")
            for name in dict.fromkeys(names)
            if name not in self._columns.known and not is_nameless(name)
        ]
        faults += [Fault(name, "Give this column only once.") for name in sorted(self.given) if names.count(name) > 1]
        faults += [Fault(name, "Add this required column.") for name in self._columns.required if name not in names]
        self.header_faults = faults
        return names

    def _row(self, line: int, header: list[str], cells: list[str]) -> Row:
        if len(cells) < len(header) or any(map(str.strip, cells[len(header) :])):
            sentence = f"Give {len(header)} cells, as many as the header has; this line has {len(cells)}."
            if any(cell.startswith(' "') for cell in cells):
                sentence += " Leave out the blanks before the quotes."
            return Row(line, {}, (Fault(None, sentence),))
        faults = [
            Fault(_shown(name), "Give this cell in UTF-8.")
            for name, cell in zip(header, cells, strict=False)
            if not cell.isascii() and not _is_utf8(cell)
        ]
        faults += self._nameless_faults(header, cells)
        if faults:
            return Row(line, {}, tuple(faults))
        return Row(line, dict(self._given_cells(header, cells)))

    def _nameless_faults(self, header: list[str], cells: list[str]) -> Iterator[Fault]:
        """A fault for each cell of a column without a name. Numbers of rows before the first named column are none."""
        first_named = next(number for number, name in enumerate(header) if not is_nameless(name))
        for number, (name, cell) in enumerate(zip(header, map(str.strip, cells), strict=False)):
            if is_nameless(name) and cell and not (number < first_named and cell.isdecimal()):
                yield Fault(None, f"Name column {number + 1} in the first line, or leave it out.")

    def _given_cells(self, header: list[str], cells: list[str]) -> Iterator[tuple[str, str]]:
        for name, cell in zip(header, cells, strict=False):
            text = cell if name in self._columns.texts else cell.strip()
            if text and name in self.given:
                yield name, unguarded(text)


def chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of `size`."""
    return iter(lambda: list(islice(rows, size)), [])


def _is_utf8(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    """A column's name with only printable characters."""
    return ascii(name[:60])[1:-1] or "(no name)"
