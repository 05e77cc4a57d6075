"""Replies that go on: the body of a stream is sent by others, whenever there is something to send."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any, Protocol

SEND_BUFFER = 32_768
"""What the kernel keeps for a client that reads slowly. With its own choice, some megabytes, a slow client would be
found out far too late, and thousands of them would fill the memory."""
SURPLUS_BYTES = 4_096
"""A client has nothing to say on a stream. One that says so much is not one of ours."""


class LiveBody(Protocol):
    """A body that gives some pieces at once. After `attach` it writes to the sink by itself, until `close`."""

    def __iter__(self) -> Iterator[bytes]: ...
    def attach(self, sink: Sink) -> None: ...
    def close(self) -> None: ...
    def stop(self) -> None:
        """The server ends: says goodbye and hangs up."""

    @property
    def is_waiting(self) -> bool:
        """Whether something is still to be sent."""


class Sink:
    """Writes to a client's socket without ever waiting for it. chunked: as HTTP/1.1 has it."""

    def __init__(self, sock: Any, *, chunked: bool) -> None:
        self._sock = sock
        self._chunked = chunked
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        # gevent's sockets never block the process, whatever their time-out says. Others do, unless this is set.
        os.set_blocking(sock.fileno(), False)

    def frame(self, piece: bytes) -> bytes:
        """A piece as it stands on the wire."""
        return b"%X\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece

    def write(self, data: bytes) -> int:
        """How many bytes the kernel took. OSError: the connection has ended."""
        try:
            return os.write(self._sock.fileno(), data)
        except BlockingIOError:
            return 0

    def hang_up(self) -> None:
        """Ends the wait of `await_end`; what was written still arrives."""
        self._sock.shutdown(socket.SHUT_RD)

    def await_end(self) -> None:
        """Returns when the client closes its side, or after `hang_up`."""
        surplus = 0
        self._sock.settimeout(None)
        while surplus < SURPLUS_BYTES:
            said = len(self._sock.recv(SURPLUS_BYTES))
            if not said:
                return
            surplus += said


def is_live(body: Any) -> bool:
    """Whether a body goes on after its first pieces."""
    return hasattr(body, "attach")
