"""Fixtures for every test: a world over fakes, which is quick, and a world over real servers, which is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fakeredis
import mongomock
import pytest

from models.access import Caller, Role
from services.stores.connections import connect_mongo, connect_redis
from tests.servers import MongoServer, RedisServer, real_stores
from tests.world import World, services_over


@pytest.fixture(scope="session")
def stores() -> Iterator[tuple[RedisServer, MongoServer]]:
    """One real Redis and one real mongod for the whole run. Each world has an org of its own in them."""
    with real_stores(test_commands=True) as both:
        yield both


@pytest.fixture
def world(stores: tuple[RedisServer, MongoServer]) -> Iterator[World]:
    """A world over real servers."""
    redis, mongo = stores
    client = connect_redis(redis.url)
    db = connect_mongo(mongo.url, "holdfast_test")
    made = World(services_over(client, db))
    yield made
    made.services.access.close()
    client.close()
    db.client.close()


@pytest.fixture
def fake_world() -> Iterator[World]:
    """A world over fakes: no uniqueness over claims, no validators, no change stream."""
    db = mongomock.MongoClient(tz_aware=True)["test"]
    made = World(services_over(fakeredis.FakeRedis(decode_responses=True), db))
    yield made
    made.services.access.close()


@pytest.fixture(scope="module")
def lonely_database(stores: tuple[RedisServer, MongoServer], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A database of one file's own: a relay tends every org that it finds in one."""
    db = connect_mongo(stores[1].url, request.module.__name__.rpartition(".")[2])
    yield db
    db.client.drop_database(db.name)
    db.client.close()


@pytest.fixture
def lonely_world(stores: tuple[RedisServer, MongoServer], lonely_database: Any) -> Iterator[World]:
    """A world over real servers in that database, in which nothing else is."""
    for name in lonely_database.list_collection_names():
        lonely_database[name].delete_many({})
    client = connect_redis(stores[0].url)
    made = World(services_over(client, lonely_database))
    yield made
    made.services.access.close()
    client.close()


@pytest.fixture(params=["fakes", "real servers"])
def any_world(request: pytest.FixtureRequest) -> World:
    """A world over fakes, then one over real servers, for what must be so on both."""
    made: World = request.getfixturevalue("fake_world" if request.param == "fakes" else "world")
    return made


@pytest.fixture
def alice(any_world: World) -> Caller:
    """The customer's browser."""
    return any_world.caller("checkout")


@pytest.fixture
def bob(any_world: World) -> Caller:
    """The receptionist."""
    return any_world.caller("desk")


@pytest.fixture
def bot(any_world: World) -> Caller:
    """The SMS bot."""
    return any_world.caller("bot")


@pytest.fixture
def charlie(any_world: World) -> Caller:
    """Somebody from another org."""
    return any_world.services.access.authenticate(any_world.rival_key)


@pytest.fixture
def stranger(any_world: World) -> Caller:
    """Another checkout of the same org, with a key of its own."""
    access = any_world.services.access
    return access.authenticate(access.create_key(any_world.org, Role.CHECKOUT))
