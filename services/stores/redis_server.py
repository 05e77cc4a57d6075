"""What the Redis server itself reports: whether it can write, how it treats a full memory, and which data it serves."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from redis import Redis, RedisCluster
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

from services.stores.faults import RedisUnavailable, redis_faults

WRITTEN_FOR_MS = 1000
MOST_PRIMARIES = 1000


class CannotWrite(Exception):
    """Redis answers and takes no writes. why: the first word of its answer, such as OOM or READONLY."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class RedisInfo:
    """Asks the server behind a client. Every method raises RedisUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write(self) -> None:
        """Writes a key that lasts a second, on every primary. Raises CannotWrite."""
        with redis_faults():
            try:
                for key in self._one_key_for_each_primary():
                    self._redis.set(key, "1", px=WRITTEN_FOR_MS)
            except ResponseError as refusal:
                raise CannotWrite(_first_word(refusal)) from refusal

    def _one_key_for_each_primary(self) -> list[str]:
        if not isinstance(self._redis, RedisCluster):
            return ["hf:writes"]
        keys: dict[str, str] = {}
        primaries = {node.name for node in self._redis.get_primaries()}
        for number in range(MOST_PRIMARIES):
            key = f"hf:writes:{number}"
            keys.setdefault(self._redis.get_node_from_key(key).name, key)
            if keys.keys() >= primaries:
                break
        return list(keys.values())

    def eviction_policy(self) -> str | None:
        """Redis' `maxmemory-policy`; None where a hosted Redis does not show its settings."""
        with redis_faults():
            try:
                policy: str | None = self._redis.config_get("maxmemory-policy").get("maxmemory-policy")
            except ResponseError:
                return None
        return policy

    def identity(self) -> str:
        """A name for the data that serve now: another one after each start and each failover of a primary.

        It follows from the run id and the replication id of every primary. The run id alone is not enough: a master
        that was replaced and takes over again has the same one, but other data.
        """
        with redis_faults():
            if isinstance(self._redis, RedisCluster):
                servers = _primaries(self._redis)
            else:
                servers = [self._redis.info("server", "replication")]
        ids = sorted(f"{server['run_id']} {server.get('master_replid')}" for server in servers)
        return blake2b("\n".join(ids).encode(), digest_size=8).hexdigest()


def _primaries(cluster: RedisCluster) -> list[dict[str, Any]]:
    """What every primary of a Cluster says of itself. RedisUnavailable while the client does not know them all."""
    reply = cluster.info("server", "replication", target_nodes=RedisCluster.PRIMARIES)
    servers: list[dict[str, Any]] = [reply] if "run_id" in reply else list(reply.values())
    known = {server["role"] for server in servers} == {"master"}
    if not known or len(servers) != int(cluster.cluster_info()["cluster_size"]):
        cluster.nodes_manager.initialize()
        raise RedisUnavailable
    return servers


def _first_word(refusal: ResponseError) -> str:
    """The word that Redis puts before its sentence; redis-py takes some of them away and has a class for each."""
    known = {OutOfMemoryError: "OOM", ReadOnlyError: "READONLY"}
    return next((word for kind, word in known.items() if isinstance(refusal, kind)), str(refusal).split(" ")[0])
