"""A real gunicorn over real stores, and raw connections to it, which send bytes unchanged."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.dev_server.child import Child, wait_until
from scripts.dev_server.stores import free_port
from tests.system.drills.installation import ROOT, SOON, Installation
from tests.world import World

HOST = "127.0.0.1"
QUIET_SECONDS = 20.0
"""How long a test waits for a reply that comes at once on an idle machine."""


@dataclass(frozen=True, slots=True)
class Received:
    """One raw reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document. Fails if the reply is not a problem or lacks a header that every problem has."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.headers["cache-control"] == "no-store", self
        assert self.headers["x-content-type-options"] == "nosniff", self
        assert self.headers["x-request-id"], self
        assert "server" not in self.headers, self
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        return document


class Line:
    """One connection. source: the client's address, any of 127.0.0.0/8. over: a socket that is connected already."""

    def __init__(self, port: int, source: str = HOST, *, over: socket.socket | None = None) -> None:
        # A socket that is bound to the server's own address might get the server's port, before that server listens.
        bound = None if source == HOST else (source, 0)
        self.socket = over or socket.create_connection((HOST, port), timeout=QUIET_SECONDS, source_address=bound)
        self._received = b""

    def send(self, data: bytes) -> None:
        self.socket.settimeout(QUIET_SECONDS)
        self.socket.sendall(data)

    def receive(self, seconds: float = QUIET_SECONDS) -> Received:
        """The next reply. Raises TimeoutError, or EOFError if the server closed before the reply was complete."""
        self.socket.settimeout(seconds)
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = int(headers.get("content-length", 0))
        while len(self._received) < length:
            self._more()
        body, self._received = self._received[:length], self._received[length:]
        return Received(int(first.split()[1]), headers, body)

    def is_closed(self, seconds: float = QUIET_SECONDS) -> bool:
        """Whether the server closes within this many seconds and sends nothing more."""
        self.socket.settimeout(seconds)
        try:
            self._more()
        except TimeoutError:
            return False
        except (EOFError, ConnectionError):
            return not self._received
        return False

    def close(self) -> None:
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError
        self._received += data


class Gunicorn:
    """One gunicorn with the project's own settings over an installation's stores. settings: environment variables."""

    def __init__(self, installation: Installation, folder: Path, **settings: str) -> None:
        self.world: World = installation.world
        self.port, self.metrics_port = free_port(), free_port()
        self.folder = folder
        argv = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", f"{HOST}:{self.port}"]
        environment = installation.environment() | {
            "HOLDFAST_WORKERS": "1",
            "HOLDFAST_METRICS_PORT": str(self.metrics_port),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / f"metrics-{self.port}"),
            **settings,
        }
        self.child = Child("gunicorn", argv, folder / f"gunicorn-{self.port}.log", env=environment, cwd=ROOT)
        self._lines: list[Line] = []

    def line(self, source: str = HOST) -> Line:
        """A new connection. `close` closes it with the server."""
        made = Line(self.port, source)
        self._lines.append(made)
        return made

    def exchange(self, data: bytes, source: str = HOST) -> Received:
        """Sends bytes on a new connection and reads one reply."""
        line = Line(self.port, source)
        try:
            line.send(data)
            return line.receive()
        finally:
            line.close()

    def is_healthy(self, source: str = HOST) -> bool:
        try:
            return self.exchange(get("/healthz"), source).status == 200
        except (OSError, EOFError):
            return False

    def metrics(self) -> str:
        """The text that the metrics port serves."""
        with urllib.request.urlopen(f"http://{HOST}:{self.metrics_port}/metrics", timeout=QUIET_SECONDS) as reply:
            return str(reply.read().decode())

    @property
    def log(self) -> str:
        return self.child.log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        self.child.start()
        assert wait_until(self.is_healthy, seconds=SOON), self.child.log_tail()

    def close(self) -> None:
        for line in self._lines:
            line.close()
        self.child.kill()


@contextmanager
def gunicorn(installation: Installation, folder: Path, **settings: str) -> Iterator[Gunicorn]:
    """A gunicorn that runs during a `with` block."""
    made = Gunicorn(installation, folder, **settings)
    try:
        made.start()
        yield made
    finally:
        made.close()


def get(path: str, *fields: str, version: str = "1.1", host: str | None = "x") -> bytes:
    """The bytes of a GET request. fields: whole header lines."""
    hosts = [] if host is None else [f"Host: {host}"]
    return "\r\n".join([f"GET {path} HTTP/{version}", *hosts, *fields, "", ""]).encode("latin-1")


def post(path: str, body: bytes, *fields: str, length: int | None = None, kind: str = "application/json") -> bytes:
    """The bytes of a POST. kind: the type of its body. length: a Content-Length other than the body's."""
    promised = len(body) if length is None else length
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Type: {kind}", f"Content-Length: {promised}"]
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1") + body
