"""Progress on stderr: a live line on a terminal, otherwise a plain line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

from rich.console import Console
from rich.progress import Progress as LiveBar
from rich.progress import SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

EVERY_SECONDS = 5.0


class _Speed(TextColumn):
    """Rows a second since the phase began."""

    def render(self, task: Task) -> Text:
        return Text(f"{_pace(task.completed, task.elapsed or 0.0):>12}")


class Progress:
    """One phase after another, each with a number of rows."""

    def __init__(self, stderr: IO[str], monotonic: Callable[[], float] = time.monotonic) -> None:
        console = Console(file=stderr, highlight=False, markup=False)
        self._stderr = stderr
        self._monotonic = monotonic
        self._name, self._rows, self._began, self._printed = "", 0, 0.0, 0.0
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"))
        self._bar = LiveBar(
            *(*columns, _Speed(""), TimeElapsedColumn()),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self.live = console.is_terminal
        self._task = self._bar.add_task("", total=None)
        self._bar.start()

    def close(self) -> None:
        """Removes the live line."""
        self._bar.stop()

    def phase(self, name: str) -> None:
        """Begins a phase."""
        self._end_phase()
        self._name, self._rows = name, 0
        self._began = self._printed = self._monotonic()
        self._bar.reset(self._task, description=name, total=None)

    def advance(self, rows: int) -> None:
        """Adds rows to the phase."""
        self._rows += rows
        self._bar.update(self._task, completed=self._rows)
        if not self.live and self._monotonic() - self._printed >= EVERY_SECONDS:
            self._printed = self._monotonic()
            self._print_phase()

    def end(self) -> None:
        """Ends the last phase and removes the live line."""
        self._end_phase()
        self._name = ""
        self.close()

    def say(self, line: str) -> None:
        """Prints a line without breaking the live one."""
        if self.live:
            self._bar.console.print(line, soft_wrap=True)
        else:
            print(line, file=self._stderr, flush=True)

    def _end_phase(self) -> None:
        if self._name:
            self._print_phase()

    def _print_phase(self) -> None:
        seconds = self._monotonic() - self._began
        self.say(f"{self._name}: {self._rows:,} rows in {seconds:.0f} s, {_pace(self._rows, seconds)}")


def _pace(rows: float, seconds: float) -> str:
    return f"{rows / max(seconds, 0.001):,.0f} rows/s"
