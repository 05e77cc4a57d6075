"""The problems of a file, printed as they are found and never kept, so that memory stays steady.

A sentence names ids and times, never a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a row: the column, or None for the row as a whole, and a sentence."""

    field: str | None
    sentence: str


class BadRow(Exception):
    """A row that cannot be imported; `faults` has all reasons."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__()


class Problems:
    """Prints problems through `say`, and counts them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.count = 0

    def report(self, file: str, line: int, fault: Fault) -> None:
        """Prints a fault in a line of a file. The header is line 1."""
        self.count += 1
        where = f"{file}:{line}: {fault.field}: " if fault.field else f"{file}:{line}: "
        self._say(where + fault.sentence)
