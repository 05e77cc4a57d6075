"""A stand-in of the provider of text messages: it checks each request, and behaves as a test says.

It speaks HTTP on 127.0.0.1. It keeps what it has taken, as the provider does, also where its answer got lost.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from services.texting.twilio import Account

SID, TOKEN = "AC00000000000000000000000000000000", "0123456789abcdef0123456789abcdef"
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"


@dataclass
class Provider:
    """next: what the next requests to send get, in order: a status with a code, `stall` (takes the text and never
    answers), `cut` (takes it and closes the connection). Without any it takes the text and says so.
    forgets: it finds no text again. faults: what was wrong with requests."""

    url: str = ""
    next: list[Any] = field(default_factory=list)
    forgets: bool = False
    taken: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def account(self) -> Account:
        return Account(SID, TOKEN, self.url)

    def texts(self) -> list[tuple[str, str]]:
        """The receiver and the words of each text that was taken."""
        return [(each["To"], each["Body"]) for each in self.taken]


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = dict(parse_qsl(sent, strict_parsing=True))
        self._check(self.path, {"To", "From", "Body", "StatusCallback"} - fields.keys() - {"StatusCallback"})
        if self.headers["Content-Type"] != "application/x-www-form-urlencoded":
            self.provider.faults.append("content type")
        act = self.provider.next.pop(0) if self.provider.next else None
        if isinstance(act, tuple):
            status, code, *headers = act
            self._answer(status, {"code": code, "message": "no", "status": status}, headers)
            return
        made = {**fields, "sid": f"SM{len(self.provider.taken):032x}", "at": format_datetime(datetime.now(UTC))}
        self.provider.taken.append(made)
        if act == "stall":
            self.provider.released.wait(20)
        if act in ("stall", "cut"):
            self.close_connection = True
            return
        self._answer(201, {"sid": made["sid"], "status": "queued"})

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._check(path, set())
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        self.provider.asked.append(asked["To"])
        taken = [] if self.provider.forgets else self.provider.taken
        found = [each for each in taken if each["To"] == asked["To"]]
        messages = [{"sid": each["sid"], "body": each["Body"], "date_created": each["at"]} for each in found]
        self._answer(200, {"messages": messages})

    def _check(self, path: str, missing: set[str]) -> None:
        expected = "Basic " + b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if urlsplit(path).path != PATH:
            self.provider.faults.append(f"path {path}")
        if self.headers["Authorization"] != expected:
            self.provider.faults.append("authorization")
        if missing:
            self.provider.faults.append(f"missing {sorted(missing)}")

    def _answer(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers or []:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider for the length of a `with` block."""
    made = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": made}))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
        assert made.faults == []
    finally:
        made.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
