"""What the dearest requests cost, and how the server bears five times the connections that saturate it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any
from uuid import uuid4

from scripts.load.client.pump import Pump, Volley
from scripts.load.client.target import Document, Target
from scripts.load.client.wire import request_bytes
from scripts.load.report import percentile
from scripts.load.scenarios.stage import World

SATURATING, TIMES = 32, 5
REQUESTS, ROUNDS, ALONE, REPEATS = 480, 2, 20, 3
CALM_SECONDS = 2.0
DAY_MINUTES, LONGEST = 1440, 480
SCRIPT_CALLS = ("cmdstat_evalsha", "cmdstat_evalsha_ro", "cmdstat_eval", "cmdstat_fcall")
SHED = 503


def pressure(target: Target, world: World) -> Mapping[str, float]:
    """Figures by name. On a day of its own, on which one property is held throughout."""
    return {**_costs(target, world), **_overload(target, world)}


def _taken(target: Target, world: World) -> Document:
    """Books a property for a whole day; returns its first visit as a slot."""
    visits = [
        world.slot(world.properties[-1], world.technicians[-1], at, duration_minutes=LONGEST)
        for at in range(-DAY_MINUTES, 0, LONGEST)
    ]
    for visit in visits:
        target.demand(201, "POST", "/book", role="desk", body={**visit, "customer": {"name": "Load day"}})
    return visits[0]


def _dearest(world: World, visit: Document) -> dict[str, tuple[str, str, str, Document | None]]:
    """The requests that look at most, by name: role, method, path, body. All technicians come into question."""
    slot = {name: visit[name] for name in ("property_id", "start")}
    search = {**slot, "fallback": "next_available", "duration_minutes": LONGEST // 2, "holder": f"{world.run}-dearest"}
    travel = {"duration_minutes": LONGEST, "buffer_before_minutes": 120, "buffer_after_minutes": 120}
    free = {**search, "property_id": world.properties[0], "start": f"{world.day:%Y-%m-%dT%H:%M:%SZ}"}
    fortnight = f"/availability?property_id={world.properties[0]}&from={world.day.date()}&days=14"
    return {
        "search": ("checkout", "POST", "/hold", search),
        "search with travel": ("desk", "POST", "/hold", {**search, **travel}),
        "search where much is free": ("bot", "POST", "/hold", free),
        "fortnight": ("checkout", "GET", fortnight, None),
    }


def _costs(target: Target, world: World) -> dict[str, float]:
    """The most keys of one script call, and the milliseconds of Redis, of each of the dearest requests.

    Everything that Redis does meanwhile counts, so each is the least of several.
    """
    figures: dict[str, float] = {}
    with target.redis() as redis:
        for name, (role, method, path, body) in _dearest(world, _taken(target, world)).items():
            spent = []
            for _ in range(REPEATS):
                before = _redis_us(redis)
                target.call(method, path, role=role, body=body)
                spent.append((_redis_us(redis) - before) / 1000)
            figures[f"{name}:redis_ms"] = min(spent)
            with redis.monitor() as seen:
                target.call(method, path, role=role, body=body)
                figures[f"{name}:keys"] = _most_keys(redis, seen, target.key("claim", ""))
    return figures


def _redis_us(redis: Any) -> int:
    """Microseconds that Redis has spent on commands from outside: what scripts call is part of their own time."""
    stats = redis.info("commandstats")
    return sum(stat["usec"] for name, stat in stats.items() if name in SCRIPT_CALLS)


def _most_keys(redis: Any, seen: Any, prefix: str) -> float:
    """The most claims of one script call since the monitor began, as keys of the call or of the commands inside."""
    end, most, names = uuid4().hex, 0, set[str]()
    redis.echo(end)
    while end not in (command := seen.next_command())["command"]:
        if command["client_type"] != "lua":
            names = set()
        names |= {word for word in command["command"].split() if word.startswith(prefix)}
        most = max(most, len(names))
    return float(most)


def _overload(target: Target, world: World) -> dict[str, float]:
    """Refused holds in a closed loop: alone, at the connections that saturate the server, and at five times as many."""
    held = world.slot(world.properties[-1], world.technicians[-1], -DAY_MINUTES)
    refused = request_bytes("POST", "/hold", key=target.keys["bot"], body={**held, "holder": "+15550100"})
    shares, p99s = [], []
    usual = max(_lone(target, refused) for _ in range(REPEATS))
    for _ in range(ROUNDS):
        peak, crowded = (_volley(target, refused, SATURATING * times, REQUESTS) for times in (1, TIMES))
        served = _served(crowded)
        shares.append(len(served) / crowded.seconds / peak.rate)
        p99s.append(percentile(served, 0.99))
    time.sleep(CALM_SECONDS)
    afterwards = min(_lone(target, refused) for _ in range(REPEATS))
    # Other work on the machine only makes it worse, so the best round counts.
    return {
        "overload_share": max(shares), "overload_p99_ms": min(p99s), "usual_ms": usual, "afterwards_ms": afterwards
    }  # fmt: skip


def _volley(target: Target, request: bytes, connections: int, count: int) -> Volley:
    with Pump(target.address, connections, request) as pump:
        return pump.fire([request] * count)


def _lone(target: Target, request: bytes) -> float:
    return median(_volley(target, request, 1, ALONE).milliseconds)


def _served(volley: Volley) -> list[float]:
    """The milliseconds of the answers that were no 503."""
    return [took for took, status in zip(volley.milliseconds, volley.answers, strict=True) if status != SHED]
