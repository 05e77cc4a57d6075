"""Clients for the stores own their connections."""

from __future__ import annotations

from scripts.dev_server.child import wait_until
from services.stores.connections import connect_redis
from tests.servers import RedisServer


def test_a_client_that_is_closed_has_closed_its_connections() -> None:
    with RedisServer() as server, server.client() as watcher:
        client = connect_redis(server.url)
        client.ping()
        assert len(watcher.client_list()) == 2
        client.close()
        assert wait_until(lambda: len(watcher.client_list()) == 1, seconds=30)
