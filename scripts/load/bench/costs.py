"""What one request costs: counters of Redis and MongoDB, and processor time, before and after a volley.

Processor time does not depend on what else the machine is doing, as rates and latencies do.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from redis import Redis

from scripts.load.bench.operations import OPERATIONS, Bench
from scripts.load.bench.stack import relay_paused

PROBES = 600
CATCH_UP_SECONDS = 2.0
"""The relay follows a change stream about a second behind; what it does when idle is next to nothing."""

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
OWN_READS = 1
"""Of Redis's read events, the one that fetches the later counters is ours."""


@dataclass(frozen=True, slots=True)
class Cost:
    """For one request. round_trips: what clients sent to Redis; commands: what it ran, also inside scripts."""

    round_trips: float
    scripts: float
    commands: float
    mongo_reads: float
    mongo_writes: float
    service_cpu_ms: float
    redis_cpu_ms: float
    mongo_cpu_ms: float


@dataclass(frozen=True, slots=True)
class _Counters:
    reads: int
    scripts: int
    commands: int
    finds: int
    writes: int
    service_cpu: float
    redis_cpu: float
    mongo_cpu: float


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; a process that is gone has none."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its children have used so far, in user and kernel."""
    everyone = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    family = [stat for each, stat in everyone.items() if stat and (each == pid or int(stat[1]) == pid)]
    return sum(int(stat[11]) + int(stat[12]) for stat in family) / TICKS_A_SECOND


def cpu_ms_each(pid: int, count: int, work: Callable[[], object]) -> float:
    """Processor time of a process family for each of so many requests, in milliseconds."""
    before = cpu_seconds(pid)
    work()
    return (cpu_seconds(pid) - before) * 1000 / count


def _read(redis: Any, mongo: Any, pids: dict[str, int]) -> _Counters:
    used = [cpu_seconds(pids[name]) for name in ("gunicorn", "redis", "mongod")]
    everything = redis.info("everything")
    calls = {name: stat["calls"] for name, stat in everything.items() if name.startswith("cmdstat_")}
    scripts = sum(
        count for name, count in calls.items() if name in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_fcall")
    )
    commands = sum(count for name, count in calls.items() if name != "cmdstat_info")
    operations = mongo.admin.command("serverStatus")["opcounters"]
    writes = operations["insert"] + operations["update"] + operations["delete"]
    return _Counters(everything["total_reads_processed"], scripts, commands, operations["query"], writes, *used)


@contextmanager
def _stores(bench: Bench) -> Iterator[tuple[Any, Any]]:
    redis = Redis.from_url(bench.target.redis_url, decode_responses=True, socket_timeout=5)
    with MongoClient[dict[str, Any]](bench.target.mongo_url) as mongo:
        try:
            redis.ping()
            yield redis, mongo
        finally:
            redis.close()


def costs(bench: Bench) -> dict[str, Cost]:
    """Every operation's cost, over a small volley of its own with the relay at rest."""
    found: dict[str, Cost] = {}
    requests, bench.requests = bench.requests, PROBES
    with _stores(bench) as (redis, mongo), relay_paused(bench.target):
        for operation in OPERATIONS:
            before = _read(redis, mongo, dict(bench.target.pids))
            count = len(bench.fire(operation).milliseconds)
            after = _read(redis, mongo, dict(bench.target.pids))
            found[operation] = Cost(
                round_trips=(after.reads - before.reads - OWN_READS) / count,
                scripts=(after.scripts - before.scripts) / count,
                commands=(after.commands - before.commands) / count,
                mongo_reads=(after.finds - before.finds) / count,
                mongo_writes=(after.writes - before.writes) / count,
                service_cpu_ms=(after.service_cpu - before.service_cpu) * 1000 / count,
                redis_cpu_ms=(after.redis_cpu - before.redis_cpu) * 1000 / count,
                mongo_cpu_ms=(after.mongo_cpu - before.mongo_cpu) * 1000 / count,
            )
    bench.requests = requests
    return found


def relay_cpu_ms(bench: Bench) -> float:
    """Processor time that the relay spends on one booking after it was answered, in milliseconds."""
    pid = dict(bench.target.pids)["relay"]
    requests, bench.requests = bench.requests, PROBES
    bench.fire("hold")
    time.sleep(CATCH_UP_SECONDS)

    def books() -> None:
        bench.fire("book with hold")
        time.sleep(CATCH_UP_SECONDS)

    used = cpu_ms_each(pid, PROBES, books)
    bench.requests = requests
    return used
