"""The faults of a file. A sentence names ids and times, never a customer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


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


class Problems(Protocol):
    """Takes the faults as they are found."""

    def report(self, file: str, line: int, fault: Fault) -> None:
        """Takes a fault in a line of a file. The header is line 1."""
