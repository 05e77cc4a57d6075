"""The short way to Redis keeps its connections, mends lost ones, and never mixes up replies."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as Stalled
from redis.retry import Retry

from scripts.dev_server.child import wait_until
from services.claims.scripts import Scripts
from services.stores.redis_lane import ScriptLane
from tests.servers import RedisServer

TIMEOUT_SECONDS = 2.0
UNKNOWN_SCRIPT = "0" * 40


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own, which it may kill and freeze."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def pool(server: RedisServer) -> Iterator[BlockingConnectionPool]:
    """A pool like the product's, with shorter time-outs."""
    no_retry: Any = Retry(NoBackoff(), 0)
    made = BlockingConnectionPool.from_url(
        server.url, decode_responses=True, socket_timeout=TIMEOUT_SECONDS, retry=no_retry
    )
    yield made
    made.disconnect()


@pytest.fixture
def lane(pool: BlockingConnectionPool) -> ScriptLane:
    return ScriptLane(pool)


def connections(server: RedisServer) -> int:
    """Connections that the server has, without the one that asks."""
    with server.client() as client:
        return len(client.client_list()) - 1


def test_calls_one_after_another_share_one_connection(lane: ScriptLane, server: RedisServer) -> None:
    for number in range(3):
        assert lane.call("ECHO", f"é{number}") == f"é{number}"
    assert connections(server) == 1


def test_a_lane_that_is_gone_has_closed_its_connections(pool: BlockingConnectionPool, server: RedisServer) -> None:
    made = [ScriptLane(pool)]
    made.append(made)  # type: ignore[arg-type]  # a ring, which the collector takes apart in any order
    made[0].call("ECHO", "before")
    assert connections(server) == 1
    del made
    gc.collect()
    assert wait_until(lambda: connections(server) == 0, seconds=30)


def test_a_refusal_by_redis_is_raised_and_its_connection_used_again(lane: ScriptLane, server: RedisServer) -> None:
    with pytest.raises(NoScriptError):
        lane.call("EVALSHA", UNKNOWN_SCRIPT, 0)
    with pytest.raises(ResponseError):
        lane.call("EVAL", "return redis.error_reply('MINE')", 0)
    assert lane.call("ECHO", "next") == "next"
    assert connections(server) == 1


def test_a_connection_that_a_restart_closed_is_replaced_without_an_error(lane: ScriptLane, server: RedisServer) -> None:
    assert lane.call("ECHO", "before") == "before"
    server.restart()
    assert lane.call("ECHO", "after") == "after"


def test_a_redis_that_is_gone_is_an_error_and_one_that_is_back_is_used(lane: ScriptLane, server: RedisServer) -> None:
    lane.call("ECHO", "before")
    server.kill()
    with pytest.raises(Disconnected):
        lane.call("ECHO", "lost")
    server.start()
    assert lane.call("ECHO", "after") == "after"


def test_a_reply_that_comes_too_late_is_nobody_elses(lane: ScriptLane, server: RedisServer) -> None:
    lane.call("ECHO", "before")
    server.freeze()
    with pytest.raises(Stalled):
        lane.call("ECHO", "late")
    server.thaw()
    assert lane.call("ECHO", "next") == "next"


def test_a_stalled_command_is_sent_once(lane: ScriptLane, server: RedisServer) -> None:
    lane.call("ECHO", "before")
    server.freeze()
    with pytest.raises(Stalled):
        lane.call("INCR", "count")
    server.thaw()
    lane.call("INCR", "count")
    assert lane.call("GET", "count") == "2"


def test_scripts_that_redis_forgot_are_loaded_again(server: RedisServer, pool: BlockingConnectionPool) -> None:
    client = Redis(connection_pool=pool)
    scripts = Scripts(client)
    for _ in range(2):
        client.script_flush()
        assert scripts.run("overdue_pins", ["hf:{org}:pins"], [10]) == ["OVERDUE"]
