"""Which orgs' mirrors are whole: an org has an epoch in Redis while its mirror is, and none while it cannot be trusted.

Every method makes one round trip and raises RedisUnavailable.
"""

from __future__ import annotations

import secrets

from redis import Redis

from services.claims.keys import org_keys
from services.claims.mirror import new_epoch
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults

REBUILD_SECONDS = 60
"""A rebuild that reports no progress for this long must start over."""


class Epochs:
    """Reads, removes and renews the epochs of orgs."""

    def __init__(self, redis: Redis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    def missing(self, orgs: list[str]) -> list[str]:
        """The orgs that have no epoch."""
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org in orgs:
                pipeline.exists(org_keys(org).epoch)
            found = pipeline.execute()
        return [org for org, exists in zip(orgs, found, strict=True) if not exists]

    def remove(self, org: str) -> None:
        """Declares the mirror incomplete: until a rebuild ends, every hold is checked in MongoDB.

        A rebuild that is running does not count, because it may have mirrored something that Redis has lost since.
        """
        names = org_keys(org)
        with redis_faults():
            self._redis.delete(names.epoch, names.rebuild)

    def begin_rebuild(self, org: str) -> str:
        """A token that stays in Redis as long as Redis keeps its data, and that a later rebuild replaces."""
        token = secrets.token_hex(8)
        with redis_faults():
            self._redis.set(org_keys(org).rebuild, token, ex=REBUILD_SECONDS)
        return token

    def continue_rebuild(self, org: str) -> None:
        """Lets the token live for another REBUILD_SECONDS."""
        with redis_faults():
            self._redis.expire(org_keys(org).rebuild, REBUILD_SECONDS)

    def finish_rebuild(self, org: str, token: str) -> bool:
        """Sets a new epoch if this rebuild's token is still there, and says whether it was."""
        names = org_keys(org)
        reply = self._scripts.run("finish_rebuild", [names.rebuild, names.epoch, names.events], [token, new_epoch()])
        return bool(reply[0] == "READY")
