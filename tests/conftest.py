"""Fixtures for every test: a world over fakes, which is quick, and a world over real servers, which is true."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import mongomock
import pytest

from services.connections import connect_mongo, connect_redis
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
