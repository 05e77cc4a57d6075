"""A whole installation to break: real stores, API processes that can be told where to die, and a relay."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.stack.child import Child, wait_until
from scripts.stack.stores import free_port
from services.connections import connect_mongo, connect_redis
from tests.servers import MongoServer, RedisServer, real_stores
from tests.world import SECRET, World, services_over

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIRM_WINDOW_MS = 1_000
ALLOWED = {200, 201, 204, 409, 410, 412, 422, 429, 503}


@dataclass(frozen=True)
class Answer:
    """What a client got: status 0 when the connection broke before an answer came."""

    status: int
    body: dict[str, Any]

    @property
    def is_ok(self) -> bool:
        return self.status in (200, 201)


class Api:
    """One gunicorn with one worker over an installation's stores."""

    def __init__(self, environment: dict[str, str], folder: Path, crash_point: str) -> None:
        self.port = free_port()
        argv = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{self.port}"]
        environment = environment | {"HOLDFAST_CRASH_POINT": crash_point, "HOLDFAST_WORKERS": "1"}
        self.child = Child("api", argv, folder / f"api-{self.port}.log", env=environment, cwd=ROOT)

    def ask(self, method: str, path: str, key: str, body: Any = None, **headers: str) -> Answer:
        """One request, with header names written with underscores."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        request.add_header("Authorization", f"Bearer {key}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return Answer(reply.status, json.loads(reply.read() or b"{}"))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.loads(error.read() or b"{}"))
        except OSError:
            return Answer(0, {})

    def is_up(self) -> bool:
        return self.ask("GET", "/healthz", "none").status == 200


class Installation:
    """Stores, a world in them, and the processes started over them; all are gone at the end."""

    def __init__(self, redis: RedisServer, mongo: MongoServer, folder: Path) -> None:
        self.redis, self.mongo, self.folder = redis, mongo, folder
        services = services_over(
            connect_redis(redis.url), connect_mongo(mongo.url, "drill"), confirm_window_ms=CONFIRM_WINDOW_MS
        )
        self.world = World(services)
        self._environment = os.environ | {
            "REDIS_URL": redis.url,
            "MONGO_URL": mongo.url,
            "HOLDFAST_MONGO_DB": "drill",
            "HOLDFAST_SECRET": SECRET,
            "HOLDFAST_CONFIRM_WINDOW_MS": str(CONFIRM_WINDOW_MS),
        }
        self._children: list[Child] = []

    def api(self, crash_point: str = "") -> Api:
        """Starts an API that kills its worker at the named point, if one is named."""
        api = Api(self._environment, self.folder, crash_point)
        api.child.start()
        self._children.append(api.child)
        assert wait_until(api.is_up, seconds=20), api.child.log_tail()
        return api

    def settle(self) -> None:
        """Lets a relay finish everything that is due, overdue pins included."""
        relay = self.world.services.relay
        for hold_id in self._pins():
            self.world.services.redis.zadd(self.world.names.pins, {hold_id: 0})
        relay.carry_over_changes()
        relay.tend()

    def _pins(self) -> list[str]:
        return self.world.services.redis.zrange(self.world.names.pins, 0, -1)

    def close(self) -> None:
        for child in self._children:
            child.kill()
        self.world.services.access.close()
        self.world.services.redis.close()
        self.world.services.db.client.close()


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """An installation of one's own, with stores that may be killed."""
    with real_stores(test_commands=True) as (redis, mongo):
        made = Installation(redis, mongo, folder)
        try:
            yield made
        finally:
            made.close()
