"""Sends one POST to an address that a customer chose. A bounded time in all, to a checked address, no redirects.

The name is resolved once, and the connection goes to the address that was checked. So an answer of the name's server
that changes in between leads nowhere else. TLS and the Host header carry the name.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from services.outbox.addresses import is_public
from services.outgoing import PORTS, Deadline, HttpConnection, Resolve, Resolver

IN_ALL_SECONDS: Final = 10.0
SHOWN_BYTES: Final = 1024


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
        self._resolver = Resolver(resolve)
        self._given_tls = tls

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
        if not self.may_be_asked(url):
            raise PostFailed("address_not_allowed")
        deadline = Deadline(self._seconds)
        try:
            return self._answer(urlsplit(url), headers, body, deadline)
        except TimeoutError as error:
            raise PostFailed("timeout") from error
        except ssl.SSLError as error:
            raise PostFailed("timeout" if deadline.ran_out else "tls_failed") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PostFailed("timeout" if deadline.ran_out else "connection_failed") from error
        finally:
            deadline.close()

    def _trusted(self, parts: SplitResult) -> ssl.SSLContext | None:
        return self._tls if parts.scheme.lower() == "https" else None

    def _answer(self, parts: SplitResult, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme.lower()]
        addresses = self._checked_addresses(host, port, deadline)
        tls = self._tls if parts.scheme.lower() == "https" else None
        with closing(HttpConnection(host, port, addresses=addresses, deadline=deadline, tls=tls)) as connection:
            return _asked(connection, parts, headers, body, deadline)

    def _checked_addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """The addresses of a host. All of them must be allowed."""
        try:
            addresses = self._resolver.addresses(host, port, deadline)
        except TimeoutError as error:
            raise PostFailed("timeout") from error
        except (OSError, UnicodeError) as error:
            raise PostFailed("name_not_found") from error
        if not addresses:
            raise PostFailed("name_not_found")
        if not (self._allow_private or all(map(is_public, addresses))):
            raise PostFailed("address_not_allowed")
        return addresses


def _asked(
    connection: HttpConnection, parts: SplitResult, headers: Mapping[str, str], body: bytes, deadline: Deadline
) -> Answer:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", target, body, dict(headers))
    response = connection.getresponse()
    text = response.read(SHOWN_BYTES).decode(errors="replace")
    if deadline.ran_out:
        raise TimeoutError
    asked = response.getheader("Retry-After", "")
    return Answer(response.status, text, float(asked) if asked.isdigit() and len(asked) < 7 else None)


def _has_a_port(parts: SplitResult) -> bool:
    """Whether the port of a URL, if it names one, can exist."""
    try:
        return parts.port != 0
    except ValueError:
        return False
