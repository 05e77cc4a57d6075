"""A reply on its way to the client."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from gunicorn.http import wsgi

SEND_SECONDS = 30.0
"""So long a client may leave a part of a reply unread."""


class PlainResponse(wsgi.Response):  # type: ignore[misc]  # gunicorn has no annotations
    """A reply that does not name the server's software, and that says so where the connection closes after it.

    The head leaves together with the first bytes behind it. So a reply whose body is one piece is one write, and one
    whose pieces come later is a write for each of them. `must_close` is decided once the head is made.
    """

    headers_sent: bool

    def __init__(self, request: Any, sock: Any, cfg: Any) -> None:
        super().__init__(request, sock, cfg)
        self._unsent = b""

    def send_headers(self) -> None:
        """Makes the head, once."""
        if self.headers_sent:
            return
        if self.should_close():
            self.force_close()
        self._unsent = self._head()
        self.sock.settimeout(SEND_SECONDS)
        self.headers_sent = True

    def write(self, piece: bytes) -> None:
        """Sends a piece of the body. An empty one sends the head alone."""
        super().write(piece)
        self._send(b"")

    def close(self) -> None:
        """Ends the body."""
        self.send_headers()
        self._send(b"0\r\n\r\n" if self.chunked else b"")

    def _emit_body(self, data: bytes) -> None:
        self._send(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def _send(self, data: bytes) -> None:
        data, self._unsent = self._unsent + data, b""
        if data:
            self.sock.sendall(data)

    def _head(self) -> bytes:
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}",
            f"Date: {_http_date(int(time.time()))}",
            f"Connection: {'close' if self.must_close else 'keep-alive'}",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    """A second since the Unix epoch as the Date field writes it."""
    return formatdate(second, usegmt=True)
