"""Reads requests from a socket, each read within a deadline, and each byte looked at a bounded number of times."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidHTTPVersion,
    LimitRequestHeaders,
    NoMoreData,
    ParseException,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader

from api.server.limits import BODY_LIMIT_BYTES, Limits

END_OF_HEAD = b"\r\n\r\n"
GO_AHEAD = b"HTTP/1.1 100 Continue\r\n\r\n"
KNOWN_VERSIONS = ((1, 0), (1, 1))
MOST_TIMES = 6
"""A larger body has at most so many times the time of others."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]{0,5})?\Z")


class InvalidHost(ParseException):  # type: ignore[misc]  # gunicorn has no annotations
    """HTTP/1.1 requires exactly one Host field, and it names a host."""


class Wire(SocketUnreader):  # type: ignore[misc]  # gunicorn has no annotations
    """The bytes of one connection that were received and not used yet. waiting: holds it while it waits for more."""

    def __init__(self, sock: Any, waiting: set[Wire]) -> None:
        super().__init__(sock)
        self._waiting = waiting
        self._deadline = 0.0
        self._may_receive = 0
        self.since = 0.0
        """When it began to wait for what it waits for: a request, a head or a body."""
        self.is_idle = False
        """Whether it waits for the first byte of a request."""

    @property
    def buffered(self) -> int:
        """How many bytes can be read without waiting."""
        return int(self.buf.getbuffer().nbytes)

    def allow(self, seconds: float, size: int) -> None:
        """All further reads together may take so long, then they raise TimeoutError; and may bring so many bytes, then
        they raise OverflowError."""
        self.since = time.monotonic()
        self._deadline = self.since + seconds
        self._may_receive = size

    def chunk(self, size_hint: int | None = None) -> bytes:
        """One read from the socket; empty when the client has closed its side."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        if self._may_receive <= 0:
            raise OverflowError
        self.sock.settimeout(remaining)
        self._waiting.add(self)
        try:
            data = bytes(super().chunk(size_hint))
        finally:
            self._waiting.discard(self)
        self._may_receive -= len(data)
        return data

    def hang_up(self) -> None:
        """Ends the wait, as if the client had closed."""
        self._waiting.discard(self)
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def await_request(self) -> bool:
        """Waits for the first byte of a request. False where none came."""
        if self.buffered:
            return True
        self.is_idle = True
        try:
            first = self.chunk()
        except TimeoutError:
            return False
        finally:
            self.is_idle = False
        self.unread(first)
        return bool(first)

    def gather_head(self) -> None:
        """Waits until a whole head is buffered, so that the parser reads it once and not again after each packet.

        Raises LimitRequestHeaders for one that is too long, InvalidHeader for one that cannot end, TimeoutError, and
        NoMoreData where the client sent no part of a request.
        """
        head = bytearray()
        seen = line_feeds = line_ends = 0
        while head.find(END_OF_HEAD, max(0, seen - 3)) < 0:
            line_feeds += head.count(b"\n", seen)
            line_ends += head.count(b"\r\n", max(0, seen - 1))
            if line_feeds != line_ends:
                raise InvalidHeader("bare line feed")
            seen = len(head)
            head += self._next_of_head(begun=bool(head.strip()))
        self.unread(bytes(head))

    def _next_of_head(self, *, begun: bool) -> bytes:
        try:
            data = self.read()
        except OverflowError as error:
            raise LimitRequestHeaders("head") from error
        except TimeoutError:
            if begun:
                raise
            data = b""
        if not data:
            raise NoMoreData
        return bytes(data)


def _nothing() -> None:
    """Done where nothing is to be done."""


class BodyReader:
    """The body of one request. Its first read starts the clock, and answers a client that asked whether to go ahead."""

    def __init__(self, reader: Any, wire: Wire, limits: Limits, *, ask_first: bool) -> None:
        self._reader = reader
        self._wire = wire
        self._limits = limits
        self._ask_first = ask_first
        self._begun = False
        self.before_waiting: Callable[[], None] = _nothing
        """Called before the first byte that has not arrived yet is awaited."""

    def take_more(self, size: int) -> None:
        """Lets the body have so many bytes, with the sizes of its chunks in proportion, and more time for them. Called
        before the first read."""
        longer, limits = size / BODY_LIMIT_BYTES, self._limits
        seconds = min(limits.body_seconds * longer, limits.body_seconds * MOST_TIMES)
        self._limits = replace(limits, body_bytes=round(limits.body_bytes * longer), body_seconds=seconds)

    def read(self, size: int) -> bytes:
        """As gunicorn's readers. Raises TimeoutError and OverflowError when the whole body takes too much."""
        if not self._begun:
            self._begun = True
            self._wire.allow(self._limits.body_seconds, self._limits.body_bytes)
            if not self.has_arrived:
                self.before_waiting()
                if self._ask_first:
                    self._wire.sock.sendall(GO_AHEAD)
        return bytes(self._reader.read(size))

    @property
    def has_arrived(self) -> bool:
        """Whether no byte of it must be waited for."""
        if isinstance(self._reader, LengthReader):
            return bool(self._reader.length <= self._wire.buffered)
        return self._reader.parser is None


class PlainRequest(Request):  # type: ignore[misc]  # gunicorn has no annotations
    """A request of HTTP/1.0 or 1.1 for a host. Upgrades to other protocols are ignored, as RFC 9110 allows.

    Raises gunicorn's ParseException, of which the class alone may be shown: the text quotes the request.
    """

    headers: list[tuple[str, str]]
    _expected_100_continue: bool

    def __init__(self, cfg: Any, wire: Wire, peer: Any, number: int, limits: Limits) -> None:
        super().__init__(cfg, wire, peer, number)
        if self.version not in KNOWN_VERSIONS:
            raise InvalidHTTPVersion(self.version)
        hosts = [value for name, value in self.headers if name == "HOST"]
        if (not hosts and self.version > (1, 0)) or any(not _HOST.match(host) for host in hosts):
            raise InvalidHost
        self.headers = [field for field in self.headers if field[0] != "UPGRADE"]
        ask_first, self._expected_100_continue = self._expected_100_continue, False
        self.body.reader = BodyReader(self.body.reader, wire, limits, ask_first=ask_first)

    def should_close(self) -> bool:
        """Also where the body has not arrived, because the server does not wait for a body that it does not want."""
        return not self.body.reader.has_arrived or bool(super().should_close())
