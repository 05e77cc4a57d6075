"""The faults of a file, printed as they are found and never kept, so that memory stays steady."""

from __future__ import annotations

from collections.abc import Callable

from services.sheets.problems import Fault


class Printed:
    """Prints faults through `say`, and counts them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.count = 0

    def report(self, file: str, line: int, fault: Fault) -> None:
        """Prints a fault in a line of a file. The header is line 1."""
        self.count += 1
        where = f"{file}:{line}: {fault.field}: " if fault.field else f"{file}:{line}: "
        self._say(where + fault.sentence)
