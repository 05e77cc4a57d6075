"""The stores of a network of namespaces: three mongods, a Redis master with two replicas, three Sentinels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from scripts.dev_server.child import StartError, wait_until
from scripts.dev_server.stores import REPLICA_SET, find_redis
from scripts.drills.network import MONGO, REDIS, SENTINELS, Network
from scripts.drills.stores import START_SECONDS, Stores, redis_answers

REDIS_PORT, SENTINEL_PORT, MONGO_PORT = 6379, 26379, 27017
MASTER = "mymaster"
SENTINEL = ("down-after-milliseconds mymaster 2000", "failover-timeout mymaster 10000")
FENCE = {"min-replicas-to-write": 1, "min-replicas-max-lag": 1}
MONGOD = {
    "oplogNetworkTimeoutBufferSeconds": "1",
    "oplogInitialFindMaxSeconds": "2",
    "oplogRetriedFindMaxSeconds": "1",
}
ELECTION = {"electionTimeoutMillis": 2000, "heartbeatTimeoutSecs": 2}
"""All of these settings are those of docs/operations.md."""


class Replicated(Stores):
    """Every member on a machine of its own. Which of them leads may change with each fault."""

    def __init__(self, network: Network, folder: Path, stack: ExitStack) -> None:
        super().__init__(network, folder, stack)
        for machine in MONGO:
            self.start_mongod(machine, MONGO_PORT, MONGOD)
        self._initiate()
        quick = ("--protected-mode", "no", "--repl-diskless-sync-delay", "0")
        first = network.host(REDIS[0])
        self.start_redis(REDIS[0], REDIS_PORT, *quick)
        for machine in REDIS[1:]:
            self.start_redis(machine, REDIS_PORT, *quick, "--replicaof", first, str(REDIS_PORT))
        for machine in SENTINELS:
            self._start_sentinel(machine, first)
        if not wait_until(self.whole, seconds=START_SECONDS, every=0.2):
            raise StartError("The stores did not come together.")

    def _initiate(self) -> None:
        hosts = [f"{self.network.host(machine)}:{MONGO_PORT}" for machine in MONGO]
        members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
        with MongoClient[dict[str, Any]](hosts[0], directConnection=True) as client:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members, "settings": ELECTION})

    def _start_sentinel(self, machine: str, first: str) -> None:
        host, config = self.network.host(machine), self.folder / f"{machine}.conf"
        lines = [f"port {SENTINEL_PORT}", f"bind {host}", "protected-mode no"]
        lines += [f"sentinel {each}" for each in (f"monitor {MASTER} {first} {REDIS_PORT} 2", *SENTINEL)]
        config.write_text("\n".join(lines) + "\n")
        self.start(machine, [find_redis(), str(config), "--sentinel"])
        if not wait_until(lambda: redis_answers(host, SENTINEL_PORT), seconds=START_SECONDS):
            raise StartError(f"{machine} did not start.")

    def redis_url(self, machine: str) -> str:
        names = [self.network.reach(machine, sentinel, SENTINEL_PORT) for sentinel in SENTINELS]
        return f"redis+sentinel://{','.join(names)}/{MASTER}"

    def mongo_url(self, machine: str) -> str:
        names = [self.network.reach(machine, member, MONGO_PORT) for member in MONGO]
        return f"mongodb://{','.join(names)}/?replicaSet={REPLICA_SET}"

    @property
    def database_url(self) -> str:
        return self.mongo_url(MONGO[0])

    @property
    def master_url(self) -> str:
        return f"redis://{self.network.host(self.master())}:{REDIS_PORT}/0"

    def master(self) -> str:
        named = {sentinel: self._named(sentinel) for sentinel in SENTINELS}
        most = max(named.values(), key=list(named.values()).count)
        return next(machine for machine in REDIS if self.network.host(machine) == most)

    def primary(self) -> str:
        if not wait_until(lambda: self.leads(MONGO), seconds=START_SECONDS, every=0.2):
            raise StartError("MongoDB has no primary.")
        return next(machine for machine in MONGO if self.leads([machine]))

    def leads(self, members: Sequence[str]) -> bool:
        return any(self._hello(machine).get("isWritablePrimary") for machine in members)

    def fence(self, on: bool) -> None:
        for machine in REDIS:
            with self._redis(machine) as client:
                client.config_set("min-replicas-to-write", FENCE["min-replicas-to-write"] if on else 0)
                client.config_set("min-replicas-max-lag", FENCE["min-replicas-max-lag"])

    def whole(self) -> bool:
        try:
            return self._redis_is_whole() and self._mongo_is_whole()
        except (RedisError, PyMongoError, StopIteration):
            return False

    def _redis_is_whole(self) -> bool:
        """One master with two replicas that are up to date; all Sentinels name it and see all others."""
        masters = {self._named(sentinel) for sentinel in SENTINELS}
        with self._redis(self.master()) as client:
            found = client.info("replication")
        linked = [found[f"slave{number}"] for number in range(2) if f"slave{number}" in found]
        up = [each for each in linked if each["state"] == "online" and each["lag"] <= 1]
        return len(masters) == 1 and found["role"] == "master" and len(up) == 2 and self._sentinels_see_all()

    def _sentinels_see_all(self) -> bool:
        for sentinel in SENTINELS:
            with self._redis(sentinel, SENTINEL_PORT) as client:
                seen = client.sentinel_master(MASTER)
            if seen["num-other-sentinels"] != 2 or seen["num-slaves"] < 2 or seen["flags"] != "master":
                return False
        return True

    def _mongo_is_whole(self) -> bool:
        """One primary, and two secondaries that lag at most two seconds."""
        hellos = [self._hello(machine) for machine in MONGO]
        leads = [bool(each.get("isWritablePrimary")) for each in hellos]
        follows = [bool(each.get("secondary")) for each in hellos]
        writes = [each["lastWrite"]["lastWriteDate"] for each in hellos if "lastWrite" in each]
        even = len(writes) == 3 and (max(writes) - min(writes)).total_seconds() <= 10
        return leads.count(True) == 1 and follows.count(True) == 2 and even

    def _named(self, sentinel: str) -> str:
        with self._redis(sentinel, SENTINEL_PORT) as client:
            return str(client.sentinel_get_master_addr_by_name(MASTER)[0])

    def _redis(self, machine: str, port: int = REDIS_PORT) -> Redis:
        host = self.network.host(machine)
        return Redis(host=host, port=port, decode_responses=True, socket_timeout=2, socket_connect_timeout=2)

    def _hello(self, machine: str) -> dict[str, Any]:
        with MongoClient[dict[str, Any]](
            self.network.host(machine),
            MONGO_PORT,
            directConnection=True,
            serverSelectionTimeoutMS=2000,
            socketTimeoutMS=2000,
        ) as client:
            return client.admin.command("hello")
