"""Worlds for races: the usual one over real servers, and one that Redis cannot be reached from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.dev_server.stores import free_port, redis_url
from services.stores.connections import connect_mongo, connect_redis
from tests.servers import MongoServer, RedisServer
from tests.world import World, services_over

SCRATCH = "holdfast_race"


@pytest.fixture
def lone_world(stores: tuple[RedisServer, MongoServer]) -> Iterator[World]:
    """A world whose Redis is down, in a database that a test may take the guard out of: MongoDB decides alone."""
    db = connect_mongo(stores[1].url, SCRATCH)
    client = connect_redis(redis_url(free_port()))
    made = World(services_over(client, db), warm=False)
    yield made
    made.services.access.close()
    db.client.drop_database(SCRATCH)
    client.close()
    db.client.close()
