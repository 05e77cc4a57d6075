"""Holds at full speed in one org while many pages follow another org, against the same without pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console

from scripts.dev_server.child import wait_until
from scripts.load.bench import servers
from scripts.load.bench.furnish import Size, another_org, seats_of
from scripts.load.bench.holdfast import Holdfast, Seat
from scripts.load.bench.processes import cpu_ms, even_out, open_connections
from scripts.load.bench.report import goal, goals_table
from scripts.load.bench.runs import Plan
from scripts.load.bench.sides import HOLD, WORKERS
from scripts.load.bench.slots import first_day
from scripts.load.bench.watchers import Seen, Watchers, changes, stream_request
from scripts.load.client.target import Unreachable
from scripts.load.client.wire import request_bytes
from scripts.load.report import percentile

PROPERTIES: Final = 200
CHANGES_PER_SECOND: Final = 10.0
SEATS: Final = 200
LEAST_SECONDS: Final = 3.0
"""Each measurement lasts so long, that is some thirty changes."""
CLOSE_SECONDS: Final = 30.0
"""The workers may take so long to end the streams of a round. Holds are measured only afterwards."""
LEAST_SHARE: Final = 0.75
MOST_AGE_MS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Holds at full speed. busy: processor time of the workers in ms."""

    granted: int
    seconds: float
    busy: float

    @property
    def rate(self) -> float:
        """Holds a second."""
        return self.granted / self.seconds

    def besides(self, alone: Pace) -> float:
        """Processor time of the workers in each second, in ms, besides that of the holds if each cost as much as in
        `alone`."""
        return (self.busy - self.granted * alone.busy / alone.granted) / self.seconds


@dataclass
class Streams:
    """without, beside: holds a second of each round. ages: of events when pages saw them, in ms. memory: bytes of the
    workers for each stream, in the round that warms up: later rounds use again what that one took. workers, clients:
    their processor time for the streams, in ms of each second."""

    number: int
    without: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    received: int = 0
    memory: float = 0.0
    workers: list[float] = field(default_factory=list)
    clients: list[float] = field(default_factory=list)

    def goals(self) -> list[dict[str, Any]]:
        share = median(now / then for now, then in zip(self.beside, self.without, strict=True))
        return [
            goal("holds beside streams, share of holds without", share, least=LEAST_SHARE),
            goal("age of a change when a page sees it: p95, ms", percentile(self.ages, 0.95), most=MOST_AGE_MS),
        ]

    def as_data(self) -> dict[str, Any]:
        return {
            "streams": self.number,
            "properties": PROPERTIES,
            "changes_per_second": CHANGES_PER_SECOND,
            "holds_per_second": {"without": round(median(self.without)), "beside": round(median(self.beside))},
            "age_ms": {f"p{share:.0%}".rstrip("%"): round(percentile(self.ages, share)) for share in (0.5, 0.95, 0.99)},
            "bytes_received": self.received,
            "worker_bytes_per_stream": round(self.memory),
            "busy_ms_per_second": {"workers": round(median(self.workers)), "clients": round(median(self.clients))},
            "goals": self.goals(),
        }

    def print(self, console: Console) -> None:
        console.print("", goals_table(self.goals()), "", sep="\n")
        found = self.as_data()
        rates, ages, busy = found["holds_per_second"], found["age_ms"], found["busy_ms_per_second"]
        console.print(
            f"{self.number:,} streams: {rates['without']:,} holds a second without, {rates['beside']:,} beside them; "
            f"a change is seen after {ages['p50']} ms (p95 {ages['p95']}, p99 {ages['p99']}); "
            f"{found['worker_bytes_per_stream'] / 1024:,.0f} KiB of the workers for a stream. In each "
            f"second the streams take {busy['workers']} ms of processor time of the workers, and {busy['clients']} of "
            "their clients."
        )


def follow(plan: Plan, number: int) -> Streams:
    """Rounds of holds, each without streams and then beside so many. Raises Unreachable."""
    found = Streams(number)
    with servers.holdfast("Holdfast", plan.setting, Size(technicians=SEATS)) as side:
        watched = another_org(side.seats[0].target, f"{side.seats[0].target.org}-watched")
        seats = seats_of(watched, Size(technicians=PROPERTIES))
        asked = [stream_request(seats[at % len(seats)].property_id, watched.keys["bot"]) for at in range(number)]
        even_out(side.pump, side.pids[WORKERS], plan.setting.workers)
        with changes(side.pump.address, [_hold(seat) for seat in seats], CHANGES_PER_SECOND):
            for turn in range(plan.rounds + 1):
                plan.say(f"round {turn} of {plan.rounds}" if turn else "warming up")
                alone, beside, seen, bytes_each = _round(plan, side, asked)
                if not turn:
                    found.memory = bytes_each
                else:
                    found.without.append(alone.rate)
                    found.beside.append(beside.rate)
                    found.ages += seen.ages
                    found.received += seen.received
                    found.workers.append(beside.besides(alone))
                    found.clients.append(seen.busy)
    return found


def _hold(seat: Seat) -> bytes:
    """A hold that has ended when its turn comes again."""
    body = {**seat.at(first_day()), "holder": f"bench-{seat.property_id}", "ttl_seconds": 1}
    return request_bytes("POST", "/hold", key=seat.target.keys["bot"], body=body)


def _round(plan: Plan, side: Holdfast, asked: list[bytes]) -> tuple[Pace, Pace, Seen, float]:
    """Holds without streams and beside them, what the streams brought, and the bytes of each."""
    alone, before = _holds(plan, side), memory_of(side.pids[WORKERS])
    port, opened = side.pump.address[1], open_connections(side.pump.address[1])
    watchers = Watchers(side.pump.address, asked)
    try:
        taken = (memory_of(side.pids[WORKERS]) - before) / len(asked)
        beside = _holds(plan, side)
    finally:
        seen = watchers.close()
    if not wait_until(lambda: open_connections(port) <= opened, seconds=CLOSE_SECONDS):
        raise Unreachable("the server did not close every stream of live events")
    return alone, beside, seen, taken


def _holds(plan: Plan, side: Holdfast) -> Pace:
    granted, seconds, workers = 0, 0.0, {WORKERS: side.pids[WORKERS]}
    before = cpu_ms(workers)
    while seconds < LEAST_SECONDS:
        volley = side.pump.fire(side.requests(HOLD, plan.volley))
        if not volley.statuses.keys() <= {201, 503}:
            raise Unreachable(f"{HOLD} must answer 201, and answered {dict(volley.statuses)}")
        granted, seconds = granted + volley.statuses[201], seconds + volley.seconds
    return Pace(granted, seconds, cpu_ms(workers)[WORKERS] - before[WORKERS])


def memory_of(master: int) -> int:
    """Bytes in memory of a master's children, which are the workers."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    lines = [line for pid in children for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
