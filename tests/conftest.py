"""Fixtures for every test: a world over fakes, which is quick, and a world over real servers, which is true.

The tests of the API use the first, the tests of the services the second.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from time import time
from typing import Any

import fakeredis
import hypothesis
import pytest
from pymongo.database import Database
from redis import Redis

from models.access import Caller, Role
from scripts.dev_server.child import wait_until
from services.ledger.store import BookingStore
from services.ops.installation import prepare
from services.settings import DEFAULTS, StoreTimeouts
from services.stores.connections import Document, connect_mongo, connect_redis
from tests.fake_mongo import fake_database
from tests.servers import MongoServer, RedisServer, real_stores
from tests.stock import AT_ONCE, Stock
from tests.world import DATABASE, PATIENT, World, services_over, settings

for name, derandomize in (("search", False), ("the same in every run", True)):
    hypothesis.settings.register_profile(
        name,
        deadline=None,
        database=None,
        derandomize=derandomize,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("the same in every run")
gc.disable()  # until the tests are collected, which makes millions of objects and next to no garbage


def pytest_collection_finish() -> None:
    """Hides what was collected from the garbage collector, which would walk through all of it again and again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def stores() -> Iterator[tuple[RedisServer, MongoServer]]:
    """One real Redis and one real mongod with a prepared database, for the whole run of one worker of pytest-xdist."""
    with real_stores(test_commands=True) as (redis, mongo):
        db = connect_mongo(mongo.url, DATABASE, PATIENT)
        prepare(db, settings().grid_minutes)
        db.client.close()
        yield redis, mongo


Connect = Callable[[StoreTimeouts], tuple[Redis, Database[Document]]]


@pytest.fixture(scope="session")
def connect(stores: tuple[RedisServer, MongoServer]) -> Iterator[Connect]:
    """Gives the clients of these time-outs, which all worlds of a worker share; connections take long to make."""
    with ExitStack() as stack:

        @cache
        def connected(timeouts: StoreTimeouts) -> tuple[Redis, Database[Document]]:
            client, db = connect_redis(stores[0].url, timeouts), connect_mongo(stores[1].url, DATABASE, timeouts)
            stack.callback(client.close)
            stack.callback(db.client.close)
            return client, db

        yield connected


@pytest.fixture(scope="session")
def stock(connect: Connect) -> Stock:
    """What the product made for one world, and each other world copies."""
    client, db = connect(PATIENT)
    made = World(services_over(client, db, prepared=True))
    made.services.access.close()
    client.flushdb()
    return Stock.of(db, made.org, made.other_org)


@pytest.fixture
def within_a_day() -> None:
    """For what is counted by the day, UTC: if midnight is near, it passes before the test."""
    assert wait_until(lambda: time() % 86_400 < 86_390, seconds=20)


@pytest.fixture(scope="module")
def timeouts(request: pytest.FixtureRequest) -> StoreTimeouts:
    """How long the stores may take in the tests of a file: so long that a busy machine does not matter.

    A file about stores that are slow or away has the mark `real_timeouts`: its tests meet the figures of the product.
    """
    return DEFAULTS if request.node.get_closest_marker("real_timeouts") else PATIENT


@pytest.fixture(scope="module", autouse=True)
def _write_seconds(timeouts: StoreTimeouts) -> Iterator[None]:
    """The bound of one write of a booking, for the stores that a test makes itself."""
    with pytest.MonkeyPatch.context() as patch:
        if timeouts is not DEFAULTS:
            patch.setattr(BookingStore, "write_seconds", timeouts.mongo_seconds)
        yield


@pytest.fixture
def brief_writes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a fault of MongoDB that lasts: one write of a booking is tried again for about as long as in production."""
    for store in (BookingStore, world.services.booking_life._store):
        monkeypatch.setattr(store, "write_seconds", 1.5)


@pytest.fixture
def world(connect: Connect, stock: Stock, timeouts: StoreTimeouts) -> Iterator[World]:
    """A world over real servers. In MongoDB it has two orgs of its own; at its end Redis is empty again."""
    client, db = connect(timeouts)
    made = World(services_over(client, db, prepared=True, **timeouts.model_dump()), stock=stock)
    yield made
    made.services.access.close()
    client.flushdb()


@pytest.fixture
def fake_world() -> Iterator[World]:
    """A world over fakes."""
    made = World(services_over(fakeredis.FakeRedis(decode_responses=True), fake_database()))
    yield made
    made.services.access.close()


@pytest.fixture(scope="module")
def lonely_database(stores: tuple[RedisServer, MongoServer], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A prepared database for the tests of one file: a relay tends every org that it finds in a database."""
    db = connect_mongo(stores[1].url, request.module.__name__.rpartition(".")[2], PATIENT)
    prepare(db, settings().grid_minutes)
    yield db
    db.client.drop_database(db.name)
    db.client.close()


@pytest.fixture
def lonely_world(connect: Connect, stock: Stock, lonely_database: Any) -> Iterator[World]:
    """A world over real servers in that database, which holds nothing else."""
    for name in lonely_database.list_collection_names():
        if name != "meta":  # says what the database is prepared for
            lonely_database.get_collection(name, write_concern=AT_ONCE).delete_many({})
    client, _ = connect(PATIENT)
    made = World(services_over(client, lonely_database, prepared=True), stock=stock)
    yield made
    made.services.access.close()
    client.flushdb()


@pytest.fixture
def alice(world: World) -> Caller:
    """The customer's browser."""
    return world.caller("checkout")


@pytest.fixture
def bob(world: World) -> Caller:
    """The receptionist."""
    return world.caller("desk")


@pytest.fixture
def bot(world: World) -> Caller:
    """The SMS bot."""
    return world.caller("bot")


@pytest.fixture
def charlie(world: World) -> Caller:
    """An admin of another org."""
    return world.services.access.authenticate(world.rival_key)


@pytest.fixture
def stranger(world: World) -> Caller:
    """Another checkout key of the same org."""
    access = world.services.access
    return access.authenticate(access.create_key(world.org, Role.CHECKOUT).key)
