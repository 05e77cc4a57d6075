"""Serves metrics on a port of their own: those of all workers, as a small process beside them, or those of a relay.

    python -m api.server.metrics_port 127.0.0.1 9464

The exposition is made at most once a second and once at a time, whatever is asked. PROMETHEUS_MULTIPROC_DIR is the
folder of the workers' samples. gunicorn's arbiter keeps this process alive, and it ends with gunicorn.
"""

from __future__ import annotations

import errno
import json
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.server.lifetime import die_with_parent

PATH = "/metrics"
FRESH_SECONDS = 1.0
CLIENT_SECONDS = 5.0
BIND_AGAIN_SECONDS = 2.0


class Exposition:
    """The text of all metrics. collect: makes it anew; monotonic: seconds that never go back."""

    def __init__(self, collect: Callable[[], bytes], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._collect = collect
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._made_at = float("-inf")
        self._text = b""

    def text(self) -> bytes:
        """At most a second old."""
        with self._lock:
            if self._monotonic() - self._made_at >= FRESH_SECONDS:
                self._text = self._collect()
                self._made_at = self._monotonic()
            return self._text


def collect() -> bytes:
    """The sum over the workers, in Prometheus' text format."""
    everything = CollectorRegistry()
    MultiProcessCollector(everything)  # type: ignore[no-untyped-call]  # the library has no annotations here
    return generate_latest(everything)


def handler_of(exposition: Exposition) -> type[BaseHTTPRequestHandler]:
    """Answers GET and HEAD of /metrics, and logs nothing. Any other path is a 404, any other method a 405."""

    class Handler(BaseHTTPRequestHandler):
        timeout = CLIENT_SECONDS
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.partition("?")[0] == PATH:
                self._answer(200, exposition.text(), ("Content-Type", CONTENT_TYPE_LATEST))
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            self._answer(405, b"", ("Allow", "GET, HEAD"), closes=True)

        do_HEAD = do_GET
        do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
            """The library's own page would name the library and quote the request."""
            self._answer(code, b"", closes=True)

        def _answer(self, status: int, text: bytes, *headers: tuple[str, str], closes: bool = False) -> None:
            self.send_response_only(status)
            for name, value in (*headers, ("Content-Length", str(len(text)))):
                self.send_header(name, value)
            if closes:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


class MetricsServer(ThreadingHTTPServer):
    """Threads of slow clients end with the process. A client that goes away is no error."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the library's signature
        return


def bind(host: str, port: int) -> MetricsServer:
    """Waits until the port is free. It is taken for a moment when gunicorn is replaced by a new one."""
    exposition, reported = Exposition(collect), False
    while True:
        try:
            return MetricsServer((host, port), handler_of(exposition))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if not reported:
                line = {"event": "metrics_port_taken", "level": "error", "host": host, "port": port}
                print(json.dumps(line, separators=(",", ":")), file=sys.stderr, flush=True)
                reported = True
            time.sleep(BIND_AGAIN_SECONDS)


def serve_beside(port: int, registry: CollectorRegistry) -> MetricsServer:
    """Serves the metrics of this process alone, on all addresses, from a thread. OSError: the port is taken."""
    server = MetricsServer(("", port), handler_of(Exposition(lambda: generate_latest(registry))))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def main(host: str, port: int) -> None:
    """Serves until its parent ends."""
    die_with_parent()
    bind(host, port).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
