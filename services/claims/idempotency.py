"""Idempotency keys for requests that no derived id protects: Redis keeps the first answer, and a repeat gets it again.

Placing a hold and booking do this inside their own scripts. A refusal keeps no key. Keys of strangers, who could fill
Redis with them, are kept as long as one of their holds after its end. While Redis is down nothing can be
kept, so such a request is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis import Redis

from models.access import Caller, IdempotencyClaim
from models.errors import IdempotencyKeyReused, RequestInProgress, StoreUnavailable
from services.claims.keys import org_keys
from services.claims.placements import KEY_KEPT_MS, LOST_REQUEST_MS, PUBLIC_REMEMBERED_MS, attempt_name
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults

Answer = tuple[int, dict[str, Any]]


class Idempotency:
    """Runs an action once for each key."""

    def __init__(self, redis: Redis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    def once(
        self, caller: Caller, claim: IdempotencyClaim, act: Callable[[], Answer], longer_seconds: float = 0.0
    ) -> tuple[int, dict[str, Any], bool]:
        """The action's answer (status and body), and whether it is the first answer given again.

        longer_seconds: how much longer than other requests this one may run. Raises IdempotencyKeyReused (another
        request had this key), RequestInProgress, StoreUnavailable, and what the action raises: then the key is free
        again.
        """
        key = org_keys(caller.org).idempotency(caller.key_id, claim.key)
        running_ms = LOST_REQUEST_MS + int(longer_seconds * 1000)
        word, *rest = self._scripts.run("open_request", [key], [claim.fingerprint, running_ms, attempt_name()])
        if word == "REUSED":
            raise IdempotencyKeyReused
        if word == "RUNNING":
            raise RequestInProgress(retry_after_seconds=max(1, math.ceil(rest[0] / 1000)))
        if word == "DONE":
            return int(rest[0]), json.loads(rest[1]), True
        try:
            status, body = act()
        except BaseException:
            # If Redis does not answer, the key expires by itself when the request can no longer be running.
            with suppress(StoreUnavailable), redis_faults():
                self._redis.delete(key)
            raise
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=True)
            # With the fingerprint, because the key may have run out meanwhile.
            pipeline.hset(key, mapping={"fingerprint": claim.fingerprint, "status": status, "body": json.dumps(body)})
            pipeline.pexpire(key, PUBLIC_REMEMBERED_MS if caller.is_public else KEY_KEPT_MS)
            pipeline.execute()
        return status, body, False
