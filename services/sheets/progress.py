"""Who hears how far an import is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One phase after another, each with a number of rows. Either method may raise what ends the import."""

    def phase(self, name: str) -> None:
        """Begins a phase."""

    def advance(self, rows: int) -> None:
        """Adds rows to the phase."""
