"""One client's stream: what waits to be sent to it. It never makes the sender wait, and what waits is bounded."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, Protocol

from services.live.events import message

MOST_WAITING: Final = 65_536
"""Bytes that may wait for one client. Beyond them it is reset: it loads everything anew."""
STALLED_SECONDS: Final = 30.0
"""A client that takes nothing for this long is gone."""
BYE: Final = message("bye", "{}")


class Sink(Protocol):
    """The way to a client."""

    def frame(self, piece: bytes) -> bytes:
        """A piece as it stands on the wire, after which the next one may begin."""

    def write(self, data: bytes) -> int:
        """Sends what can be sent without waiting, and gives how many bytes that was. OSError: the client is gone."""

    def hang_up(self) -> None:
        """Ends the connection, which closes the stream."""


class Stream:
    """Iterated, it gives what the client gets first. `attach` then sends it what `push` brings, until `close`.

    A server that knows no `attach` ends the reply behind the first pieces, and the client comes again.
    leave: called once, when the stream closes. behind: called with the stream when the client has to be reset; gives
    the event that says so.
    """

    def __init__(self, first: bytes, *, leave: Callable[[Stream], None], behind: Callable[[Stream], bytes]) -> None:
        self._first = first
        self._leave = leave
        self._behind = behind
        self._sink: Sink | None = None
        self._begun = b""
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._since = 0.0
        self._ended = False
        self._closed = False
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        yield self._first

    def attach(self, sink: Sink) -> None:
        """Begins to send. From now on `push` sends at once what the client can take."""
        with self._lock:
            self._sink = sink
            self._since = time.monotonic()
            self._flush()
            if self._ended:
                self._end()

    def push(self, piece: bytes) -> bool:
        """Sends a piece, or lets it wait behind others. Whether something waits afterwards."""
        with self._lock:
            if self._ended:
                return False
            if self._sink is not None and not (self._begun or self._waiting):
                self._since = 0.0
                self._send(self._sink, self._sink.frame(piece))
                return bool(self._begun)
            self._waiting.append(piece)
            self._size += len(piece)
            if self._sink is not None:
                self._flush()
            if self._size > MOST_WAITING:
                self._reset(self._behind(self))
            return self.is_waiting

    def reset(self, piece: bytes) -> None:
        """Sends this piece in place of all that waits."""
        with self._lock:
            if not self._ended:
                self._since = time.monotonic()
                self._reset(piece)

    def flush(self) -> bool:
        """Sends what waits, as far as the client takes it. False if nothing waits any more."""
        with self._lock:
            if self._sink is not None:
                self._flush()
                if self.is_waiting and time.monotonic() - self._since > STALLED_SECONDS:
                    self._end()
            return self.is_waiting and not self._ended

    @property
    def is_waiting(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._begun or self._waiting)

    def stop(self) -> None:
        """Says goodbye, and ends the connection. Before `attach` that waits, and the connection ends there."""
        self.push(BYE)
        with self._lock:
            self._end()

    def close(self) -> None:
        """The client is gone. A repeat does no harm."""
        with self._lock:
            closed, self._closed, self._ended, self._sink = self._closed, True, True, None
        if not closed:
            self._leave(self)

    def _reset(self, piece: bytes) -> None:
        self._waiting.clear()
        self._waiting.append(piece)
        self._size = len(piece)
        if self._sink is not None:
            self._flush()

    def _flush(self) -> None:
        while self._sink is not None and self.is_waiting:
            if not self._begun:
                piece = self._waiting.popleft()
                self._size -= len(piece)
                self._begun = self._sink.frame(piece)
            if not self._send(self._sink, self._begun):
                return

    def _send(self, sink: Sink, data: bytes) -> bool:
        """Whether all of it was sent. The rest has begun, so it comes before anything else."""
        try:
            sent = sink.write(data)
        except OSError:
            self._begun = b""
            self._end()
            return False
        self._begun = data[sent:]
        if self._begun and (sent or not self._since):
            self._since = time.monotonic()
        return not self._begun

    def _end(self) -> None:
        self._ended = True
        if self._sink is not None:
            with suppress(OSError):
                self._sink.hang_up()
