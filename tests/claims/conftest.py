"""Every test of a script runs on fakeredis, on Debian's redis-server and on the Valkey of the packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import fakeredis
import pytest
from redis import Redis

from services.claims.scripts import Scripts
from tests.claims.board import Board
from tests.programs import redis_variants
from tests.servers import RedisServer

FAKE = "fakeredis"
Store = tuple[Redis, Scripts]


@pytest.fixture(scope="session")
def redis_of() -> Iterator[Callable[[str], Store]]:
    """Starts one kind of Redis for the first test that asks for it, and keeps it for the others."""
    with ExitStack() as stack:

        @cache
        def start(variant: str) -> Store:
            if variant == FAKE:
                client: Redis = fakeredis.FakeRedis(decode_responses=True)
            else:
                client = stack.enter_context(RedisServer(variant)).client()
                stack.callback(client.close)
            return client, Scripts(client)

        yield start


@pytest.fixture(params=[FAKE, *redis_variants()])
def board(request: pytest.FixtureRequest, redis_of: Callable[[str], Store]) -> Board:
    """An org of its own on one kind of Redis, its mirror trusted."""
    return Board(*redis_of(request.param))


@pytest.fixture
def other_board(board: Board) -> Board:
    """Another org on the same Redis."""
    return Board(board.redis, board.scripts)
