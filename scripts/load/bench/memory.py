"""How much memory of Redis one hold takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HoldMemory:
    """Bytes for one hold, as a mean over many.

    keys: what `MEMORY USAGE` says of all keys that a hold has or shares: its claims, its record, its part in the spans
    of property and technician and in the quotas. total: by how much `used_memory` grew. It has also the two tables of
    names and expiries, which Redis doubles now and then, so it depends on how full they are. event: of the stream of
    events, which keeps 10,000 for each org however many holds there are; neither of the others counts it.
    """

    keys: float
    total: float
    event: float


def hold_memory(redis: Any, prefix: str, place: Callable[[], int]) -> HoldMemory:
    """What the holds take that `place` makes; it returns how many. prefix: of every key of their org.

    Nothing else may write to this Redis meanwhile. Its scripts must have run before, because they take memory once.
    """
    before = _used(redis, prefix)
    count = place()
    keys, total, events = ((now - then) / count for now, then in zip(_used(redis, prefix), before, strict=True))
    return HoldMemory(keys=keys, total=total - events, event=events)


def _used(redis: Any, prefix: str) -> tuple[int, int, int]:
    """Bytes: of the org's keys without its events, of everything, and of the events."""
    total = redis.info("memory")["used_memory"]
    stream = prefix + "events"
    pattern = prefix.replace("{", "?").replace("}", "?") + "*"
    names = [name for name in redis.scan_iter(match=pattern, count=1000) if name != stream]
    pipeline = redis.pipeline(transaction=False)
    for name in (stream, *names):
        pipeline.memory_usage(name, samples=0)
    events, *keys = (used or 0 for used in pipeline.execute())
    return sum(keys), total, events
