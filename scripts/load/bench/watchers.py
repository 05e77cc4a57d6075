"""Clients of the live feed, and somebody who changes things, each in a process of its own: the load of one is not that
of another, and neither slows the volleys that are measured.

Clients only count what they receive. A few of them also look how old each event is: the id has the time at which Redis
wrote it, by the clock of this machine.
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
"""One client of so many looks at the ages of events."""

_EVENT = re.compile(rb"id: (\d+)-\d+\nevent: (?!hello|reset)")


@dataclass(slots=True)
class Seen:
    """What came: bytes, and the ages of events in ms."""

    received: int = 0
    ages: list[float] = field(default_factory=list)


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
    seen, streams = Seen(), dict[int, tuple[socket.socket, bool]]()
    with select.epoll() as poll:
        for number, request in enumerate(asked):
            stream = socket.create_connection(address, timeout=5)
            stream.sendall(request)
            if not stream.recv(4096).startswith(b"HTTP/1.1 200"):
                break
            stream.setblocking(False)
            streams[stream.fileno()] = (stream, number % SAMPLE == 0)
            poll.register(stream.fileno(), select.EPOLLIN)
            _receive_all(poll, streams, PACE_SECONDS, Seen())
        control.send(len(streams))
        _receive_all(poll, streams, 0, Seen())  # what has waited meanwhile says nothing of the server
        while not control.poll():
            _receive_all(poll, streams, LOOK_SECONDS, seen)
    control.send(seen)


def _receive_all(
    poll: select.epoll, streams: dict[int, tuple[socket.socket, bool]], seconds: float, seen: Seen
) -> None:
    for descriptor, _ in poll.poll(seconds, len(streams)):
        stream, looks = streams[descriptor]
        data = stream.recv(65_536)
        if not data:
            raise Unreachable("the server ended a stream")
        seen.received += len(data)
        if looks:
            now = time.time() * 1000
            seen.ages += [now - int(each) for each in _EVENT.findall(data)]


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
