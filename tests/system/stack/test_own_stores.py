"""The private stores of the tests: both kinds of Redis, and mongod. How they start, stop, freeze and restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo import WriteConcern
from redis.exceptions import TimeoutError as RedisTimeout

from scripts.dev_server import stores
from scripts.dev_server.stores import free_port
from tests.programs import redis_variants
from tests.servers import MongoServer, RedisServer

EVERYTHING_WE_USE = """
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', 60000)
redis.call('HSET', KEYS[2], 'status', 'held')
redis.call('ZADD', KEYS[3], 1, 'member')
redis.call('XADD', KEYS[4], 'MAXLEN', '~', 100, '*', 'kind', 'hold')
return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]), cjson.encode({a = 1})}
"""


@pytest.mark.parametrize("variant", redis_variants())
def test_each_redis_runs_the_commands_that_our_scripts_use(variant: str) -> None:
    with RedisServer(variant) as server, server.client() as client:
        keys = [f"hf:{{demo}}:{name}" for name in ("claim", "hold", "pins", "events")]
        value, remaining_ms, encoded = client.eval(EVERYTHING_WE_USE, 4, *keys, "held")
        assert (value, encoded) == ("held", '{"a":1}')
        assert 0 < remaining_ms <= 60_000
        assert client.xrange(keys[3])[0][1] == {"kind": "hold"}


@pytest.mark.parametrize("variant", redis_variants())
def test_each_redis_never_evicts(variant: str) -> None:
    with RedisServer(variant) as server, server.client() as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@pytest.mark.parametrize("variant", redis_variants())
def test_each_redis_keeps_its_data_after_a_kill(variant: str) -> None:
    with RedisServer(variant) as server, server.client() as client:
        client.set("a", "kept")
        port = server.port
        server.restart()
        assert server.port == port
        assert client.get("a") == "kept"


def test_a_frozen_redis_answers_nothing_until_it_is_thawed() -> None:
    with RedisServer() as server:
        client = server.client()
        client.connection_pool.connection_kwargs["socket_timeout"] = 2
        client.ping()
        server.freeze()
        with pytest.raises(RedisTimeout):
            client.ping()
        server.thaw()
        assert client.ping()
        client.close()


def test_mongod_keeps_an_acknowledged_write_after_a_kill() -> None:
    with MongoServer() as server, server.client() as client:
        bookings = client["holdfast"].get_collection("bookings", write_concern=WriteConcern(w="majority", j=True))
        bookings.insert_one({"_id": "bk_1"})  # type: ignore[dict-item]
        server.restart()
        assert bookings.find_one({"_id": "bk_1"}) is not None


def test_a_mongod_on_another_port_becomes_primary_again() -> None:
    with MongoServer() as server:
        with server.client() as client:
            client["holdfast"]["bookings"].insert_one({"_id": "bk_1"})  # type: ignore[dict-item]
        server.stop()
        server.port = free_port()
        server.start()
        with server.client() as client:
            assert client["holdfast"]["bookings"].count_documents({}) == 1


def test_mongod_accepts_fail_points_when_a_test_needs_them() -> None:
    with MongoServer(test_commands=True) as server, server.client() as client:
        off = client.admin.command("configureFailPoint", "failCommand", mode="off")
        assert off["ok"] == 1


@pytest.mark.parametrize(("of_clients", "highest"), [("20000 60999", 19_999), ("1024 65535", 65_535), (None, 65_535)])
def test_a_free_port_is_none_that_a_connection_of_a_client_may_take_where_there_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_clients: str | None, highest: int
) -> None:
    monkeypatch.setattr(stores, "CLIENT_PORTS", tmp_path / "range")
    if of_clients is not None:
        stores.CLIENT_PORTS.write_text(of_clients)
    for _ in range(20):
        port = free_port()
        assert stores.port_is_free(port)
        assert 1024 <= port <= highest


def test_closing_a_server_leaves_neither_process_nor_data() -> None:
    with RedisServer() as server:
        folder = server.folder
    assert not server.alive()
    assert not folder.exists()
