"""A short way to Redis for scripts: one connection, without the library's own call, shared by all who wait.

A call of redis-py passes through its pool, its events and its retries, which take more of a worker's time than the
exchange with Redis does. And while one exchange is under way, the calls that come meanwhile gather: one of them sends
all of them in one write and hands out the replies, which come in the order of the commands.
"""

from __future__ import annotations

import weakref
from copy import copy
from threading import Lock
from time import monotonic
from typing import Any, Final

from redis import BlockingConnectionPool
from redis.connection import Connection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as TimedOut

_LEAST_SECONDS: Final = 0.001
"""How long a read waits at least: 0 would mean not to wait but to fail in another way."""


class _Lost(Disconnected):
    """The connection ended before the reply, and a new one may bring it."""


class _Call:
    """One command. turn: locked until it is answered or leads; the first of a quiet lane leads at once and has none."""

    __slots__ = ("answer", "deadline", "leads", "packed", "turn")

    def __init__(self, packed: bytes, deadline: float) -> None:
        self.packed = packed
        self.deadline = deadline
        self.turn: Lock | None = None
        self.leads = False
        self.answer: tuple[Any, Exception | None] | None = None

    def finish(self, reply: Any, error: Exception | None = None) -> None:
        self.answer = reply, error
        if self.turn and not self.leads:
            self.turn.release()


class ScriptLane:
    """Runs commands on one connection of its own, made as the pool makes its own. Threads and greenlets may share it.

    One caller at a time, the leader, uses the connection: it sends what waits in one write and reads all the replies.
    """

    def __init__(self, pool: BlockingConnectionPool) -> None:
        self._connection: Connection = pool.connection_class(**pool.connection_kwargs)
        self._seconds: float = pool.connection_kwargs["socket_timeout"]
        self._changing = Lock()
        self._led = False
        self._waiting: list[_Call] = []
        # The pool does not know this connection, so nothing else closes it once the lane is gone.
        weakref.finalize(self, self._connection.disconnect).atexit = False

    def call(self, *words: str | int) -> Any:
        """Sends one command and gives its reply. Raises RedisError.

        A restart of Redis closes an idle connection, which shows only at its next use. Then the lane sends the command
        once more, on a new connection; it does so too when the caller that read the replies was killed. So a command
        may run twice: every script answers a second run like the first. After a time-out nothing is sent again.
        """
        # An argument that cannot be sent is refused here, before it is among those of others.
        packed = b"".join(self._connection.pack_command(*words))  # type: ignore[no-untyped-call]
        try:
            return self._run(packed)
        except _Lost:
            return self._run(packed)

    def _run(self, packed: bytes) -> Any:
        call = _Call(packed, monotonic() + self._seconds)
        with self._changing:
            if self._led:
                call.turn = Lock()
                call.turn.acquire()
                self._waiting.append(call)
            else:
                self._led = True
        if call.turn:
            self._wait(call, call.turn)
        if call.leads or not call.turn:
            self._lead(call)
        if call.answer is None:
            raise TimedOut("No reply from Redis in time.")
        reply, error = call.answer
        if error is not None:
            raise error
        return reply

    def _wait(self, call: _Call, turn: Lock) -> None:
        """Returns when the call is answered, when it leads, or when its time is up: then it is no longer in the lane.

        If it has been sent, the leader reads its reply and drops it.
        """
        came = False
        try:
            came = turn.acquire(timeout=_left(call))
        finally:
            if not came:
                with self._changing:
                    if call in self._waiting:
                        self._waiting.remove(call)
                    if call.leads:
                        call.leads = False
                        self._appoint()

    def _lead(self, leader: _Call) -> None:
        batch = [leader]
        try:
            if leader.turn:
                with self._changing:
                    batch, self._waiting = self._waiting, []
            self._exchange(batch, leader)
        finally:
            with self._changing:
                self._appoint()

    def _appoint(self) -> None:
        """Lets the youngest call that waits lead: of all whom it will serve, its time is up last."""
        self._led = bool(self._waiting)
        if self._waiting:
            youngest = self._waiting[-1]
            youngest.leads = True
            if youngest.turn:
                youngest.turn.release()

    def _exchange(self, batch: list[_Call], leader: _Call) -> None:
        """Answers each call of the batch. Keeps the connection for later only after all their replies."""
        connection = self._connection
        fresh = not connection.is_connected
        try:
            if fresh:
                self._connect(leader)
            connection.send_packed_command([b"".join([call.packed for call in batch])])  # type: ignore[no-untyped-call]
            for call in batch:
                try:
                    reply, error = connection.read_response(timeout=_left(leader)), None
                except ResponseError as refusal:
                    reply, error = None, refusal
                call.finish(reply, error)
        except BaseException as error:
            connection.disconnect()  # type: ignore[no-untyped-call]
            _fail([call for call in batch if call.answer is None], error, fresh)
            if not isinstance(error, Exception):
                raise

    def _connect(self, leader: _Call) -> None:
        """Connects. Redis has a time of its own to accept that, and what the leader has left to take a password."""
        connection, began = self._connection, monotonic()
        connection.socket_timeout = _left(leader)
        connection.connect()  # type: ignore[no-untyped-call]
        connection.socket_timeout = self._seconds
        connection.update_current_socket_timeout(-1)
        leader.deadline += min(monotonic() - began, connection.socket_connect_timeout or 0)


def _left(call: _Call) -> float:
    return max(call.deadline - monotonic(), _LEAST_SECONDS)


def _fail(calls: list[_Call], error: BaseException, fresh: bool) -> None:
    """Ends the calls that an exchange left without a reply."""
    if isinstance(error, TimedOut) or (fresh and isinstance(error, Disconnected)):
        shared = error  # Redis does not serve just now, and another connection would not help
    else:
        shared = _Lost("The connection to Redis ended before the reply.")
        if isinstance(error, Exception) and not isinstance(error, Disconnected):
            calls.pop(0).finish(None, error)  # its own reply cannot be read
    for call in calls:
        call.finish(None, copy(shared))
