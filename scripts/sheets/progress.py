"""What is seen while data are carried: a live line on a terminal, else a plain line now and then; always on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

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
    """Phases one after the other, each with a number of rows. `say` prints a line without tearing the live one."""

    def __init__(self, stderr: IO[str], monotonic: Callable[[], float] = time.monotonic) -> None:
        console = Console(file=stderr, highlight=False, markup=False)
        self._stderr = stderr
        self._monotonic = monotonic
        self._name, self._rows, self._began, self._told = "", 0, 0.0, 0.0
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"))
        self._bar = LiveBar(
            *(*columns, _Speed(""), TimeElapsedColumn()),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.live = console.is_terminal
        self._task = self._bar.add_task("", total=None) if self.live else None

    def __enter__(self) -> Self:
        if self.live:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self._bar.stop()

    def phase(self, name: str) -> None:
        """What is done from now on."""
        self._end_phase()
        self._name, self._rows = name, 0
        self._began = self._told = self._monotonic()
        if self._task is not None:
            self._bar.reset(self._task, description=name, total=None)

    def advance(self, rows: int) -> None:
        """So many rows more."""
        self._rows += rows
        if self._task is not None:
            self._bar.update(self._task, completed=self._rows)
        elif self._monotonic() - self._told >= EVERY_SECONDS:
            self._told = self._monotonic()
            self._print_phase()

    def end(self) -> None:
        """The last phase is over; what is printed from now on stands alone."""
        self._end_phase()
        self._name = ""
        if self.live:
            self._bar.stop()

    def say(self, line: str) -> None:
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
