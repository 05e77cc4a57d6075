"""A closed loop: some keep-alive connections in one process, each sending its next request when it has its answer.

It shares the machine with the server under test, so it does next to nothing: requests are bytes beforehand, a reply is
looked at for its status and its length, and bodies are kept only where the next operation needs them.
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Self

from scripts.load.client.target import Unreachable
from scripts.load.client.wire import CLOSED, take_reply

QUIET_SECONDS = 15.0  # a volley fails when no reply arrives for this long
PACE_SECONDS = 0.003  # between two connections: in one burst, one worker accepts most of them (29 of 32)


@dataclass(slots=True)
class Volley:
    """What came of a list of requests. milliseconds, answers (statuses) and bodies: in the order of the requests.

    busy_seconds: processor time that the client itself used.
    """

    seconds: float
    milliseconds: list[float]
    answers: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    busy_seconds: float = 0.0

    @property
    def statuses(self) -> Counter[int]:
        return Counter(self.answers)

    @property
    def rate(self) -> float:
        return len(self.milliseconds) / self.seconds


class Pump:
    """Connections to one server, kept open between volleys and closed with the block.

    greeting: a request that shows a key on each new connection, because a server bounds connections without one.
    """

    def __init__(self, address: tuple[str, int], connections: int, greeting: bytes = b"") -> None:
        self.address = address
        self.connections = connections
        self.greeting = greeting
        self._lanes: list[_Lane] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(self.ports)

    @property
    def ports(self) -> list[int]:
        """Our own ports of the connections that are open."""
        return [lane.connection.getsockname()[1] for lane in self._lanes]

    def open(self) -> None:
        """Opens the connections that are not open yet."""
        while len(self._lanes) < self.connections:
            self._lanes.append(_Lane(self.address, self.greeting))
            time.sleep(PACE_SECONDS)

    def close(self, ports: Collection[int]) -> None:
        """Closes the connections of these ports of ours. The next volley opens others."""
        for lane in [lane for lane in self._lanes if lane.connection.getsockname()[1] in ports]:
            lane.connection.close()
            self._lanes.remove(lane)

    def fire(self, requests: Sequence[bytes], *, keep_bodies: bool = False) -> Volley:
        """Sends all requests, as many at a time as there are connections. Raises Unreachable."""
        self.open()
        volley = Volley(
            0.0, [0.0] * len(requests), [0] * len(requests), bodies=[b""] * len(requests) if keep_bodies else []
        )
        queue, unanswered = iter(enumerate(requests)), len(requests)
        lanes = {lane.connection.fileno(): lane for lane in self._lanes[: len(requests)]}
        began, busy = time.perf_counter(), time.process_time()
        with select.epoll() as poll:
            for descriptor, lane in lanes.items():
                poll.register(descriptor, select.EPOLLIN)
                lane.send(*next(queue))
            while unanswered:
                ready = poll.poll(QUIET_SECONDS)
                if not ready:
                    raise Unreachable(
                        f"{unanswered} of {len(requests)} requests got no answer in {QUIET_SECONDS:.0f} s"
                    )
                for lane in [lanes[descriptor] for descriptor, _ in ready]:
                    if lane.answered(volley):
                        unanswered -= 1
                        following = next(queue, None)
                        if following is not None:
                            lane.send(*following)
        volley.seconds, volley.busy_seconds = time.perf_counter() - began, time.process_time() - busy
        return volley


class _Lane:
    __slots__ = ("buffer", "connection", "number", "sent")

    def __init__(self, address: tuple[str, int], greeting: bytes) -> None:
        self.connection = socket.create_connection(address, timeout=5)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.number, self.sent = bytearray(), 0, 0.0
        if greeting:
            self.connection.sendall(greeting)
            while take_reply(self.buffer) is None:
                self.buffer += self.connection.recv(262_144)
        self.connection.setblocking(False)

    def send(self, number: int, request: bytes) -> None:
        self.number, self.sent = number, time.perf_counter()
        self.connection.sendall(request)  # a few hundred bytes always fit into an empty socket buffer

    def answered(self, volley: Volley) -> bool:
        """Reads what there is; True once the reply is whole, which is then noted. Raises Unreachable."""
        data = self.connection.recv(262_144)
        if not data:
            raise Unreachable("the server closed a connection in the middle of a measurement")
        self.buffer += data
        reply = take_reply(self.buffer)
        if reply is None:
            return False
        if CLOSED in reply.head:
            raise Unreachable("the server does not keep connections open")
        volley.milliseconds[self.number] = (time.perf_counter() - self.sent) * 1000
        volley.answers[self.number] = reply.status
        if volley.bodies:
            volley.bodies[self.number] = reply.body
        return True
