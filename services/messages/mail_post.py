"""Carries e-mails to a mail server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from services.clock import Clock
from services.messages.composing import Composed
from services.messages.mail import mail_of
from services.messages.store import Message
from services.outbox.entries import Again, Dead, Delivered, Outcome
from services.settings import MailServer

TIMEOUT_SECONDS: Final = 5.0
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
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._server = server
        self._clock = clock
        self._trusted = trusted or ssl.create_default_context()
        self._timeout = timeout_seconds

    def carry(self, composed: Composed, message_id: str) -> Outcome:
        try:
            mail = mail_of(
                composed.letter, to=composed.to, sender=self._server.sender, message_id=message_id, at=self._clock()
            )
        except ValueError:  # a header cannot hold it
            return Dead({"error": "not_writable"})
        try:
            with self._connected() as connection:
                connection.send_message(mail, from_addr=self._server.sender, to_addrs=[composed.to])
        except (OSError, NoTls, NoLogin) as error:  # smtplib's errors are OSErrors
            return _outcome_of(error)
        return Delivered({})

    def find(self, _begun: Message, /) -> Outcome | None:
        """No mail server can be asked that. A repeat has the same Message-ID, by which mail programs know it."""
        return None

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        if server.tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=self._trusted
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
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
