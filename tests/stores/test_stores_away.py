"""Clients of Sentinels and of a Redis Cluster while nothing answers: each call ends soon, and the next at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError

from services.settings import StoreTimeouts
from services.stores import silence
from services.stores.connections import connect_redis
from services.stores.silence import SECONDS, Silence
from tests.own_time import own_time
from tests.stores.fake_sentinel import fake_sentinels
from tests.stores.silent import REFUSING, silent_port

LIMIT = 1.2
"""Seconds of a call: 0.7 and 0.3 in a cluster. The library's own defaults take 11 to 175 with three Sentinels."""

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
    with own_time() as passed, pytest.raises(RedisError):
        call()
    return passed()


@pytest.fixture
def lasting_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call after the first one counts as the next, however late it comes."""
    monkeypatch.setattr(silence, "SECONDS", 3600)


def check_away(client: Redis) -> None:
    script = client.register_script("return 1")
    assert seconds_of(lambda: client.get("{org}:key")) < LIMIT
    assert seconds_of(lambda: script(["{org}:key"])) < LIMIT / 2
    assert seconds_of(lambda: client.pipeline(transaction=True).get("{org}:key").execute()) < LIMIT / 2


@pytest.mark.usefixtures("lasting_silence")
@pytest.mark.parametrize("number", [1, 3, 9])
def test_a_call_ends_soon_when_no_sentinel_answers(port: int, number: int) -> None:
    check_away(connect_redis(f"redis+sentinel://{hosts(port, number)}/mymaster"))


@pytest.mark.usefixtures("lasting_silence")
@pytest.mark.parametrize("number", [1, 3, 9])
def test_a_client_of_a_cluster_starts_and_each_call_ends_soon_when_no_node_answers(port: int, number: int) -> None:
    with own_time() as passed:
        client = connect_redis(f"redis+cluster://{hosts(port, number)}")
        assert passed() < LIMIT
    check_away(client)


@pytest.mark.parametrize("others", [[OLD, NEW, NEW], [OLD, NEW], [NEW]], ids=len)
def test_the_latest_failover_that_a_majority_knows_names_the_master(others: list[tuple[int, int]]) -> None:
    with silent_port() as silent, fake_sentinels(*others) as ports:
        asked = [silent] * (3 - len(others)) + ports
        url = "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port in asked) + "/mymaster"
        client = connect_redis(url, StoreTimeouts(redis_connect_seconds=1))
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
    servers = Silence(lambda: now[0])
    assert not servers.lasts()
    servers.begin()
    assert servers.lasts()
    now[0] = SECONDS
    assert [servers.lasts(), servers.lasts()] == [False, True]
    servers.end()
    assert not servers.lasts()


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
