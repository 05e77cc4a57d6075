"""What a bench run starts beside its private servers: the bare app under the same gunicorn settings; and free slots."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.dev_server.child import Child, wait_until
from scripts.load.client.target import ROOT, Target, Unreachable

PAIRS = 100
"""Properties, each with a technician of its own: enough distinct slots for a long run."""

NEAREST_DAY, DAYS = 30, 55
"""Measured slots lie this far ahead, inside the default horizon; preloaded future bookings lie before them."""


def _answers(address: tuple[str, int]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False


@contextlib.contextmanager
def bare_server(workers: int) -> Iterator[tuple[tuple[str, int], int]]:
    """The bare app under the repo's own gunicorn settings; yields its address and process id. Raises Unreachable."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address: tuple[str, int] = probe.getsockname()
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "--log-level", "error"]
    command += ["--bind", f"{address[0]}:{address[1]}", "scripts.load.bench.bare_app:app"]
    environment = {**os.environ, "HOLDFAST_WORKERS": str(workers), "PYTHONPATH": str(ROOT)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    with tempfile.TemporaryDirectory(prefix="holdfast-load-") as scratch:
        server = Child("gunicorn with the bare app", command, Path(scratch) / "log", environment, ROOT)
        server.start()
        try:
            wait_until(lambda: _answers(address) or not server.alive(), seconds=30, every=0.1)
            if not server.alive() or not _answers(address):
                raise Unreachable(f"{server.name} did not start:\n{server.log_tail()}")
            yield address, server.pid
        finally:
            server.stop()


@contextlib.contextmanager
def relay_paused(target: Target) -> Iterator[None]:
    """The relay of our own private server stands still meanwhile: what it does is no part of a request's cost."""
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

    def pair(self, number: int) -> dict[str, str]:
        """One of the properties and its technician."""
        return {"property_id": f"{self.run}-p{number % PAIRS}", "technician_id": f"{self.run}-t{number % PAIRS}"}

    def create(self, target: Target) -> None:
        """Makes the properties and technicians, through the admin API. Raises Unreachable."""
        for number in range(PAIRS):
            for path, name in zip(("/properties", "/technicians"), self.pair(number).values(), strict=True):
                target.demand(201, "POST", path, body={"id": name, "name": f"Bench {number}"})

    def next(self) -> dict[str, object]:
        """The slot fields of one free hour that was not given out before. Raises Unreachable when there are no more."""
        hour, pair = divmod(self.taken, PAIRS)
        if hour >= DAYS * 24:
            raise Unreachable(f"all {PAIRS * DAYS * 24} slots are used up: fewer --rounds or --requests")
        self.taken += 1
        start = self.first_day() + timedelta(hours=hour)
        return {**self.pair(pair), "start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "duration_minutes": 60}

    @staticmethod
    def first_day() -> datetime:
        """Midnight UTC of the first day with measured slots."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=NEAREST_DAY)
