"""What a backlog of a webhook costs: the memory of the relay, and how long the news of others takes meanwhile.

One webhook answers 503 while many entries wait for it; another one works. Then the first answers again. The entries are
copies of one that the server has made, because a run of a million bookings would take an hour.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from scripts.dev_server.child import wait_until
from scripts.load.bench.slots import first_day, utc_text
from scripts.load.client.servers import private_server, with_own_org
from scripts.load.client.target import Target, Unreachable
from scripts.load.report import table

BOOKINGS = 20
"""So many are made, and waited for, without the backlog and with it."""
DRAIN_SECONDS = 10.0
STEP = 10_000
SOON = 60.0
LONGEST_REST_SECONDS = 60.0
"""How long the relay may leave a webhook alone that has failed."""
PRIVATE = {"HOLDFAST_WEBHOOK_ALLOW_PRIVATE": "1"}
MOST_MEMORY_MB = 30.0
"""By so much the relay's memory may grow."""


@dataclass
class Receiver:
    """A webhook's receiver, and how much has arrived."""

    url: str
    status: int = 200
    count: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, seconds: float = SOON) -> None:
        with self.changed:
            if not self.changed.wait_for(lambda: self.count >= count, seconds):
                raise Unreachable(f"a webhook that answers {self.status} got nothing within {seconds:.0f} seconds")


@contextmanager
def receiving(status: int) -> Iterator[Receiver]:
    """A receiver that answers with this status, until its status is changed."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(made.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            with made.changed:
                made.count += 1
                made.changed.notify_all()

        def log_message(self, *_args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Receiver(f"http://127.0.0.1:{server.server_port}/", status)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Backlog:
    """entries: that wait for one webhook. …_mb: resident memory of the relay, without them, with them, and while they
    are sent. …_ms: from a booking to its arrival at another webhook, the median. per_second: how many are sent."""

    entries: int
    without_mb: float
    with_mb: float
    sending_mb: float
    without_ms: float
    with_ms: float
    per_second: float

    def as_data(self) -> dict[str, Any]:
        return {"what": "backlog", **asdict(self), "memory_met": self._grown() <= MOST_MEMORY_MB}

    def print(self, console: Console) -> None:
        rows = [
            ["relay's memory, MB", f"{self.without_mb:.0f}", f"{self.with_mb:.0f}", f"{self.sending_mb:.0f}"],
            ["a booking to its arrival elsewhere, ms", f"{self.without_ms:.0f}", f"{self.with_ms:.0f}", ""],
            ["deliveries a second", "", "", f"{self.per_second:.0f}"],
        ]
        headings = ["", "without", "while they wait", "while they are sent"]
        console.print("", table(f"{self.entries:,} entries of one webhook", headings, rows), sep="\n")
        word = "met" if self._grown() <= MOST_MEMORY_MB else "not met"
        console.print(f"memory grows by {self._grown():.1f} MB; goal <= {MOST_MEMORY_MB:.0f}: {word}")

    def _grown(self) -> float:
        return max(self.with_mb, self.sending_mb) - self.without_mb


def hold_up(entries: int, workers: int) -> Backlog:
    """Starts everything, measures, stops everything. Raises Unreachable."""
    with (
        private_server(workers, variables=PRIVATE) as server,
        receiving(200) as quick,
        receiving(503) as down,
    ):
        target = with_own_org(server)
        relay = dict(server.pids)["relay"]
        target.demand(201, "POST", "/properties", body={"id": "bench", "name": "Bench"})
        target.demand(201, "POST", "/technicians", body={"id": "bench", "name": "Bench"})
        for each in (quick, down):
            wanted = {"url": each.url, "kinds": ["booking.created"]}
            target.demand(201, "POST", "/webhooks", body=wanted)
        office = _Office(target, quick)
        without_ms = office.median_ms()
        without_mb = _memory_mb(relay)
        _copy(target, down.url, entries)
        with_ms, with_mb = office.median_ms(), _memory_mb(relay)
        down.status = 200
        down.wait_for(down.count + 20, SOON + LONGEST_REST_SECONDS)
        began, before = time.monotonic(), down.count
        time.sleep(DRAIN_SECONDS)
        per_second = (down.count - before) / (time.monotonic() - began)
        return Backlog(entries, without_mb, with_mb, _memory_mb(relay), without_ms, with_ms, per_second)


class _Office:
    """Makes bookings, and waits for each at a webhook."""

    def __init__(self, target: Target, receiver: Receiver) -> None:
        self._target = target
        self._receiver = receiver
        self._made = 0

    def median_ms(self) -> float:
        return median(self._one_ms() for _ in range(BOOKINGS))

    def _one_ms(self) -> float:
        start = first_day() + timedelta(hours=self._made)
        self._made += 1
        began = time.monotonic()
        slot = {"property_id": "bench", "technician_id": "bench", "start": utc_text(start), "duration_minutes": 60}
        self._target.demand(201, "POST", "/book", body={**slot, "customer": {"name": "Alice Bench"}})
        self._receiver.wait_for(self._made)
        return (time.monotonic() - began) * 1000


def _copy(target: Target, url: str, entries: int) -> None:
    """Lets so many copies of an entry wait for a webhook, each as if it were of a booking of its own."""
    with target.mongo() as database:
        hook = database["webhooks"].find_one({"url": url})
        wanted = {"receiver": (hook or {})["_id"]}
        if not wait_until(lambda: database["outbox"].find_one(wanted) is not None, seconds=SOON):
            raise Unreachable("the relay made no entry for a webhook")
        one = {**(database["outbox"].find_one(wanted) or {}), "attempts": 0, "give_up": None, "leased_by": None}
        for first in range(0, entries, STEP):
            names = (f"bench-{number}" for number in range(first, min(first + STEP, entries)))
            copies = [{**one, "_id": name, "lane": name} for name in names]
            database["outbox"].insert_many(copies, ordered=False)


def _memory_mb(pid: int) -> float:
    """The resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kilobytes,) = (int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kilobytes / 1024
