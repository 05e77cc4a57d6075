"""A short way to Redis for scripts: the library's connections, without the library's own call.

A call of redis-py passes through its pool, its events and its retries, which take more of a worker's time than the
exchange with Redis does. A hold has a budget of some 400 µs in all.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any

from redis import BlockingConnectionPool
from redis.connection import Connection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as TimedOut


class ScriptLane:
    """Runs commands on connections of its own, one for each call at a time, made as the pool makes its own."""

    def __init__(self, pool: BlockingConnectionPool) -> None:
        self._pool = pool
        self._idle: deque[Connection] = deque()
        # The pool does not know these connections, so nothing else closes them once the lane is gone.
        weakref.finalize(self, _close, self._idle).atexit = False

    def call(self, *words: str | int) -> Any:
        """Sends one command and gives its reply. Raises RedisError.

        A restart of Redis closes idle connections, which shows only at their next use. Then the lane sends the command
        once more, on a new connection. So a command may run twice: every script answers a second run like the first.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._exchange(self._new(), words)
        try:
            return self._exchange(connection, words)
        except TimedOut:
            _close(self._idle)  # a link that swallowed this reply swallows theirs too: the next call begins anew
            raise
        except Disconnected:
            _close(self._idle)
            return self._exchange(self._new(), words)

    def _new(self) -> Connection:
        connection: Connection = self._pool.connection_class(**self._pool.connection_kwargs)
        return connection

    def _exchange(self, connection: Connection, words: tuple[str | int, ...]) -> Any:
        """Keeps the connection for a later call only after a whole reply; after any other end it has closed itself."""
        connection.send_command(*words)  # type: ignore[no-untyped-call]  # the library has no annotations here
        try:
            reply = connection.read_response()
        except ResponseError:
            self._idle.append(connection)
            raise
        self._idle.append(connection)
        return reply


def _close(connections: deque[Connection]) -> None:
    while connections:
        connections.pop().disconnect()  # type: ignore[no-untyped-call]
