"""What is wrong in a file, line by line, told at once and never kept: however many there are, memory stays steady.

A sentence names ids and times, never a customer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a row: the column, or None for the row as a whole, and a sentence."""

    field: str | None
    sentence: str


class Problems:
    """Tells problems through `say`, and counts them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.count = 0

    def tell(self, file: str, line: int, fault: Fault) -> None:
        """Tells of a fault in a line of a file, counted from 1, the header's."""
        self.count += 1
        where = f"{file}:{line}: {fault.field}: " if fault.field else f"{file}:{line}: "
        self._say(where + fault.sentence)
