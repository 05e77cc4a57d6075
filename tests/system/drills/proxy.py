"""A TCP proxy in front of a store: it passes, cuts, stalls, or loses the reply to one request."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

MIRRORING = b'"visit_ends_ms"'
"""What only a call of mirror_booking contains."""


class Proxy(ThreadingTCPServer):
    """Passes bytes on, until a method says otherwise. `lost` is set once a reply was lost."""

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port, self.upstream = int(self.server_address[1]), upstream
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.whole, self.moving, self.lost = True, threading.Event(), threading.Event()
        self.doomed, self.hangs_up = b"", False
        self.heal()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def heal(self) -> None:
        self.whole = True
        self.moving.set()

    def cut(self) -> None:
        """End every connection, and each new one at once."""
        self.whole = False
        for end in (end for pair in self.pairs for end in pair):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Keep connections open and pass nothing on."""
        self.moving.clear()

    def lose_reply(self, to: bytes, *, hang_up: bool = False) -> None:
        """Pass on the next request that contains these bytes, and lose its reply: by silence, or by hanging up."""
        self.lost.clear()
        self.doomed, self.hangs_up = to, hang_up

    def close(self) -> None:
        """End every connection and wait for its threads, so that no socket outlives the test."""
        self.shutdown()
        self.moving.set()
        self.cut()
        self.server_close()


class _Connection(BaseRequestHandler):
    server: Proxy
    silenced = False

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.upstream)) as far:
            self.server.pairs.append((self.request, far))
            if self.server.whole:
                back = threading.Thread(target=self._pump, args=(far, self.request), daemon=True)
                back.start()
                self._pump(self.request, far, requests=True)
                back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, *, requests: bool = False) -> None:
        proxy = self.server
        with suppress(OSError):
            while data := source.recv(65536):
                proxy.moving.wait()
                if requests and proxy.doomed and proxy.doomed in data:
                    proxy.doomed, self.silenced = b"", True
                if requests or not self.silenced:
                    sink.sendall(data)
                    continue
                proxy.lost.set()
                if proxy.hangs_up:
                    break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
