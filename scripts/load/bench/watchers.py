"""Clients of the live feed, and somebody who changes things, each in a process of its own: the load of one is not that
of another, and neither slows the volleys that are measured.

A few of the clients read at once what comes, and look how old each event is: the id has the time at which Redis wrote
it, by the clock of this machine. The others read once a second, because to wake a client for each event would cost the
two cores of this machine as much as to send it. They take all that is sent, and the server sends to all alike.
"""

from __future__ import annotations

import contextlib
import re
import resource
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final

from scripts.load.client.target import Unreachable
from scripts.load.client.wire import WireError, request_bytes, take_reply

PACE_SECONDS: Final = 0.002
OPEN_SECONDS: Final = 180.0
LOOK_SECONDS: Final = 0.2
SAMPLE: Final = 20
"""One client of so many reads at once what comes, and looks how old each event is."""
READ_SECONDS: Final = 1.0
"""So often the other clients read. Until then the kernel takes what comes, as far as their buffers go."""

_EVENT = re.compile(rb"id: (\d+)-\d+\nevent: (?!hello|reset)")


@dataclass(slots=True)
class Seen:
    """What came: bytes, and the ages of events in ms. busy: processor time of the clients, in ms of each second."""

    received: int = 0
    ages: list[float] = field(default_factory=list)
    busy: float = 0.0


class Watchers:
    """So many open streams in a process of their own. `asked`: whole requests, one for each stream."""

    def __init__(self, address: tuple[str, int], asked: Sequence[bytes]) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_watch, args=(address, list(asked), theirs), daemon=True)
        self._process.start()
        theirs.close()
        if not self._ours.poll(OPEN_SECONDS) or self._ours.recv() != len(asked):
            self.close()
            raise Unreachable("not every stream of live events opened")

    def close(self) -> Seen:
        """Ends the streams, and says what came."""
        seen = Seen()
        with contextlib.suppress(OSError, EOFError):
            self._ours.send("end")
            if self._ours.poll(OPEN_SECONDS):
                seen = self._ours.recv()
        self._process.join(timeout=10)
        self._process.kill()
        return seen


def _watch(address: tuple[str, int], asked: list[bytes], control: Connection) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with select.epoll() as poll:
        clients = _Clients(poll)
        for number, request in enumerate(asked):
            if not clients.open(address, request, looks=number % SAMPLE == 0):
                break
            clients.receive(PACE_SECONDS)
        control.send(clients.count)
        clients.receive(0)
        clients.read_all()
        clients.seen = Seen()  # what has waited meanwhile says nothing of the server
        began, busy = time.monotonic(), time.process_time()
        while not control.poll():
            clients.receive(LOOK_SECONDS)
        clients.read_all()
        clients.seen.busy = (time.process_time() - busy) * 1000 / (time.monotonic() - began)
    control.send(clients.seen)


class _Clients:
    """The clients of one process. It works on the machine that it measures, so most of them do little."""

    def __init__(self, poll: select.epoll) -> None:
        self._poll = poll
        self._looking: dict[int, socket.socket] = {}
        self._others: list[socket.socket] = []
        self._read_at = time.monotonic()
        self.seen = Seen()

    @property
    def count(self) -> int:
        return len(self._looking) + len(self._others)

    def open(self, address: tuple[str, int], request: bytes, *, looks: bool) -> bool:
        """Opens a stream. Whether the server gave one."""
        stream = socket.create_connection(address, timeout=5)
        stream.sendall(request)
        if not stream.recv(4096).startswith(b"HTTP/1.1 200"):
            return False
        stream.setblocking(False)
        if looks:
            self._looking[stream.fileno()] = stream
            self._poll.register(stream.fileno(), select.EPOLLIN)
        else:
            self._others.append(stream)
        return True

    def receive(self, seconds: float) -> None:
        """Waits a moment for those that look, and lets the others read when it is time."""
        for descriptor, _ in self._poll.poll(seconds, len(self._looking) or 1):
            data = self._read(self._looking[descriptor])
            now = time.time() * 1000
            self.seen.ages += [now - int(each) for each in _EVENT.findall(data)]
        if time.monotonic() - self._read_at >= READ_SECONDS:
            self.read_all()

    def read_all(self) -> None:
        """Lets those read that do not look."""
        self._read_at = time.monotonic()
        for stream in self._others:
            self._read(stream)

    def _read(self, stream: socket.socket) -> bytes:
        try:
            data = stream.recv(65_536)
        except BlockingIOError:
            return b""
        if not data:
            raise Unreachable("the server ended a stream")
        self.seen.received += len(data)
        return data


@contextlib.contextmanager
def changes(address: tuple[str, int], requests: Sequence[bytes], per_second: float) -> Iterator[None]:
    """Sends these requests again and again at an even pace, during a block. A busy server may refuse one."""
    process = get_context("spawn").Process(target=_change, args=(address, list(requests), per_second), daemon=True)
    process.start()
    try:
        yield
        if not process.is_alive():
            raise Unreachable("the requests that change something were refused")
    finally:
        process.kill()
        process.join()


def _change(address: tuple[str, int], requests: list[bytes], per_second: float) -> None:
    due, buffer = time.monotonic(), bytearray()
    connection = socket.create_connection(address, timeout=30)
    for request in cycle(requests):
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / per_second
        connection.sendall(request)
        while (reply := take_reply(buffer)) is None:
            buffer += connection.recv(65_536)
        if reply.status not in (201, 503):
            raise WireError(f"a change was answered with {reply.status}")


def stream_request(property_id: str, key: str) -> bytes:
    """The request for the stream of a property."""
    return request_bytes("GET", f"/events?property_id={property_id}", key=key)
