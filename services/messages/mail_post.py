"""Carries e-mails to a mail server."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from services.clock import Clock
from services.messages.composing import Composed
from services.messages.mail import mail_of
from services.messages.store import Message
from services.outbox.entries import Again, Dead, Delivered, Outcome
from services.outgoing import Deadline, Resolve, Resolver
from services.settings import MailServer

IN_ALL_SECONDS: Final = 25.0
"""For one e-mail, from the first look for the server to its last answer."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class NoTls(Exception):
    """The server offers no TLS, and the password does not go out without it."""


class NoLogin(Exception):
    """The server takes no password, but the settings have one."""


class MailPost:
    """A Post. A connection for each e-mail: there are few, and none outlives the server's patience.

    trusted: of the server's certificate; None for the authorities that this machine trusts.
    """

    def __init__(
        self,
        server: MailServer,
        clock: Clock,
        trusted: ssl.SSLContext | None = None,
        *,
        seconds: float = IN_ALL_SECONDS,
        resolve: Resolve = socket.getaddrinfo,
    ) -> None:
        self._server = server
        self._clock = clock
        self._trusted = trusted or ssl.create_default_context()
        self._seconds = seconds
        self._resolver = Resolver(resolve)

    def carry(self, composed: Composed, message_id: str) -> Outcome:
        try:
            mail = mail_of(
                composed.letter, to=composed.to, sender=self._server.sender, message_id=message_id, at=self._clock()
            )
        except ValueError:  # a header cannot hold it
            return Dead({"error": "not_writable"})
        deadline = Deadline(self._seconds)
        try:
            with self._connected(deadline) as connection:
                connection.send_message(mail, from_addr=self._server.sender, to_addrs=[composed.to])
        except (OSError, NoTls, NoLogin) as error:  # smtplib's errors are OSErrors
            return _outcome_of(TimeoutError() if deadline.ran_out else error)
        finally:
            deadline.close()
        return Delivered({})

    def find(self, _begun: Message, /) -> Outcome | None:
        """No mail server can be asked that. A repeat has the same Message-ID, by which mail programs know it."""
        return None

    @contextmanager
    def _connected(self, deadline: Deadline) -> Iterator[smtplib.SMTP]:
        server = self._server
        addresses = self._resolver.addresses(server.host, server.port, deadline)
        connection = _Connection(server, addresses, deadline, self._trusted)
        try:
            connection.ehlo_or_helo_if_needed()
            if not server.tls and connection.has_extn("starttls"):
                connection.starttls(context=self._trusted)
                connection.ehlo()
            elif server.user and not server.tls and server.host not in _LOOPBACK:
                raise NoTls
            if server.user and not connection.has_extn("auth"):
                raise NoLogin
            if server.user:
                connection.login(server.user, server.password)
            yield connection
        finally:
            with suppress(OSError):  # what the server took has left, whatever it says to the goodbye
                connection.quit()
            connection.close()


class _Connection(smtplib.SMTP):
    """A connection that is cut at the deadline, under TLS from the first byte on where the settings say so."""

    def __init__(
        self, server: MailServer, addresses: Sequence[str], deadline: Deadline, trusted: ssl.SSLContext
    ) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._first_tls = trusted if server.tls else None
        super().__init__(server.host, server.port, timeout=deadline.left)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        plain = self._deadline.connect(self._addresses, port)
        return self._first_tls.wrap_socket(plain, server_hostname=host) if self._first_tls else plain


def _outcome_of(error: Exception) -> Outcome:
    """What becomes of an e-mail that the server did not take. What is wrong with our settings is tried again."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            [(code, _)] = refused.values()
            return _refusal(code)
        case smtplib.SMTPAuthenticationError() | smtplib.SMTPConnectError() | smtplib.SMTPHeloError():
            return Again({"status": error.smtp_code, "error": type(error).__name__})
        case smtplib.SMTPResponseException():
            return _refusal(error.smtp_code)
        case smtplib.SMTPNotSupportedError():  # a letter of the address that the server does not know
            return Dead({"error": "not_supported"})
        case _:
            return Again({"error": type(error).__name__})


def _refusal(code: int) -> Outcome:
    return Dead({"status": code}) if code >= 500 else Again({"status": code})
