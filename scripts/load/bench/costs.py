"""What one request costs: counters of Redis and MongoDB, and processor time, before and after a volley.

Processor time does not depend on what else the machine is doing, as rates and latencies do.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from scripts.load.bench.operations import OPERATIONS, Bench
from scripts.load.client.servers import relay_paused

PROBES = 600
CATCH_UP_SECONDS = 2.0
"""The relay follows a change stream about a second behind; what it does when idle is next to nothing."""

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
SCRIPT_CALLS = ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_fcall")
PROCESSES = {"service": "gunicorn", "redis": "redis", "mongo": "mongod"}
OWN_READS = 1  # of Redis's read events, the one that fetches the later counters is ours

Cost = dict[str, float]
"""For one request. round_trips: what clients sent to Redis; commands: what it ran, also inside scripts; and so on."""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; a process that is gone has none."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def cpu_ms(pid: int) -> float:
    """Processor time that a process and its children have used so far, in user and kernel, in milliseconds."""
    processes = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    family = [stat for each, stat in processes.items() if stat and pid in (each, int(stat[1]))]
    return sum(int(stat[11]) + int(stat[12]) for stat in family) * 1000 / TICKS_A_SECOND


def _counters(redis: Any, database: Any, pids: dict[str, int]) -> Cost:
    used = {f"{name}_cpu_ms": cpu_ms(pids[pid]) for name, pid in PROCESSES.items()}
    everything = redis.info("everything")
    calls = {name: stat["calls"] for name, stat in everything.items() if name.startswith("cmdstat_")}
    done = database.client.admin.command("serverStatus")["opcounters"]
    return {
        "round_trips": everything["total_reads_processed"],
        "scripts": sum(calls.get(name, 0) for name in SCRIPT_CALLS),
        "commands": sum(count for name, count in calls.items() if name != "cmdstat_info"),
        "mongo_reads": done["query"],
        "mongo_writes": done["insert"] + done["update"] + done["delete"],
        **used,
    }


def costs(bench: Bench) -> dict[str, Cost]:
    """Every operation's cost, over a small volley of its own with the relay at rest."""
    found: dict[str, Cost] = {}
    pids = dict(bench.target.pids)
    with bench.target.redis() as redis, bench.target.mongo() as database, relay_paused(bench.target):
        redis.ping()
        for operation in OPERATIONS:
            before = _counters(redis, database, pids)
            count = len(bench.fire(operation, PROBES).milliseconds)
            after = _counters(redis, database, pids)
            after["round_trips"] -= OWN_READS
            found[operation] = {name: (after[name] - before[name]) / count for name in before}
    return found


def relay_cpu_ms(bench: Bench) -> float:
    """Processor time that the relay spends on one booking after it was answered, in milliseconds."""
    pid = dict(bench.target.pids)["relay"]
    bench.fire("hold", PROBES)
    time.sleep(CATCH_UP_SECONDS)
    before = cpu_ms(pid)
    bench.fire("book with hold", PROBES)
    time.sleep(CATCH_UP_SECONDS)
    return (cpu_ms(pid) - before) / PROBES
