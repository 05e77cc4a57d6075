"""A world for races without Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.stores.connections import connect_mongo, connect_redis
from tests.servers import MongoServer, RedisServer
from tests.world import PATIENT, World, services_over

SCRATCH = "holdfast_race"


@pytest.fixture
def lone_world(stores: tuple[RedisServer, MongoServer]) -> Iterator[World]:
    """A world whose Redis is down, so that MongoDB decides alone. A test may drop the index of its database."""
    db = connect_mongo(stores[1].url, SCRATCH, PATIENT)
    client = connect_redis("redis://127.0.0.1:1/0")
    made = World(services_over(client, db), warm=False)
    yield made
    made.services.access.close()
    db.client.drop_database(SCRATCH)
    client.close()
    db.client.close()
