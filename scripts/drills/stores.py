"""The stores of a drill: what it asks of them, and the smallest ones, a Redis and a mongod alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from scripts.dev_server import stores
from scripts.dev_server.child import Child, StartError, wait_until
from scripts.dev_server.replica_set import make_primary
from scripts.drills.network import Network

START_SECONDS = 60


class Stores(ABC):
    """Running stores. They end with the stack."""

    def __init__(self, network: Network, folder: Path, stack: ExitStack) -> None:
        self.network, self.folder, self.stack = network, folder, stack

    @abstractmethod
    def redis_url(self, machine: str) -> str:
        """The REDIS_URL of a server on this machine."""

    @abstractmethod
    def mongo_url(self, machine: str) -> str:
        """The MONGO_URL of a server on this machine."""

    @abstractmethod
    def master(self) -> str:
        """The machine of the Redis master."""

    @abstractmethod
    def primary(self) -> str:
        """The machine of the primary of MongoDB."""

    @abstractmethod
    def leads(self, members: Sequence[str]) -> bool:
        """Whether one of these members is the primary now."""

    @property
    @abstractmethod
    def master_url(self) -> str:
        """The address of the Redis master, past the network's faults."""

    @property
    @abstractmethod
    def database_url(self) -> str:
        """The address of MongoDB, past the network's faults."""

    @abstractmethod
    def whole(self) -> bool:
        """Whether every member is there and follows the others."""

    @abstractmethod
    def fence(self, on: bool) -> None:
        """Whether a master of Redis needs a replica that answers (`min-replicas-to-write`)."""

    def start(self, machine: str, argv: list[str]) -> Child:
        """Runs a program on a machine until the stack ends."""
        child = Child(machine, self.network.argv(machine, argv), self.folder / f"{machine}.log")
        child.start()
        self.stack.callback(child.kill)
        return child

    def start_redis(self, machine: str, port: int, *more: str) -> None:
        """Starts a Redis and waits until it answers. Raises StartError."""
        host, folder = self.network.host(machine), self._room(machine)
        child = self.start(
            machine, [*stores.redis_argv(stores.find_redis(), port=port, folder=folder, host=host), *more]
        )
        _wait(child, lambda: redis_answers(host, port))

    def start_mongod(self, machine: str, port: int, parameters: dict[str, str]) -> None:
        """Starts a mongod and waits until it answers. Raises StartError."""
        host, folder = self.network.host(machine), self._room(machine)
        argv = stores.mongod_argv(stores.find_mongod(), port=port, folder=folder, parameters=parameters, host=host)
        _wait(self.start(machine, argv), lambda: mongod_answers(host, port))

    def _room(self, machine: str) -> Path:
        folder = self.folder / machine
        folder.mkdir()
        return folder


class Alone(Stores):
    """One Redis and one mongod, each behind a proxy for each machine."""

    def __init__(self, network: Network, folder: Path, stack: ExitStack) -> None:
        super().__init__(network, folder, stack)
        self.redis, self.mongo = stores.free_port(), stores.free_port()
        self.start_redis("redis1", self.redis)
        self.start_mongod("mongo1", self.mongo, {})
        make_primary(stores.mongo_url(self.mongo), seconds=START_SECONDS)

    def redis_url(self, machine: str) -> str:
        return f"redis://{self.network.reach(machine, 'redis1', self.redis)}/0"

    def mongo_url(self, machine: str) -> str:
        return f"mongodb://{self.network.reach(machine, 'mongo1', self.mongo)}/?directConnection=true"

    def master(self) -> str:
        return "redis1"

    def primary(self) -> str:
        return "mongo1"

    def leads(self, members: Sequence[str]) -> bool:
        return "mongo1" in members

    @property
    def master_url(self) -> str:
        return stores.redis_url(self.redis)

    @property
    def database_url(self) -> str:
        return stores.mongo_url(self.mongo)

    def whole(self) -> bool:
        return redis_answers(stores.HOST, self.redis) and mongod_answers(stores.HOST, self.mongo)

    def fence(self, on: bool) -> None:
        """There is no replica that a fence could ask."""


def redis_answers(host: str, port: int) -> bool:
    """Whether a Redis, or a Sentinel, takes commands."""
    try:
        with Redis(host=host, port=port, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except RedisError:
        return False


def mongod_answers(host: str, port: int) -> bool:
    """Whether a mongod answers, as a member of a set or before it is one."""
    try:
        with MongoClient[dict[str, object]](
            host, port, directConnection=True, serverSelectionTimeoutMS=1000, socketTimeoutMS=1000
        ) as client:
            return bool(client.admin.command("hello")["ok"])
    except PyMongoError:
        return False


def _wait(child: Child, answers: Callable[[], bool]) -> None:
    if not wait_until(lambda: answers() or not child.alive(), seconds=START_SECONDS, every=0.1):
        raise StartError(f"{child.name} did not start:\n{child.log_tail()}")
    if not child.alive():
        raise StartError(f"{child.name} ended:\n{child.log_tail()}")
