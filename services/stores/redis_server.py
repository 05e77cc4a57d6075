"""What the Redis server itself reports: whether it answers, how it treats a full memory, and since when it runs."""

from __future__ import annotations

from redis import Redis, RedisCluster
from redis.exceptions import ResponseError

from services.stores.faults import redis_faults


class RedisInfo:
    """Asks the server behind a client. Every method raises RedisUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def ping(self) -> None:
        """Returns if the server answers."""
        with redis_faults():
            self._redis.ping()

    def eviction_policy(self) -> str | None:
        """Redis' `maxmemory-policy`; None where a hosted Redis does not show its settings."""
        with redis_faults():
            try:
                policy: str | None = self._redis.config_get("maxmemory-policy").get("maxmemory-policy")
            except ResponseError:
                return None
        return policy

    def run_ids(self) -> list[str]:
        """The id of the run of each primary, sorted. A server gets a new one each time that it starts."""
        with redis_faults():
            if isinstance(self._redis, RedisCluster):
                reply = self._redis.info("server", target_nodes=RedisCluster.PRIMARIES)
                servers = [reply] if "run_id" in reply else list(reply.values())
            else:
                servers = [self._redis.info("server")]
        return sorted(str(server["run_id"]) for server in servers)
