"""A server that webhooks lead to: it keeps what it gets, and answers as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook as Oracle


@dataclass
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    text: bytes

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_with(self, secret: str) -> bool:
        """What the public library says."""
        try:
            Oracle(secret).verify(self.text, self.headers)
        except Exception:
            return False
        return True


@dataclass
class Receiver:
    """answers: statuses in their order; the last one stays. url: where it listens."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    text: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def next_status(self) -> int:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def types(self) -> list[str]:
        return [each.type for each in self.got]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own. Where a test clears its gate, it answers only once the gate is open."""
    made = Receiver()
    made.gate.set()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                made.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, text))
                status = made.next_status()
            made.gate.wait(30)
            self.send_response(status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(made.text)))
            self.end_headers()
            self.wfile.write(made.text)

        def log_message(self, *_args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/hooks"
    try:
        yield made
    finally:
        made.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()
