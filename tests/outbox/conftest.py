"""A world alone in its database, whose webhooks may lead to this machine, and a receiver for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.stores.connections import connect_redis
from tests.outbox.receiving import Receiver, receiver
from tests.servers import MongoServer, RedisServer
from tests.world import PATIENT, World, services_over


@pytest.fixture
def world(stores: tuple[RedisServer, MongoServer], lonely_database: Any) -> Iterator[World]:
    for name in lonely_database.list_collection_names():
        lonely_database[name].delete_many({})
    client = connect_redis(stores[0].url, PATIENT)
    made = World(services_over(client, lonely_database, webhook_allow_private=True))
    yield made
    made.services.access.close()
    client.flushdb()
    client.close()


@pytest.fixture(name="receiver")
def a_receiver() -> Iterator[Receiver]:
    with receiver() as made:
        yield made
