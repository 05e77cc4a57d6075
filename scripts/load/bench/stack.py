"""What a bench run starts: a private Holdfast for each size of database, and the bare app under the same gunicorn."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scripts.load.client.target import ROOT, Target, Unreachable, stop

PAIRS = 100
"""Properties, each with a technician of its own: enough distinct slots for a long run."""

NEAREST_DAY, DAYS = 30, 55
"""Measured slots lie this far ahead, inside the default horizon; preloaded future bookings lie before them."""


def await_true(what: str, check: Callable[[], bool], seconds: float) -> None:
    """Waits until the check holds; Unreachable after so many seconds."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise Unreachable(f"{what} took longer than {seconds:.0f} s")
        time.sleep(0.1)


def _answers(address: tuple[str, int]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False


@contextlib.contextmanager
def bare_server(workers: int) -> Iterator[tuple[tuple[str, int], int]]:
    """The bare app under the repo's own gunicorn settings; yields its address and process id."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address: tuple[str, int] = ("127.0.0.1", probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")]
    command += ["--bind", f"{address[0]}:{address[1]}", "--log-level", "error", "scripts.load.bench.bare_app:app"]
    environment = {**os.environ, "HOLDFAST_WORKERS": str(workers), "PYTHONPATH": str(ROOT)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.DEVNULL)
    try:
        await_true("the bare app's start", lambda: _answers(address) or process.poll() is not None, 30)
        if process.poll() is not None:
            raise Unreachable("gunicorn did not start the bare app; its message is above")
        yield address, process.pid
    finally:
        stop(process)


@contextlib.contextmanager
def relay_paused(target: Target) -> Iterator[None]:
    """The relay of our own private stack stands still meanwhile: what it does is no part of a request's cost."""
    pid = dict(target.pids)["relay"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@dataclass
class Slots:
    """Distinct free slots, each given out once."""

    run: str
    taken: int = 0

    def property_id(self, pair: int) -> str:
        return f"{self.run}-p{pair % PAIRS}"

    def technician_id(self, pair: int) -> str:
        return f"{self.run}-t{pair % PAIRS}"

    def create(self, target: Target) -> None:
        """Makes the properties and technicians, through the admin API."""
        for pair in range(PAIRS):
            for kind, identifier in (("properties", self.property_id(pair)), ("technicians", self.technician_id(pair))):
                status, reply = target.call("POST", f"/{kind}", body={"id": identifier, "name": f"Bench {pair}"})
                if status != 201:
                    raise Unreachable(f"POST /{kind} answered {status}: {reply.get('detail')}")

    def next(self) -> dict[str, object]:
        """The slot fields of one free hour that nobody was given before."""
        number = self.taken
        self.taken += 1
        pair, hour = number % PAIRS, number // PAIRS
        if hour >= DAYS * 24:
            raise Unreachable(f"all {PAIRS * DAYS * 24} slots are used up: fewer --rounds or --requests")
        return {
            "property_id": self.property_id(pair),
            "technician_id": self.technician_id(pair),
            "start": f"{self.first_day() + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}",
            "duration_minutes": 60,
        }

    @staticmethod
    def first_day() -> datetime:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=NEAREST_DAY)
