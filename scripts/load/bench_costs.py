"""What one operation costs the stores: counters of Redis and MongoDB before and after, with nothing else going on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from redis import Redis

from scripts.load.bench_operations import OPERATIONS, Bench
from scripts.load.bench_stack import relay_paused

PROBES = 200
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


@dataclass(frozen=True, slots=True)
class _Counters:
    reads: int
    scripts: int
    commands: int
    finds: int
    writes: int


def _read(redis: Any, mongo: Any) -> _Counters:
    everything = redis.info("everything")
    calls = {name: stat["calls"] for name, stat in everything.items() if name.startswith("cmdstat_")}
    scripts = sum(
        count for name, count in calls.items() if name in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_fcall")
    )
    commands = sum(count for name, count in calls.items() if name != "cmdstat_info")
    operations = mongo.admin.command("serverStatus")["opcounters"]
    writes = operations["insert"] + operations["update"] + operations["delete"]
    return _Counters(everything["total_reads_processed"], scripts, commands, operations["query"], writes)


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
            before = _read(redis, mongo)
            count = len(bench.fire(operation).milliseconds)
            after = _read(redis, mongo)
            found[operation] = Cost(
                round_trips=(after.reads - before.reads - OWN_READS) / count,
                scripts=(after.scripts - before.scripts) / count,
                commands=(after.commands - before.commands) / count,
                mongo_reads=(after.finds - before.finds) / count,
                mongo_writes=(after.writes - before.writes) / count,
            )
    bench.requests = requests
    return found
