"""Many plays at once in one process: a non-blocking socket each, one epoll loop.

Before the release every connection is open and every first request is bytes in memory; at the release they are all
written in one tight loop. A connection that dies before its reply is opened anew and the request is sent again, as a
client library does: every request of the players is safe to repeat.
"""

from __future__ import annotations

import contextlib
import heapq
import select
import socket
import time
from collections.abc import Callable, Iterable

from scripts.load.client.steps import Exchange, Pause, Play, Send
from scripts.load.client.wire import CLOSED, Reply, WireError, take_reply

ATTEMPTS = 4
RECONNECT_SECONDS = 0.05
NOT_HTTP = 599
"""The status that stands for bytes that are no reply; the verdict refuses it."""

READ = select.EPOLLIN | select.EPOLLRDHUP
STALE_SECONDS = 0.75
"""A keep-alive connection that was idle for longer is not used again: the server may be closing it at this moment."""


class Lane:
    """One play and its connection."""

    __slots__ = (
        "answered_at",
        "attempts",
        "connected",
        "inbox",
        "out",
        "pause",
        "play",
        "send",
        "sent",
        "socket",
        "turn",
    )

    def __init__(self, play: Play) -> None:
        self.play = play
        self.socket: socket.socket | None = None
        self.connected = False
        self.send: Send | None = None
        self.out = memoryview(b"")
        self.inbox = bytearray()
        self.sent = 0.0
        self.answered_at = 0.0
        self.attempts = 0
        self.turn = 0
        self.pause = Pause()

    @property
    def wire(self) -> socket.socket:
        """The open connection."""
        if self.socket is None:
            raise RuntimeError("this lane has no connection")
        return self.socket

    @property
    def request(self) -> Send:
        """The request under way."""
        if self.send is None:
            raise RuntimeError("this lane has no request")
        return self.send


class Crowd:
    """Carries plays to their end.

    done: called once for each play that ended; reply_seconds: after so long an answer is unknown.
    """

    def __init__(
        self,
        address: tuple[str, int],
        plays: Iterable[Play],
        *,
        reply_seconds: float = 60,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self.address = address
        self.reply_seconds = reply_seconds
        self.done = done
        self.exchanges: list[Exchange] = []
        self._poll = select.epoll()
        self._lanes: dict[int, Lane] = {}
        self._timers: list[tuple[float, int, int, Lane]] = []
        self._sequence = 0
        self._released = False
        self._idle_lanes = [Lane(play) for play in plays]
        self._unfinished = len(self._idle_lanes)
        self._connected = 0

    def open(self, seconds: float) -> int:
        """Prepares all first requests and opens all connections, within so many seconds; answers how many are open."""
        for lane in self._idle_lanes:
            first = next(lane.play)
            if isinstance(first, Pause):
                lane.pause = first
                continue
            self._prepare(lane, first)
            self._connect(lane)
        racing = sum(lane.send is not None for lane in self._idle_lanes)
        deadline = time.monotonic() + seconds
        while self._connected < racing and time.monotonic() < deadline:
            self._turn(0.05)
        return self._connected

    def run(self, release: float) -> list[Exchange]:
        """Waits for the moment of release, then plays everything to its end."""
        while (left := release - time.monotonic()) > 0:
            # The last two milliseconds are spun away, so that no process oversleeps the common moment.
            if left > 0.002:
                self._turn(left - 0.002)
        self._released = True
        for lane in self._idle_lanes:
            if lane.send is None:
                self._after(lane.pause.left, lane)
            else:
                self._start(lane)
        while self._unfinished:
            self._turn(1.0)
        self._poll.close()
        return self.exchanges

    def _turn(self, seconds: float) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, turn, lane = heapq.heappop(self._timers)
            if lane.turn == turn:
                self._timer_fired(lane)
        if not self._unfinished:
            return
        if self._timers:
            seconds = min(seconds, max(0.0, self._timers[0][0] - now))
        for descriptor, events in self._poll.poll(seconds):
            lane_or_none = self._lanes.get(descriptor)
            if lane_or_none is not None:
                self._attend(lane_or_none, events)

    def _after(self, seconds: float, lane: Lane) -> None:
        lane.turn += 1
        self._sequence += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._sequence, lane.turn, lane))

    def _timer_fired(self, lane: Lane) -> None:
        if lane.send is None:
            self._advance(lane, None)
        elif lane.socket is None:
            self._connect(lane)
        else:
            self._finish(lane, None)

    def _prepare(self, lane: Lane, send: Send) -> None:
        lane.send = send
        lane.out = memoryview(send.encoded())
        lane.sent = 0.0
        lane.attempts = 1

    def _connect(self, lane: Lane) -> None:
        lane.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        lane.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lane.connected = False
        lane.inbox.clear()
        lane.socket.connect_ex(self.address)
        self._lanes[lane.socket.fileno()] = lane
        self._poll.register(lane.socket.fileno(), READ | select.EPOLLOUT)
        if self._released:
            self._after(self.reply_seconds, lane)

    def _hang_up(self, lane: Lane) -> None:
        if lane.socket is None:
            return
        self._connected -= lane.connected
        self._lanes.pop(lane.socket.fileno(), None)
        self._poll.unregister(lane.socket.fileno())
        lane.socket.close()
        lane.socket, lane.connected = None, False

    def _attend(self, lane: Lane, events: int) -> None:
        if not lane.connected:
            if lane.wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._lost(lane)
                return
            lane.connected = True
            self._connected += 1
            self._poll.modify(lane.wire.fileno(), READ)
            if self._released and lane.send is not None:
                self._flush(lane)
        elif events & select.EPOLLOUT:
            self._poll.modify(lane.wire.fileno(), READ)
            self._flush(lane)
        if lane.socket is not None and events & (READ | select.EPOLLHUP | select.EPOLLERR):
            self._read(lane)

    def _start(self, lane: Lane) -> None:
        """Sends the prepared request over the open connection, or over a new one."""
        if lane.connected and (lane.answered_at == 0 or time.monotonic() - lane.answered_at < STALE_SECONDS):
            self._flush(lane)
            return
        if lane.connected:
            self._hang_up(lane)
        if lane.socket is None:
            self._connect(lane)

    def _flush(self, lane: Lane) -> None:
        lane.sent = lane.sent or time.monotonic()
        self._after(self.reply_seconds, lane)
        try:
            written = lane.wire.send(lane.out)
        except BlockingIOError:
            written = 0
        except OSError:
            self._lost(lane)
            return
        lane.out = lane.out[written:]
        if lane.out:
            self._poll.modify(lane.wire.fileno(), READ | select.EPOLLOUT)
            return
        if lane.request.drop:
            self._hang_up(lane)
            self._finish(lane, None)

    def _read(self, lane: Lane) -> None:
        try:
            data = lane.wire.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost(lane)
            return
        lane.inbox += data
        with contextlib.suppress(WireError):
            reply = take_reply(lane.inbox)
            if reply is not None:
                self._finish(lane, reply)
            return
        self._finish(lane, Reply(NOT_HTTP, b"", bytes(lane.inbox[:200])))

    def _lost(self, lane: Lane) -> None:
        pending = self._released and lane.send is not None
        self._hang_up(lane)
        if not pending or lane.send is None:
            return
        if lane.attempts >= ATTEMPTS:
            self._finish(lane, None)
            return
        lane.attempts += 1
        lane.out = memoryview(lane.send.encoded())
        self._after(RECONNECT_SECONDS * lane.attempts, lane)

    def _finish(self, lane: Lane, reply: Reply | None) -> None:
        now = time.monotonic()
        exchange = Exchange.of(lane.request, lane.sent or now, now, reply=reply, attempts=lane.attempts)
        self.exchanges.append(exchange)
        if reply is None or CLOSED in reply.head or reply.status == NOT_HTTP:
            self._hang_up(lane)
        lane.answered_at, lane.send = now, None
        self._advance(lane, exchange)

    def _advance(self, lane: Lane, exchange: Exchange | None) -> None:
        lane.turn += 1
        try:
            step = lane.play.send(exchange)
        except StopIteration:
            self._hang_up(lane)
            self._unfinished -= 1
            self.done()
            return
        if isinstance(step, Pause):
            self._after(step.left, lane)
        else:
            self._prepare(lane, step)
            self._start(lane)
