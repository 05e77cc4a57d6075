"""The checks of Redis in the readiness report, on a Redis of their own that they may change."""

from __future__ import annotations

from collections.abc import Iterator

import mongomock
import pytest

from services.ledger.store import BookingStore
from services.ops.health import Health
from services.stores import redis_server
from services.stores.connections import connect_redis
from services.stores.redis_server import RedisInfo
from tests.servers import RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def readiness(server: RedisServer, user: str = "") -> dict[str, str]:
    """The report of a process that connects to this Redis, as `user:password@` where one is given."""
    client = connect_redis(server.url.replace("redis://", f"redis://{user}"))
    db = mongomock.MongoClient(tz_aware=True)["test"]
    try:
        return Health(RedisInfo(client), db, BookingStore(db, 15)).readiness()
    finally:
        client.close()


def test_a_redis_that_evicts_keys_is_named(server: RedisServer) -> None:
    assert readiness(server)["eviction_policy"] == "ok"
    with server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    sentence = "Redis must run with maxmemory-policy noeviction, not allkeys-lru."
    assert readiness(server)["eviction_policy"] == sentence


def test_a_redis_that_hides_its_settings_is_accepted(server: RedisServer) -> None:
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "tenant", "on", ">secret", "allkeys", "+@all", "-config")
        client.config_set("maxmemory-policy", "allkeys-lru")
    assert readiness(server, "tenant:secret@")["eviction_policy"] == "ok"


def test_a_redis_that_is_down_fails_both_of_its_checks(server: RedisServer) -> None:
    server.kill()
    report = readiness(server)
    assert {report[name] for name in ("redis", "eviction_policy")} == {"Redis does not answer."}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("maxmemory", "1mb", "Redis cannot write. Its memory is full."),
        ("min-replicas-to-write", "1", "Redis cannot write. It has too few replicas."),
    ],
)
def test_a_redis_that_refuses_writes_is_named(server: RedisServer, name: str, value: str, sentence: str) -> None:
    with server.client() as client:
        client.set("ballast", "x" * 2_000_000)
        assert readiness(server)["redis"] == "ok"
        client.config_set(name, value)
        assert client.get("ballast")
    report = readiness(server)
    assert report["redis"] == sentence
    assert report["eviction_policy"] == "ok"


def test_a_read_only_replica_is_named(server: RedisServer) -> None:
    with server.client() as client:
        client.replicaof("127.0.0.1", 1)
        assert client.ping()
    assert readiness(server)["redis"] == "Redis cannot write. It is a replica."


def test_the_key_that_readiness_writes_lasts_a_second(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert redis_server.WRITTEN_FOR_MS == 1000
    monkeypatch.setattr(redis_server, "WRITTEN_FOR_MS", 100_000)
    readiness(server)
    with server.client() as client:
        [key] = client.keys()
        assert 0 < client.pttl(key) <= 100_000
