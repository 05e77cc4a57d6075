"""Reads the live events of orgs, which the scripts write to one Redis stream for each org.

An event id is good only if the stream still has it: then nothing between it and the events behind it is missing. A
stream that Redis lost, or trimmed, no longer has it. So each read begins at the id itself, and looks whether it is
there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from redis import Redis, RedisCluster

from services.claims.keys import org_keys
from services.claims.mirror import EPOCH_AND_CLOCK
from services.stores.faults import redis_faults

MOST_BEHIND: Final = 1_000
"""Events of its org that a client may have missed; one that missed more loads everything anew."""
LOOK_SECONDS: Final = 0.05
"""How often a Redis Cluster is asked, because one command cannot wait for the streams of several nodes there."""

_EVENT_ID = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")

Row = tuple[str, dict[str, str]]
"""An event's id and fields."""


class Start(NamedTuple):
    """Where a client begins. now_ms: Redis' clock. newest: the id of the newest event. missed: the events behind the
    one that the client named; None if Redis does not have that one, or too many follow it, or the client named none."""

    now_ms: int
    newest: str
    missed: list[Row] | None


class Read(NamedTuple):
    """What follows an event, the first MOST_BEHIND. rows: None if Redis no longer has that event. epoch: of the org."""

    rows: list[Row] | None
    epoch: str | None


class LiveEvents:
    """Every method raises RedisUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def start(self, org: str, after: str | None) -> Start:
        """after: the id of the last event that the client has; None for a client that has none. Text that is no id is
        an event that Redis does not have."""
        names, known = org_keys(org), after is not None and _EVENT_ID.fullmatch(after) is not None
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=True)
            # A Cluster has no method for this, nor for TIME, but it passes the command on.
            pipeline.execute_command("EVAL", EPOCH_AND_CLOCK, 1, names.epoch)  # type: ignore[no-untyped-call]
            pipeline.xrevrange(names.events, count=1)
            if known:
                pipeline.xrange(names.events, min=str(after), count=MOST_BEHIND + 2)
            (_, now_ms), last, *found = pipeline.execute()
            newest = str(last[0][0]) if last else self._first(org)
        rows: list[Row] = found[0] if found else []
        if not rows or rows[0][0] != after or len(rows) > MOST_BEHIND + 1:
            return Start(int(now_ms), newest, None)
        return Start(int(now_ms), newest, rows[1:])

    def newest(self, org: str) -> str:
        """The id of the newest event. One round trip."""
        with redis_faults():
            last = self._redis.xrevrange(org_keys(org).events, count=1)
            return str(last[0][0]) if last else self._first(org)

    def wait(self, positions: Mapping[str, str], seconds: float) -> list[str]:
        """The orgs that have events behind their positions, as soon as one has; none when so much time has passed.

        On a Cluster it gives all orgs after a short while, whether or not they have events.
        """
        if isinstance(self._redis, RedisCluster):
            time.sleep(LOOK_SECONDS)
            return list(positions)
        orgs = {org_keys(org).events: org for org in positions}
        with redis_faults():
            asked: dict[Any, Any] = {name: positions[org] for name, org in orgs.items()}
            found: Any = self._redis.xread(asked, count=1, block=round(seconds * 1000))
        return [orgs[name] for name, _ in found or []]

    def behind(self, positions: Mapping[str, str]) -> dict[str, Read]:
        """What each org has behind its position. One round trip."""
        if not positions:
            return {}
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org, position in positions.items():
                pipeline.xrange(org_keys(org).events, min=position, count=MOST_BEHIND + 1)
                pipeline.get(org_keys(org).epoch)
            found = pipeline.execute()
        reads = zip(positions.items(), found[::2], found[1::2], strict=True)
        return {
            org: Read(rows[1:] if rows and rows[0][0] == position else None, epoch)
            for (org, position), rows, epoch in reads
        }

    def _first(self, org: str) -> str:
        """Writes an event that is about no visit, so that every client begins at an event which Redis has."""
        return str(self._redis.xadd(org_keys(org).events, {"kind": "begin"}))
