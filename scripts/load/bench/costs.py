"""What one request asks of the stores: counters of Redis and MongoDB before and after a volley with the relay at rest.

A Redis trip is one read from a client's socket: a script counts once, however many commands it runs inside.
"""

from __future__ import annotations

from typing import Any

from scripts.load.bench.holdfast import OPERATIONS, Holdfast
from scripts.load.client.servers import relay_paused

PROBES = 200
SCRIPT_CALLS = ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_fcall")
OWN_READS = 1  # of Redis's read events, the one that fetches the later counters is ours

Cost = dict[str, float]
"""For one request. round_trips: what clients sent to Redis; commands: what it ran, also inside scripts; and so on."""


def _counters(redis: Any, database: Any) -> Cost:
    everything = redis.info("everything")
    calls = {name: stat["calls"] for name, stat in everything.items() if name.startswith("cmdstat_")}
    done = database.client.admin.command("serverStatus")["opcounters"]
    return {
        "round_trips": everything["total_reads_processed"],
        "scripts": sum(calls.get(name, 0) for name in SCRIPT_CALLS),
        "commands": sum(count for name, count in calls.items() if name != "cmdstat_info"),
        "mongo_reads": done["query"],
        "mongo_writes": done["insert"] + done["update"] + done["delete"],
    }


def costs(side: Holdfast) -> dict[str, Cost]:
    """Every operation's cost."""
    found: dict[str, Cost] = {}
    target = side.seats[0].target
    with target.redis() as redis, target.mongo() as database, relay_paused(target):
        redis.ping()
        for operation in OPERATIONS:
            before = _counters(redis, database)
            count = len(side.fire(operation, PROBES).milliseconds)
            after = _counters(redis, database)
            after["round_trips"] -= OWN_READS
            found[operation] = {name: (after[name] - before[name]) / count for name in before}
    return found
