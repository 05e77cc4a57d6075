"""Connections to servers of others that end at a deadline, whatever the server does.

A time-out of a socket alone begins anew with each byte, so a server that sends a byte now and then could keep a
connection for ever, and longer than the lease of what it is for.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

RESOLVERS: Final = 32
PORTS: Final = {"https": 443, "http": 80}

Resolve = Callable[..., list[tuple[Any, ...]]]


class Deadline:
    """A moment at which a connection is cut. It has to be closed."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._timer: threading.Timer | None = None
        self._watched: socket.socket | None = None

    @property
    def left(self) -> float:
        """The seconds until it, never none."""
        return max(0.001, self._until - time.monotonic())

    @property
    def ran_out(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._until

    def connect(self, addresses: Sequence[str], port: int) -> socket.socket:
        """A connection to the first address that takes one. A host may have addresses that lead nowhere from here, so
        each gets its part of the time that is left. Raises OSError."""
        *others, last = addresses
        for number, address in enumerate(others):
            with suppress(OSError):
                return self._connect_to(address, port, self.left / (len(addresses) - number))
        return self._connect_to(last, port, self.left)

    def close(self) -> None:
        """Cuts nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watched is not None:
            self._watched.close()

    def _connect_to(self, address: str, port: int, seconds: float) -> socket.socket:
        connected = socket.create_connection((address, port), seconds)
        connected.settimeout(self.left)
        self._watched = connected.dup()  # stays the same where TLS makes another socket of the first
        self._timer = threading.Timer(self.left, self._cut)
        self._timer.daemon = True
        self._timer.start()
        return connected

    def _cut(self) -> None:
        if self._watched is not None:
            with suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)


class Resolver:
    """Asks for the addresses of names. resolve: as socket.getaddrinfo."""

    def __init__(self, resolve: Resolve = socket.getaddrinfo) -> None:
        self._resolve = resolve
        self._pool = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """The addresses of a host. Raises TimeoutError at the deadline, OSError, UnicodeError."""
        asked = self._pool.submit(self._resolve, host, port, type=socket.SOCK_STREAM)
        return [str(each[4][0]) for each in asked.result(deadline.left)]


class HttpConnection(http.client.HTTPConnection):
    """A connection to addresses that were resolved before. TLS and the Host header carry the name. tls: whom to trust;
    None for plain http."""

    def __init__(
        self, host: str, port: int, *, addresses: Sequence[str], deadline: Deadline, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(host, port)
        self.default_port = PORTS["https" if tls else "http"]  # that port is not named in the Host header
        self._addresses = addresses
        self._deadline = deadline
        self._tls = tls

    def connect(self) -> None:
        self.sock = self._deadline.connect(self._addresses, self.port)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
