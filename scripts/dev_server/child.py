"""Starts a child process, says whether it lives, and stops it with all its descendants."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

EXEC_SECONDS = 5
LOG_TAIL_LINES = 12
LOG_TAIL_BYTES = 16_384
LOG_BYTES = 10_000_000


class StartError(Exception):
    """The server cannot start. The message is a sentence that says what to do about it."""


@cache
def _die_with_parent() -> tuple[str, ...]:
    """The command prefix that makes the kernel kill a child when its parent dies; empty where util-linux lacks it.

    This is a separate program because Python code between fork and exec can deadlock while other threads run.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    usage = subprocess.run([setpriv, "--help"], capture_output=True, text=True, check=False).stdout
    return (setpriv, "--pdeathsig", "KILL", "--") if "pdeathsig" in usage else ()


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.01) -> bool:
    """Poll `condition` until it is true. Returns False if it is still false after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def _program(pid: int) -> str:
    """The first word of its command line; '' while an exec goes on, and after the end of the process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").partition("\0")[0]
    except OSError:
        return ""


def start_ticks(pid: int) -> int | None:
    """When the process started, in ticks since boot; None if it does not run. Pid and start together are unique."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def session_members(session: int) -> list[int]:
    """The pids of the living processes of a session: a child and everything it started."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # the process ended during the walk
        fields = stat.rpartition(")")[2].split()
        if int(fields[3]) == session and fields[0] not in {"Z", "X"}:
            members.append(int(entry.name))
    return members


def kill_session(session: int) -> None:
    """SIGKILL every process of the session and wait until they are gone."""
    for pid in session_members(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until(lambda: not session_members(session), seconds=10)


@dataclass
class Child:
    """A program in a session of its own, so that Ctrl-C at the terminal does not reach it. It dies with its parent.

    Start it from a thread that lives as long as the child should: Linux ties the death signal to that thread.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the program and append its output to the log. Raises StartError if there is no such program."""
        if shutil.which(self.argv[0]) is None:
            raise StartError(f"{self.name} cannot start: there is no program {self.argv[0]}.")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.cut_log()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*_die_with_parent(), *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if self.env is None else dict(self.env),
                cwd=self.cwd,
                start_new_session=True,
            )
        # Once setpriv has become the program itself, the child dies with this process.
        before = ("", *_die_with_parent()[:1])
        wait_until(lambda: _program(self.pid) not in before or not self.alive(), seconds=EXEC_SECONDS, every=0.001)

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self.process.pid if self.process else 0

    def alive(self) -> bool:
        """Whether the program itself still runs. Reaps the process if it has ended."""
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once."""
        if self.process and self.alive():
            self.process.send_signal(self.stop_signal)
            self.process.send_signal(signal.SIGCONT)  # a frozen process handles the stop signal only after SIGCONT

    def stop(self, seconds: float = 10) -> None:
        """Ask it to stop, then kill what still runs after `seconds`. A second call is harmless."""
        self.ask_to_stop()
        wait_until(lambda: not self.alive(), seconds=seconds)
        self.kill()

    def kill(self) -> None:
        """Kill the program and everything it started, and reap it."""
        if self.process is None:
            return
        if self.alive():
            self.process.kill()
        self.process.wait()
        kill_session(self.process.pid)

    def cut_log(self, most: int = LOG_BYTES) -> None:
        """Empty a log of more than `most` bytes. Its newest lines, up to `most` bytes, replace the file `<log>.1`.

        The program keeps its open file and appends to it. What it writes between copy and cut is lost. A server that is
        killed in between leaves the same lines twice.
        """
        try:
            if self.log.stat().st_size <= most:
                return
            with self.log.open("r+b") as log:
                log.seek(-most, os.SEEK_END)
                log.readline()  # the rest of a line
                self.log.with_name(f"{self.log.name}.1").write_bytes(log.read())
                log.truncate(0)
        except OSError:
            return  # the log is gone, or the disk is full: the program must run on

    def log_tail(self) -> str:
        """The last lines of the log, indented, for an error message."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line[:400]}" for line in lines[-LOG_TAIL_LINES:])
