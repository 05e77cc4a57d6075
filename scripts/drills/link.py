"""A link to a store that passes through this process: it can be slow, lose packets, and fall silent."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress
from itertools import count
from socketserver import BaseRequestHandler, ThreadingTCPServer


class Link(ThreadingTCPServer):
    """Passes bytes on after `seconds`. A new connection costs a round trip more, as the handshake of TCP does.

    loses_each: every so many packets one is lost, and arrives after the time that TCP takes to send it again. 0: none.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: int, seconds: float = 0.0, *, loses_each: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port, self.upstream = int(self.server_address[1]), upstream
        self.seconds, self.loses_each = seconds, loses_each
        self.packets, self.closed = count(1), threading.Event()
        self.requests, self.replies = threading.Event(), threading.Event()
        self.heal()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stall(self, *, requests: bool = True, replies: bool = True) -> None:
        """Keep connections open and pass nothing on, in one direction or both. What is sent meanwhile waits."""
        if requests:
            self.requests.clear()
        if replies:
            self.replies.clear()

    def heal(self) -> None:
        """Pass everything on again."""
        self.requests.set()
        self.replies.set()

    def delay(self) -> float:
        """How long the next packet takes. One that is lost: a way, a round trip, and TCP's shortest wait before it."""
        lost = self.loses_each and next(self.packets) % self.loses_each == 0
        return self.seconds + (2 * self.seconds + 0.2 if lost else 0)

    def close(self) -> None:
        """End it, and every wait in it."""
        self.closed.set()
        self.heal()
        self.shutdown()
        self.server_close()


class _Connection(BaseRequestHandler):
    server: Link

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.upstream)) as far:
            back = threading.Thread(target=self._pass, args=(far, self.request, self.server.replies, 0.0), daemon=True)
            back.start()
            self._pass(self.request, far, self.server.requests, 2 * self.server.seconds)
            back.join()

    def _pass(self, source: socket.socket, sink: socket.socket, passes: threading.Event, handshake: float) -> None:
        """Passes on what comes, in its order. handshake: seconds from now before which nothing arrives."""
        under_way: queue.Queue[tuple[float, bytes]] = queue.Queue()
        arriving = threading.Thread(target=self._arrive, args=(under_way, sink, passes), daemon=True)
        arriving.start()
        ready = time.monotonic() + handshake
        with suppress(OSError):
            while data := source.recv(65536):
                under_way.put((max(ready, time.monotonic()) + self.server.delay(), data))
        under_way.put((0.0, b""))
        arriving.join()
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _arrive(
        self, under_way: queue.Queue[tuple[float, bytes]], sink: socket.socket, passes: threading.Event
    ) -> None:
        with suppress(OSError):
            while True:
                due, data = under_way.get()
                self.server.closed.wait(max(0.0, due - time.monotonic()))
                passes.wait()
                if not data:
                    return
                sink.sendall(data)
