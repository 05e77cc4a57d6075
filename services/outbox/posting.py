"""Sends one POST to an address that a customer chose. A bounded time in all, to a checked address, no redirects.

The name is resolved once, and the connection goes to the address that was checked. So an answer of the name's server
that changes in between leads nowhere else. TLS and the Host header carry the name.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from services.outbox.addresses import is_public

IN_ALL_SECONDS: Final = 10.0
SHOWN_BYTES: Final = 1024
RESOLVERS: Final = 32
PORTS: Final = {"https": 443, "http": 80}

Resolve = Callable[..., list[tuple[Any, ...]]]


class PostFailed(Exception):
    """Nothing was answered. reason: a word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answer(NamedTuple):
    """What the receiver answered. text: at most SHOWN_BYTES of it. retry_after: that header, where it is a number."""

    status: int
    text: str
    retry_after: float | None


class Posting:
    """allow_private: any address, and plain http, for development and tests. tls: whom to trust."""

    def __init__(
        self,
        *,
        allow_private: bool,
        seconds: float = IN_ALL_SECONDS,
        resolve: Resolve = socket.getaddrinfo,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._seconds = seconds
        self._resolve = resolve
        self._given_tls = tls
        self._resolvers = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def may_be_asked(self, url: str) -> bool:
        """Whether a URL may be one of a webhook, as far as it can be seen without asking for the name's address."""
        try:
            parts = urlsplit(url)
        except ValueError:  # such as square brackets around what is no IPv6 address
            return False
        if not _has_a_port(parts):
            return False
        if self._allow_private:
            return True
        host = (parts.hostname or "").rstrip(".")
        is_number = ":" in host or host.replace(".", "").isdigit()
        is_local = host in ("", "localhost") or host.endswith((".localhost", ".local", ".internal"))
        return parts.scheme.lower() == "https" and not is_local and (not is_number or is_public(host))

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends, and gives the answer, whichever it is. Raises PostFailed."""
        until = time.monotonic() + self._seconds
        if not self.may_be_asked(url):
            raise PostFailed("address_not_allowed")
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme.lower()]
        addresses = self._checked_addresses(parts, port, until)
        connection = _Connection(parts, addresses, port, until, self._trusted(parts))
        try:
            return self._answer(connection, parts, headers, body)
        except TimeoutError as error:
            raise PostFailed("timeout") from error
        except ssl.SSLError as error:
            raise PostFailed("timeout" if connection.ran_out else "tls_failed") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PostFailed("timeout" if connection.ran_out else "connection_failed") from error
        finally:
            connection.close()

    def _trusted(self, parts: SplitResult) -> ssl.SSLContext | None:
        return self._tls if parts.scheme.lower() == "https" else None

    def _answer(self, connection: _Connection, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> Answer:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
        text = response.read(SHOWN_BYTES).decode(errors="replace")
        if connection.ran_out:
            raise TimeoutError
        asked = response.getheader("Retry-After", "")
        return Answer(response.status, text, float(asked) if asked.isdigit() and len(asked) < 7 else None)

    def _checked_addresses(self, parts: SplitResult, port: int, until: float) -> list[str]:
        """The addresses of the host. All of them must be allowed."""
        asked = self._resolvers.submit(self._resolve, parts.hostname, port, type=socket.SOCK_STREAM)
        try:
            found = asked.result(max(0.0, until - time.monotonic()))
        except TimeoutError as error:
            raise PostFailed("timeout") from error
        except (OSError, UnicodeError) as error:
            raise PostFailed("name_not_found") from error
        addresses = [str(each[4][0]) for each in found]
        if not addresses:
            raise PostFailed("name_not_found")
        if not (self._allow_private or all(map(is_public, addresses))):
            raise PostFailed("address_not_allowed")
        return addresses


def _has_a_port(parts: SplitResult) -> bool:
    """Whether the port of a URL, if it names one, can exist."""
    try:
        return parts.port != 0
    except ValueError:
        return False


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was resolved before. At the deadline it is cut, whatever it is doing: a time-out
    of the socket alone begins anew with each byte."""

    def __init__(
        self, parts: SplitResult, addresses: list[str], port: int, until: float, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(parts.hostname or "", port)
        self.default_port = PORTS["https" if tls else "http"]  # that port is not named in the Host header
        self._addresses = addresses
        self._until = until
        self._tls = tls
        self._timer: threading.Timer | None = None
        self.ran_out = False

    def connect(self) -> None:
        plain = self._connected()
        self.sock = plain
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self._timer = threading.Timer(max(0.001, self._until - time.monotonic()), self._cut)
        self._timer.daemon = True
        self._timer.start()
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    def _connected(self) -> socket.socket:
        """A connection to the first address that takes one. A host may have addresses that lead nowhere from here."""
        *others, last = self._addresses
        for address in others:
            with suppress(OSError):
                return self._connected_to(address)
        return self._connected_to(last)

    def _connected_to(self, address: str) -> socket.socket:
        return socket.create_connection((address, self.port), max(0.001, self._until - time.monotonic()))

    def _cut(self) -> None:
        self.ran_out = True
        sock = self.sock
        try:
            if sock is not None:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().close()
