"""A short way to Redis for scripts: the library's connections and protocol, without the library's call.

Measured under gevent: redis-py 8.1 spends 65 µs of a worker's time on a script call, most of it on its pool, its events
and its retries; here it is a quarter of that. A hold has a budget of some 400 µs in all.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from hiredis import ProtocolError, Reader, pack_command
from redis import BlockingConnectionPool
from redis.connection import Connection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as Stalled

READ_BYTES = 16_384


def _error(message: str) -> ResponseError:
    return NoScriptError(message) if message.startswith("NOSCRIPT") else ResponseError(message)


class _Line:
    """One connection, authenticated and with its time-outs set as the pool's are."""

    __slots__ = ("_connection", "_reader", "_socket")

    def __init__(self, pool: BlockingConnectionPool) -> None:
        self._connection: Connection = pool.connection_class(**pool.connection_kwargs)
        self._connection.connect()
        self._socket = self._connection._sock
        self._reader = Reader(encoding="utf-8", protocolError=ProtocolError, replyError=_error)

    def ask(self, packed: bytes) -> Any:
        """Sends one command and gives its reply. Raises RedisError; only after a ResponseError it is fit for more."""
        try:
            self._socket.sendall(packed)
            while True:
                data = self._socket.recv(READ_BYTES)
                if not data:
                    raise Disconnected("Redis closed the connection")
                self._reader.feed(data)
                reply = self._reader.gets()
                if reply is not False:
                    break
        except TimeoutError:
            raise Stalled("Redis did not answer in time") from None
        except (OSError, ProtocolError) as error:
            raise Disconnected(str(error)) from None
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    def close(self) -> None:
        self._connection.disconnect()  # type: ignore[no-untyped-call]


class ScriptLane:
    """Runs commands on connections of its own, as many as there are calls at one time, made like the pool's."""

    def __init__(self, pool: BlockingConnectionPool) -> None:
        self._pool = pool
        self._idle: deque[_Line] = deque()

    def call(self, *words: str | int) -> Any:
        """Sends one command and gives its reply. Raises RedisError.

        An idle connection may have been closed by a restart of Redis, which shows only when it is used: then once more,
        on a new one. That the command may thereby run twice is why every script answers a second run like the first.
        """
        packed = pack_command(words)  # type: ignore[arg-type]  # its stub means a tuple of one; any length is right
        try:
            line = self._idle.pop()
        except IndexError:
            return self._ask(_Line(self._pool), packed)
        try:
            return self._ask(line, packed)
        except Disconnected:
            self._drop_idle()
            return self._ask(_Line(self._pool), packed)

    def _ask(self, line: _Line, packed: bytes) -> Any:
        try:
            reply = line.ask(packed)
        except ResponseError:
            self._idle.append(line)
            raise
        except BaseException:
            line.close()  # half an exchange may be left in it
            raise
        self._idle.append(line)
        return reply

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
