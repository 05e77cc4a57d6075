"""Starts the sides of a bench run, each with its own processes: Holdfast, textbook and the bare route.

Textbook has a Redis and a mongod of its own, with the programs, options and passwords of ours. In shared stores, our
relay's change stream would read textbook's inserts too, and no process would say for whom it worked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.dev_server import stores
from scripts.dev_server.data_folder import MONGOD_KEY, REDIS_CONFIG, DataFolder
from scripts.dev_server.replica_set import make_primary
from scripts.load.bench.furnish import Size, seats_of
from scripts.load.bench.holdfast import Holdfast
from scripts.load.bench.sides import BARE, RELAY, WORKERS
from scripts.load.bench.yardsticks import Bare, Textbook
from scripts.load.client.pump import Pump
from scripts.load.client.servers import flask_server, private_server, running, with_own_org
from scripts.load.client.target import ROOT
from scripts.load.client.wire import request_bytes

PROCESSES = {"gunicorn": WORKERS, "redis": "redis", "mongod": "mongod", "relay": RELAY}
"""The names in dev.json, and ours."""
GREETING = request_bytes("GET", "/")
"""The first request on each connection: gunicorn's settings give one without any few seconds."""


@dataclass(frozen=True)
class Setting:
    """workers: of each gunicorn; connections: of the load client to each."""

    workers: int
    connections: int


@contextmanager
def holdfast(label: str, setting: Setting, size: Size, root: Path = ROOT) -> Iterator[Holdfast]:
    """A private server with an org of its own. root: the checkout whose code it is. Raises Unreachable."""
    with private_server(setting.workers, root=root) as server:
        target = with_own_org(server, root)
        pids = {PROCESSES[name]: pid for name, pid in server.pids}
        greeting = request_bytes("GET", "/policy", key=target.keys["desk"])
        with Pump(target.address, setting.connections, greeting) as pump:
            yield Holdfast(label, pump, pids, seats=seats_of(target, size))


@contextmanager
def bare(setting: Setting) -> Iterator[Bare]:
    """The route that does nothing. Raises Unreachable."""
    with (
        flask_server("scripts.load.bench.bare_app:app", setting.workers, {}) as (address, pid),
        Pump(address, setting.connections, GREETING) as pump,
    ):
        yield Bare(BARE, pump, {WORKERS: pid})


@contextmanager
def textbook(setting: Setting) -> Iterator[Textbook]:
    """The textbook service with stores of its own. Raises Unreachable."""
    with tempfile.TemporaryDirectory(prefix="holdfast-textbook-") as scratch:
        folder = DataFolder(Path(scratch))
        folder.prepare()
        secrets, ports = folder.secrets(), folder.ports(("redis", "mongod"))
        redis_url = stores.redis_url(ports["redis"], secrets.redis_password)
        mongo_url = stores.mongo_url(ports["mongod"], secrets.mongo_password)
        redis_argv = stores.redis_argv(
            stores.find_redis(), port=ports["redis"], folder=folder / "redis", config=folder / REDIS_CONFIG
        )
        mongod_argv = stores.mongod_argv(
            stores.find_mongod(), port=ports["mongod"], folder=folder / "mongod", key_file=folder / MONGOD_KEY
        )
        with (
            running("textbook's Redis", redis_argv, lambda _: stores.redis_answers(redis_url)) as redis,
            running("textbook's mongod", mongod_argv, lambda _: stores.port_answers(ports["mongod"])) as mongod,
        ):
            make_primary(mongo_url)
            addresses = {"REDIS_URL": redis_url, "MONGO_URL": mongo_url}
            with (
                flask_server("scripts.load.bench.textbook:create_app()", setting.workers, addresses) as (address, pid),
                Pump(address, setting.connections, GREETING) as pump,
            ):
                yield Textbook("textbook", pump, {WORKERS: pid, "redis": redis.pid, "mongod": mongod.pid})
