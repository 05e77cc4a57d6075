"""Every test of a script runs three times: on fakeredis, on Debian's redis-server and on the Valkey of the wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import fakeredis
import pytest
from redis import Redis

from services.claims.scripts import Scripts
from tests.claims.board import Board
from tests.servers import REDIS_VARIANTS, RedisServer

Store = tuple[Redis, Scripts]


@pytest.fixture(scope="session")
def redis_variants() -> Iterator[dict[str, Store]]:
    """Each kind of Redis with the scripts loaded, for the whole run. Every test has an org of its own in it."""
    with ExitStack() as stack:
        clients: dict[str, Redis] = {"fakeredis": fakeredis.FakeRedis(decode_responses=True)}
        for variant in REDIS_VARIANTS:
            client = stack.enter_context(RedisServer(variant)).client()
            stack.callback(client.close)
            clients[variant] = client
        yield {name: (client, Scripts(client)) for name, client in clients.items()}


@pytest.fixture(params=["fakeredis", *REDIS_VARIANTS])
def board(request: pytest.FixtureRequest, redis_variants: dict[str, Store]) -> Board:
    """An org of its own on one kind of Redis, its mirror trusted."""
    return Board(*redis_variants[request.param])


@pytest.fixture
def other_board(board: Board) -> Board:
    """Another org on the same Redis."""
    return Board(board.redis, board.scripts)
