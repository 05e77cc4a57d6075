"""Real stores for tests: a private Redis and a private mongod, on free ports, with their data in a temporary folder.

A test can kill them, freeze them, and start them again on the same port and data. They end with the `with` block, and
with the thread that started them: start them from the main thread. A missing program raises StartError.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pymongo import MongoClient
from redis import Redis

from scripts.dev_server import stores
from scripts.dev_server.child import Child, StartError, wait_until
from scripts.dev_server.replica_set import make_primary
from tests import programs

START_SECONDS = 60
LOST_PORT_TRIES = 3


class Server(ABC):
    """A private store: `start()` (again), `stop()`, `kill()`, `freeze()`, `thaw()`; `close()` removes its data."""

    name = "store"

    def __init__(self) -> None:
        self.port = stores.free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"holdfast-{self.name}-"))
        self._child = Child(self.name, [], self.folder / "server.log")

    @abstractmethod
    def _argv(self) -> list[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._child.pid

    def start(self) -> Self:
        """Start it on its port and data and return once it serves. Raises StartError with the end of its log."""
        self._child.argv = self._argv()
        self._child.start()
        if not wait_until(lambda: self._answers() or not self.alive(), seconds=START_SECONDS) or not self.alive():
            self._child.kill()
            raise StartError(f"{self.name} did not start on port {self.port}:\n{self._child.log_tail()}")
        return self

    def alive(self) -> bool:
        """Whether the process runs (a frozen one does)."""
        return self._child.alive()

    def stop(self) -> None:
        """Ask it to stop and wait until it has; the data stay."""
        self._child.stop()

    def kill(self) -> None:
        """SIGKILL it; the data stay as they were on disk."""
        self._child.kill()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered, like a stalled machine."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: go on after a freeze."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._child.process:
            self._child.process.send_signal(number)

    def restart(self) -> Self:
        """Kill it and start it again on the same port and data."""
        self.kill()
        return self.start()

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        for _ in range(LOST_PORT_TRIES):
            try:
                return self.start()
            except StartError:
                if self._port_was_lost():
                    self.port = stores.free_port()
                    continue
                self.close()
                raise
        self.close()
        raise StartError(f"{self.name} found no free port in {LOST_PORT_TRIES} tries.")

    def _port_was_lost(self) -> bool:
        log = self._child.log.read_text(encoding="utf-8", errors="replace").lower()
        return "address already in use" in log

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RedisServer(Server):
    """A Redis: one variant of `tests.programs`, or None for the one that `scripts/server` takes."""

    name = "redis"

    def __init__(self, variant: str | None = None) -> None:
        super().__init__()
        self.binary = programs.redis_variants()[variant] if variant else stores.find_redis()

    @property
    def url(self) -> str:
        """Its address, as REDIS_URL takes it."""
        return stores.redis_url(self.port)

    def client(self) -> Redis:
        """A client with text replies and short timeouts; the caller closes it."""
        return Redis.from_url(self.url, decode_responses=True, socket_timeout=5, socket_connect_timeout=2)

    def _argv(self) -> list[str]:
        return stores.redis_argv(self.binary, port=self.port, folder=self.folder)

    def _answers(self) -> bool:
        return stores.redis_answers(self.url)


class MongoServer(Server):
    """A mongod that is the primary of a replica set of one.

    `test_commands=True` allows failCommand and its kin; `parameters` are further --setParameter values.
    """

    name = "mongod"

    def __init__(self, *, test_commands: bool = False, parameters: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.parameters = {**({"enableTestCommands": "1"} if test_commands else {}), **(parameters or {})}

    @property
    def url(self) -> str:
        """Its address, as MONGO_URL takes it."""
        return stores.mongo_url(self.port)

    def client(self) -> MongoClient[dict[str, object]]:
        """A client with aware times; the caller closes it."""
        return MongoClient(self.url, tz_aware=True, serverSelectionTimeoutMS=10_000)

    def start(self) -> Self:
        """Start it and return once it takes writes."""
        super().start()
        make_primary(self.url, seconds=START_SECONDS)
        return self

    def _argv(self) -> list[str]:
        return stores.mongod_argv(stores.find_mongod(), port=self.port, folder=self.folder, parameters=self.parameters)

    def _answers(self) -> bool:
        return stores.port_answers(self.port)


@contextmanager
def real_stores(*, test_commands: bool = False) -> Iterator[tuple[RedisServer, MongoServer]]:
    """A fresh Redis and a fresh mongod for the length of a `with` block."""
    with RedisServer() as redis, MongoServer(test_commands=test_commands) as mongo:
        yield redis, mongo
