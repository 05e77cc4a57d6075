"""Fixtures for every test: a world over fakes, which is quick, and a world over real servers, which is true.

The tests of the API use the first, the tests of the services the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import time
from typing import Any

import fakeredis
import pytest

from models.access import Caller, Role
from scripts.dev_server.child import wait_until
from services.ledger.store import BookingStore
from services.settings import DEFAULTS, StoreTimeouts
from services.stores.connections import connect_mongo, connect_redis
from tests.fake_mongo import fake_database
from tests.servers import MongoServer, RedisServer, real_stores
from tests.world import DATABASE, PATIENT, World, services_over


@pytest.fixture(scope="session")
def stores() -> Iterator[tuple[RedisServer, MongoServer]]:
    """One real Redis and one real mongod with a prepared database, for the whole run of one worker of pytest-xdist."""
    with real_stores(test_commands=True) as (redis, mongo):
        client, db = connect_redis(redis.url, PATIENT), connect_mongo(mongo.url, DATABASE, PATIENT)
        services_over(client, db).access.close()
        client.close()
        db.client.close()
        yield redis, mongo


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
    """The bound of one write of a booking, which no setting changes."""
    with pytest.MonkeyPatch.context() as patch:
        if timeouts is not DEFAULTS:
            patch.setattr(BookingStore, "write_seconds", timeouts.mongo_seconds)
        yield


@pytest.fixture
def brief_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a fault of MongoDB that lasts: one write of a booking is tried again for about as long as in production."""
    monkeypatch.setattr(BookingStore, "write_seconds", 1.5)


@pytest.fixture
def world(stores: tuple[RedisServer, MongoServer], timeouts: StoreTimeouts) -> Iterator[World]:
    """A world over real servers. In MongoDB it has two orgs of its own; at its end Redis is empty again."""
    redis, mongo = stores
    client, db = connect_redis(redis.url, timeouts), connect_mongo(mongo.url, DATABASE, timeouts)
    made = World(services_over(client, db, prepared=True, **timeouts.model_dump()))
    yield made
    made.services.access.close()
    client.flushdb()
    client.close()
    db.client.close()


@pytest.fixture
def fake_world() -> Iterator[World]:
    """A world over fakes."""
    made = World(services_over(fakeredis.FakeRedis(decode_responses=True), fake_database()))
    yield made
    made.services.access.close()


@pytest.fixture(scope="module")
def lonely_database(stores: tuple[RedisServer, MongoServer], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A database for the tests of one file: a relay tends every org that it finds in a database."""
    db = connect_mongo(stores[1].url, request.module.__name__.rpartition(".")[2], PATIENT)
    yield db
    db.client.drop_database(db.name)
    db.client.close()


@pytest.fixture
def lonely_world(stores: tuple[RedisServer, MongoServer], lonely_database: Any) -> Iterator[World]:
    """A world over real servers in that database, which holds nothing else."""
    for name in lonely_database.list_collection_names():
        lonely_database[name].delete_many({})
    client = connect_redis(stores[0].url, PATIENT)
    made = World(services_over(client, lonely_database))
    yield made
    made.services.access.close()
    client.flushdb()
    client.close()


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
