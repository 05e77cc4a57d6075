"""Keeps a set of children alive: restarts each one that dies, and stops all of them on a signal."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from scripts.dev_server.child import Child, StartError, wait_until

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# A child that dies sooner than this after its start waits longer before each restart.
QUICK_DEATH_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
STOP_SECONDS = 8.0


def say(text: str) -> None:
    """Write a line of progress to stderr. A closed terminal is no error."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


class StopAsked(Exception):
    """A stop signal came while the server was starting."""


@dataclass
class _Watched:
    child: Child
    wave: int
    started: float = 0.0
    pause: float = 0.0
    due: float | None = None  # when to restart it; None until its death is seen


class Supervisor:
    """Children in the order of their start. One thread starts them all, so that they die with this process."""

    def __init__(self, on_change: Callable[[Sequence[Child]], None]) -> None:
        """on_change: called with all children after each start and restart of one."""
        self.stop_asked = False
        self._watched: list[_Watched] = []
        self._on_change = on_change
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def listen(self) -> None:
        """Handle the stop signals, and the signal that a child has ended."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, self._heard)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if number in STOP_SIGNALS:
            self.stop_asked = True

    def start(self, child: Child, *, wave: int) -> None:
        """Start a child, which `watch` keeps alive. wave: `stop` stops children of a higher wave first."""
        watched = _Watched(child, wave)
        self._watched.append(watched)
        self._start(watched)

    def _start(self, watched: _Watched) -> None:
        watched.started, watched.due = time.monotonic(), None
        watched.child.start()
        self._on_change([each.child for each in self._watched])

    def await_start(self, child: Child, answers: Callable[[], bool], *, seconds: float) -> None:
        """Wait until `answers()`. Raises StartError with the end of the log if the child dies or takes too long."""
        answered = False

        def settled() -> bool:
            nonlocal answered
            answered = answers()
            return answered or not child.alive() or self.stop_asked

        wait_until(settled, seconds=seconds)
        if self.stop_asked:
            raise StopAsked
        self._must_live(child)
        if not answered:
            raise StartError(
                f"{child.name} is not ready after {seconds:.0f} s. The end of {child.log}:\n{child.log_tail()}"
            )

    @staticmethod
    def _must_live(child: Child) -> None:
        if not child.alive():
            raise StartError(f"{child.name} ended while it was starting. The end of {child.log}:\n{child.log_tail()}")

    def run(self, child: Child, *, seconds: float) -> None:
        """Run a child to its end. Raises StartError with the end of a log if it fails or a running child dies."""
        child.start()
        others = [each.child for each in self._watched]
        try:
            wait_until(
                lambda: not child.alive() or self.stop_asked or not all(each.alive() for each in others),
                seconds=seconds,
            )
            if self.stop_asked:
                raise StopAsked
            for other in others:
                self._must_live(other)
            if child.process is None or child.process.poll() != 0:
                raise StartError(f"{child.name} failed. The end of {child.log}:\n{child.log_tail()}")
        finally:
            child.kill()

    def watch(self) -> None:
        """Restart each child that dies, and keep the logs short, until a stop signal comes."""
        while not self.stop_asked:
            for each in self._watched:
                each.child.cut_log()
            pause = min((self._heal(each) for each in self._watched), default=LONGEST_PAUSE_SECONDS)
            if not self.stop_asked:
                select.select([self._wake_read], [], [], pause)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)

    def _heal(self, watched: _Watched) -> float:
        """Restart the child if it is dead and due. Returns the seconds until the next check."""
        if watched.child.alive():
            return LONGEST_PAUSE_SECONDS
        now = time.monotonic()
        if watched.due is None:
            self._note_death(watched, now)
        if watched.due is not None and now < watched.due:
            return watched.due - now
        try:
            self._start(watched)
        except StartError as error:
            say(str(error))
            return FIRST_PAUSE_SECONDS
        return LONGEST_PAUSE_SECONDS

    def _note_death(self, watched: _Watched, now: float) -> None:
        child = watched.child
        code = child.process.returncode if child.process else None
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        say(f"{child.name} (pid {child.pid}) ended {how}; restarting it. Log: {child.log}")
        child.kill()  # its own children may still hold its port
        if now - watched.started < QUICK_DEATH_SECONDS:
            watched.pause = min(max(FIRST_PAUSE_SECONDS, watched.pause * 2), LONGEST_PAUSE_SECONDS)
        else:
            watched.pause = 0.0
        watched.due = now + watched.pause

    def stop(self) -> None:
        """Stop all children and their descendants, the highest wave first."""
        signal.set_wakeup_fd(-1)
        for wave in sorted({each.wave for each in self._watched}, reverse=True):
            children = [each.child for each in self._watched if each.wave == wave]
            for child in children:
                child.ask_to_stop()
            for child in children:
                child.stop(STOP_SECONDS)
        self._watched.clear()
