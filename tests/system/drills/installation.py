"""A whole installation to break: real stores, relays, and API processes that can die at a crash point."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from api.app import app_over
from scripts.dev_server.child import Child, wait_until
from scripts.dev_server.stores import free_port
from services import Services, build_services
from services.settings import StoreTimeouts
from services.stores.connections import connect_mongo, connect_redis
from tests.own_time import own_time
from tests.servers import MongoServer, RedisServer, Server, real_stores
from tests.system.drills.proxy import Proxy
from tests.world import PATIENT, SECRET, World, environment_of, rfc3339, services_over, settings, tomorrow

ROOT = Path(__file__).resolve().parents[3]
CONFIRM_WINDOW_MS = 1_000
DATABASE = "drill"
SOON = 30
"""Seconds after which a condition counts as failed. It leaves room for a busy machine."""


@dataclass(frozen=True, repr=False)
class Answer:
    """What a client got, and after how many seconds. Status 0: the connection broke before an answer came."""

    status: int
    body: dict[str, Any]
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        return self.status in (200, 201)

    @property
    def is_refusal(self) -> bool:
        return 400 <= self.status < 500

    def __repr__(self) -> str:
        return f"<{self.status} {self.body.get('code') or self.body.get('status')} in {self.seconds:.2f} s>"

    @property
    def status_and_code(self) -> tuple[int, str | None]:
        """The status and the code of a problem."""
        return self.status, self.body.get("code")


class Asked(Protocol):
    """An API that answers requests."""

    def ask(self, method: str, path: str, key: str, body: Any = None, **headers: str) -> Answer:
        """Send one request. Header names are written with underscores."""
        ...


class Api:
    """One gunicorn with one worker over an installation's stores."""

    def __init__(self, environment: dict[str, str], folder: Path, crash_point: str) -> None:
        self.port = free_port()
        argv = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{self.port}"]
        environment = environment | {"HOLDFAST_CRASH_POINT": crash_point, "HOLDFAST_WORKERS": "1"}
        self.child = Child("api", argv, folder / f"api-{self.port}.log", env=environment, cwd=ROOT)

    def ask(self, method: str, path: str, key: str, body: Any = None, **headers: str) -> Answer:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        request.add_header("Authorization", f"Bearer {key}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with own_time() as passed:
            try:
                with urllib.request.urlopen(request, timeout=SOON) as reply:
                    text, status, received = reply.read(), reply.status, dict(reply.headers)
            except urllib.error.HTTPError as error:
                with error:
                    text, status, received = error.read(), error.code, dict(error.headers)
            except OSError:
                return Answer(0, {}, passed())
            return Answer(status, json.loads(text or b"{}"), passed(), received)

    def is_up(self) -> bool:
        return self.ask("GET", "/healthz", "none").status == 200


class LocalApi:
    """The API in this process. A proxy can break its connection to one store."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._client = app_over(services).test_client()

    def ask(self, method: str, path: str, key: str, body: Any = None, **headers: str) -> Answer:
        named = {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): each for name, each in headers.items()}
        with own_time() as passed:
            reply = self._client.open(path, method=method, json=body, headers=named)
            return Answer(reply.status_code, reply.json or {}, passed(), dict(reply.headers))


class Installation:
    """Stores, a world in them, and the processes that use them. `close()` ends all of them.

    timeouts: how long the stores may take for each of the processes. own: the same for the world.
    """

    def __init__(
        self,
        redis: RedisServer,
        mongo: MongoServer,
        folder: Path,
        timeouts: StoreTimeouts,
        own: StoreTimeouts | None = None,
    ) -> None:
        self.redis, self.mongo, self.folder = redis, mongo, folder
        self._settings, own = settings(**timeouts.model_dump(), confirm_window_ms=CONFIRM_WINDOW_MS), own or timeouts
        client, db = connect_redis(redis.url, own), connect_mongo(mongo.url, DATABASE, own)
        self.world = World(services_over(client, db, **own.model_dump(), confirm_window_ms=CONFIRM_WINDOW_MS))
        self._closing: list[Callable[[], object]] = []
        self._slots_given = 0

    def slot(self) -> dict[str, Any]:
        """A slot that no earlier call returned."""
        self._slots_given += 1
        start = rfc3339(tomorrow(0) + timedelta(hours=self._slots_given))
        return {"property_id": "prop-1", "technician_id": "tech-1", "start": start}

    def api(self, crash_point: str = "", **environment: str) -> Api:
        """Start an API. With a crash point its worker kills itself there. environment: further settings."""
        api = Api(self.environment() | environment, self.folder, crash_point)
        api.child.start()
        self._closing.append(api.child.kill)
        assert wait_until(api.is_up, seconds=SOON), api.child.log_tail()
        return api

    def relay(self, *, redis: Proxy | None = None, mongo: Proxy | None = None, **environment: str) -> Child:
        """Start a relay process, over the stores or over proxies in front of them. environment: further settings."""
        argv, environment = (
            [sys.executable, "scripts/relay.py"],
            self.environment() | self._through(redis, mongo) | environment,
        )
        child = Child("relay", argv, self.folder / "relay.log", env=environment, cwd=ROOT)
        child.start()
        self._closing.append(child.kill)
        return child

    def local_api(self, *, redis: Proxy | None = None, mongo: Proxy | None = None) -> LocalApi:
        """The API in this process, over the stores or over proxies in front of them."""
        urls = self.environment() | self._through(redis, mongo)
        client = connect_redis(urls["REDIS_URL"], self._settings)
        db = connect_mongo(urls["MONGO_URL"], DATABASE, self._settings)
        services = build_services(self._settings, redis=client, mongo=db)
        self._closing += [services.access.close, client.close, db.client.close]
        return LocalApi(services)

    def proxy(self, server: Server) -> Proxy:
        """A proxy in front of one of the stores."""
        made = Proxy(server.port)
        self._closing.append(made.close)
        return made

    @contextmanager
    def failing(self, commands: list[str], times: int | None = 1, **data: Any) -> Iterator[None]:
        """Let MongoDB fail the next `times` such commands of the product (None: all), by its `failCommand`."""
        data = {"failCommands": commands, "appName": "holdfast"} | data
        self.fail_point("failCommand", "alwaysOn" if times is None else {"times": times}, data)
        try:
            yield
        finally:
            self.fail_point("failCommand", "off", {})

    @contextmanager
    def inserts_wait(self) -> Iterator[None]:
        """MongoDB makes no insert before the end of the block."""
        self.fail_point("hangDuringBatchInsert", "alwaysOn", {"nss": f"{DATABASE}.bookings"})
        try:
            yield
        finally:
            self.fail_point("hangDuringBatchInsert", "off", {})

    def fail_point(self, name: str, mode: Any, data: dict[str, Any]) -> None:
        with self.mongo.client() as client:
            client.admin.command("configureFailPoint", name, mode=mode, data=data)

    def lapse_leases(self) -> None:
        """End every lease, as if its time were over."""
        self.world.services.db["leases"].delete_many({})

    def settle(self) -> None:
        """Let a relay finish everything that is due. Every pin counts as overdue."""
        relay = self.world.services.relay
        for hold_id in self.pins():
            self.world.services.redis.zadd(self.world.names.pins, {hold_id: 1})
        relay.carry_over_changes()
        relay.tend()

    def pins(self) -> list[str]:
        pins: Any = self.world.services.redis.zrange(self.world.names.pins, 0, -1)
        return list(pins)

    def close(self) -> None:
        for close in reversed(self._closing):
            close()
        self.world.services.access.close()
        self.world.services.redis.close()
        self.world.services.db.client.close()

    def _through(self, redis: Proxy | None, mongo: Proxy | None) -> dict[str, str]:
        """The addresses of these proxies, by the names of the settings."""
        urls = {"REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"} if redis else {}
        return urls | ({"MONGO_URL": f"mongodb://127.0.0.1:{mongo.port}/?directConnection=true"} if mongo else {})

    def environment(self) -> dict[str, str]:
        """The environment of a process of this installation."""
        return (
            os.environ
            | environment_of(self._settings)
            | {
                "REDIS_URL": self.redis.url,
                "MONGO_URL": self.mongo.url,
                "HOLDFAST_MONGO_DB": DATABASE,
                "HOLDFAST_SECRET": SECRET,
                "HOLDFAST_CONFIRM_WINDOW_MS": str(CONFIRM_WINDOW_MS),
            }
        )


@contextmanager
def private_installation(folder: Path, timeouts: StoreTimeouts) -> Iterator[Installation]:
    """A private installation, whose stores a test may kill."""
    with real_stores(test_commands=True) as (redis, mongo):
        made = Installation(redis, mongo, folder, timeouts, PATIENT)
        try:
            yield made
        finally:
            made.close()


OUTAGES = ("killed", "frozen")


@contextmanager
def away(server: Server, how: str) -> Iterator[None]:
    """Kill or freeze a store for the length of a `with` block."""
    (server.kill if how == "killed" else server.freeze)()
    try:
        yield
    finally:
        server.start() if how == "killed" else server.thaw()
