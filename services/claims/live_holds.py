"""Reads many holds at once. Writes nothing. Every method may raise StoreUnavailable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from redis import Redis

from services.claims.hold_records import HoldRecord, read_hold
from services.claims.keys import org_keys
from services.claims.mirror import EPOCH_AND_CLOCK
from services.stores.faults import redis_faults

MOST_AT_ONCE = 1_000
"""Holds that one call reads; no policy allows a holder more."""


class LiveHolds:
    """The holds of Redis that have not ended, by their names or by their holder. Pins of other requests are none."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def of_holder(self, org: str, holder_digest: str) -> list[HoldRecord]:
        """The live holds of one holder, at most MOST_AT_ONCE. Two round trips."""
        with redis_faults():
            names: list[str] = self._redis.zrange(org_keys(org).holder(holder_digest), 0, MOST_AT_ONCE - 1)  # type: ignore[assignment]
        return self.named(org, names)

    def named(self, org: str, hold_ids: Iterable[str]) -> list[HoldRecord]:
        """The live ones of at most MOST_AT_ONCE holds, as of one moment. One round trip."""
        keys, wanted = org_keys(org), list(dict.fromkeys(hold_ids))[:MOST_AT_ONCE]
        if not wanted:
            return []
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            # A Cluster has no method for this, nor for TIME, but it passes the command on.
            pipeline.execute_command("EVAL", EPOCH_AND_CLOCK, 1, keys.epoch)  # type: ignore[no-untyped-call]
            for hold_id in wanted:
                pipeline.hgetall(keys.hold(hold_id))
            (_, now_ms), *found = pipeline.execute()
        pairs = zip(wanted, found, strict=True)
        records = (replace(read_hold(name, each), read_ms=now_ms) for name, each in pairs if each)
        return [each for each in records if each.standing in ("held", "confirming") and not each.direct]
