"""Clients of Sentinels and of a Redis Cluster while nothing answers: each call ends soon, and the next at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError

from services.settings import StoreTimeouts
from services.stores.connections import connect_redis
from services.stores.silence import SECONDS, Silence
from tests.stores.fake_sentinel import fake_sentinels
from tests.stores.silent import REFUSING, silent_port

LIMIT = 1.2
"""Seconds of a call: 0.8 and 0.3 in a cluster. The library's own defaults take 11 to 175 with three Sentinels."""

OLD, NEW = (1001, 4), (1002, 5)
"""Ports of masters, and the number of the failover that made each."""


@pytest.fixture(params=["refused", "silent"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    if request.param == "refused":
        yield REFUSING
        return
    with silent_port() as port:
        yield port


def hosts(port: int, number: int) -> str:
    return ",".join([f"127.0.0.1:{port}"] * number)


def seconds_of(call: Callable[[], object]) -> float:
    """How long a call takes that fails as a Redis that is away."""
    began = time.monotonic()
    with pytest.raises(RedisError):
        call()
    return time.monotonic() - began


def check_away(client: Redis) -> None:
    script = client.register_script("return 1")
    assert seconds_of(lambda: client.get("{org}:key")) < LIMIT
    assert seconds_of(lambda: script(["{org}:key"])) < LIMIT / 2
    assert seconds_of(lambda: client.pipeline(transaction=True).get("{org}:key").execute()) < LIMIT / 2


@pytest.mark.parametrize("number", [1, 3, 9])
def test_a_call_ends_soon_when_no_sentinel_answers(port: int, number: int) -> None:
    check_away(connect_redis(f"redis+sentinel://{hosts(port, number)}/mymaster"))


@pytest.mark.parametrize("number", [1, 3, 9])
def test_a_client_of_a_cluster_starts_and_each_call_ends_soon_when_no_node_answers(port: int, number: int) -> None:
    began = time.monotonic()
    client = connect_redis(f"redis+cluster://{hosts(port, number)}")
    assert time.monotonic() - began < LIMIT
    check_away(client)


@pytest.mark.parametrize("others", [[OLD, NEW, NEW], [OLD, NEW], [NEW]], ids=len)
def test_the_latest_failover_that_a_majority_knows_names_the_master(others: list[tuple[int, int]]) -> None:
    with silent_port() as silent, fake_sentinels(*others) as ports:
        asked = [silent] * (3 - len(others)) + ports
        client = connect_redis("redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port in asked) + "/mymaster")
        pool: Any = client.connection_pool
        for _ in range(5):
            assert pool.get_master_address() == ("127.0.0.1", NEW[0])


def test_the_sentinels_time_out_is_the_one_of_the_settings() -> None:
    with silent_port() as port:
        url = f"redis+sentinel://{hosts(port, 2)}/mymaster"
        client = connect_redis(url, StoreTimeouts(redis_connect_seconds=0.05))
        assert seconds_of(client.ping) < 0.2


def test_after_a_second_one_caller_asks_and_the_others_do_not() -> None:
    now = [0.0]
    silence = Silence(lambda: now[0])
    assert not silence.lasts()
    silence.begin()
    assert silence.lasts()
    now[0] = SECONDS
    assert [silence.lasts(), silence.lasts()] == [False, True]
    silence.end()
    assert not silence.lasts()


@pytest.mark.parametrize("value", ["0", "-1", "11", "soon"])
@pytest.mark.parametrize("name", ["REDIS_CONNECT", "REDIS", "MONGO_CONNECT", "MONGO", "REQUEST"])
def test_a_time_out_is_a_number_above_zero_and_at_most_ten(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"HOLDFAST_{name}_SECONDS", "2.5")
    assert getattr(StoreTimeouts(), f"{name.lower()}_seconds") == 2.5
    monkeypatch.setenv(f"HOLDFAST_{name}_SECONDS", value)
    with pytest.raises(ValidationError):
        StoreTimeouts()
