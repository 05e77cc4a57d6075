"""A real mail server on 127.0.0.1, with or without TLS and passwords, that takes or refuses as a test says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from scripts.dev_server.stores import free_port
from services.settings import MailServer

USER, PASSWORD = "visits@example.com", "a password, with signs"


@dataclass
class Mailbox:
    """to, data, end: what RCPT, DATA and QUIT are answered, if not OK. taken: the e-mails with their receivers."""

    port: int
    to: str = "250 OK"
    data: str = "250 OK"
    end: str = "221 Bye"
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def server(self, **changed: Any) -> MailServer:
        values = {"host": "127.0.0.1", "port": self.port, "tls": False, "user": "", "password": ""}
        return MailServer(**{**values, "sender": "visits@example.com", **changed})

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if self.to.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.data.startswith("250"):
            mail = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
            assert isinstance(mail, EmailMessage)
            self.taken.append((list(envelope.rcpt_tos), mail))
            self.secured.append(session.ssl is not None)
        return self.data

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Envelope) -> str:
        return self.end

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append(given.login.decode())
        return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()))


@contextmanager
def mail_server(certificate: Path | None = None, *, password: bool = False) -> Iterator[Mailbox]:
    """A mail server for the length of a `with` block. certificate: with its key in one file, for STARTTLS."""
    box = Mailbox(free_port())
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    options: dict[str, Any] = {"tls_context": context}
    if password:
        options |= {"authenticator": box.authenticate, "auth_required": True, "auth_require_tls": context is not None}
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
