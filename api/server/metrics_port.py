"""Serves the metrics of all workers on a port of their own, as a small process beside them.

    python -m api.server.metrics_port 127.0.0.1 9464

The exposition is made at most once a second and once at a time, whatever is asked. PROMETHEUS_MULTIPROC_DIR is the
folder of the workers' samples. gunicorn.conf.py starts this process, which ends with gunicorn.
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
    """Answers every GET with the metrics and logs nothing."""

    class Handler(BaseHTTPRequestHandler):
        timeout = CLIENT_SECONDS
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            text = exposition.text()
            self.send_response_only(200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
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


def main(host: str, port: int) -> None:
    """Serves until its parent ends."""
    die_with_parent()
    bind(host, port).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
