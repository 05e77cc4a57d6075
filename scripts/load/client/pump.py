"""A closed loop: some keep-alive connections in one process, each sending its next request when it has its answer.

It shares the machine with the server under test, so it does next to nothing: requests are bytes beforehand, a reply is
looked at for its status and its length, and bodies are kept only where the next operation needs them.
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from scripts.load.client.wire import CLOSED, take_reply

QUIET_SECONDS = 15.0
"""Without any reply for so long, a volley has failed."""


PACE_SECONDS = 0.003
"""Between two connections. Opened in one burst, one worker accepts most of them (measured: 29 of 32); one by one they
are shared evenly, and latencies of two servers can be compared."""


class Silence(Exception):
    """The server stopped answering in the middle of a measurement."""


@dataclass(slots=True)
class Volley:
    """What came of a list of requests. milliseconds and bodies: in the order of the requests."""

    seconds: float
    milliseconds: list[float]
    statuses: Counter[int]
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.milliseconds) / self.seconds


class Pump:
    """Connections to one server, kept open between volleys."""

    def __init__(self, address: tuple[str, int], connections: int) -> None:
        self.address = address
        self.connections = connections
        self._idle: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _connection(self) -> socket.socket:
        connection = socket.create_connection(self.address, timeout=5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        return connection

    def fire(self, requests: Sequence[bytes], *, keep_bodies: bool = False) -> Volley:
        """Sends all requests, as many at a time as there are connections. Raises Silence."""
        while len(self._idle) < self.connections:
            self._idle.append(self._connection())
            time.sleep(PACE_SECONDS)
        volley = Volley(0.0, [0.0] * len(requests), Counter(), [b""] * len(requests) if keep_bodies else [])
        lanes = {connection.fileno(): _Lane(connection) for connection in self._idle[: len(requests)]}
        poll = select.epoll()
        queue = iter(enumerate(requests))
        began = time.perf_counter()
        try:
            for descriptor, lane in lanes.items():
                poll.register(descriptor, select.EPOLLIN)
                lane.send(*next(queue))
            unanswered = len(requests)
            while unanswered:
                ready = poll.poll(QUIET_SECONDS)
                if not ready:
                    raise Silence(f"{unanswered} of {len(requests)} requests got no answer in {QUIET_SECONDS:.0f} s")
                for descriptor, _ in ready:
                    lane = lanes[descriptor]
                    if not lane.answered(volley):
                        continue
                    unanswered -= 1
                    following = next(queue, None)
                    if following is not None:
                        lane.send(*following)
        finally:
            poll.close()
        volley.seconds = time.perf_counter() - began
        return volley


class _Lane:
    """One connection and the request on it."""

    __slots__ = ("buffer", "connection", "number", "sent")

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.buffer = bytearray()
        self.number = 0
        self.sent = 0.0

    def send(self, number: int, request: bytes) -> None:
        self.number = number
        self.sent = time.perf_counter()
        # Requests are a few hundred bytes: they always fit into an empty socket buffer.
        self.connection.sendall(request)

    def answered(self, volley: Volley) -> bool:
        """Reads what there is; True once the reply is whole, which is then noted."""
        data = self.connection.recv(262_144)
        if not data:
            raise Silence("the server closed a connection in the middle of a measurement")
        self.buffer += data
        reply = take_reply(self.buffer)
        if reply is None:
            return False
        volley.milliseconds[self.number] = (time.perf_counter() - self.sent) * 1000
        volley.statuses[reply.status] += 1
        if volley.bodies:
            volley.bodies[self.number] = reply.body
        if CLOSED in reply.head:
            raise Silence("the server does not keep connections open")
        return True
