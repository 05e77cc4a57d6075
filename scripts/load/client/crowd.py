"""Many plays at once in one process, each over a connection of its own.

Before the release every connection is open and every first request is ready as bytes; at the release one tight loop
sends them all. A connection that dies before its reply is opened again and the request is sent again, as client
libraries do: every request of the players is safe to repeat.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable

from scripts.load.client.steps import Exchange, Pause, Play, Send
from scripts.load.client.wire import CLOSED, Reply, WireError, request_bytes, take_reply

OPEN_SECONDS = 15.0
ATTEMPTS = 4
RECONNECT_SECONDS = 0.05
NOT_HTTP = 599  # the status that stands for bytes that are no reply; the verdict refuses it
STALE_SECONDS = 0.75
"""A connection that was idle for longer is not used again: the server may be closing it at this moment."""


def carry(
    address: tuple[str, int],
    plays: Iterable[Play],
    ready: Callable[[int], float],
    reply_seconds: float = 60,
    *,
    show_keys: bool = False,
) -> list[Exchange]:
    """Opens the connections, plays everything from the release on, and returns what the players saw.

    ready: gets the number of open connections and returns the moment of release, on the monotonic clock;
    reply_seconds: an answer that takes longer is unknown; show_keys: send a request on each connection when it opens.
    """

    async def run() -> list[Exchange]:
        lanes = [Lane(address, play, reply_seconds) for play in plays]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.gather(
                    *(lane.open(show_keys) for lane in lanes if lane.first_bytes), return_exceptions=True
                )
        moment = ready(sum(lane.writer is not None for lane in lanes))
        # The last two milliseconds are a busy wait, so that no process oversleeps the common moment.
        await asyncio.sleep(moment - time.monotonic() - 0.002)
        while time.monotonic() < moment:
            pass
        for lane in lanes:
            lane.write(lane.first_bytes)
        await asyncio.gather(*(lane.carry() for lane in lanes))
        return [exchange for lane in lanes for exchange in lane.exchanges]

    return asyncio.run(run())


class Lane:
    """One play and its connection. sent: when the request under way was first sent, 0 before."""

    def __init__(self, address: tuple[str, int], play: Play, reply_seconds: float) -> None:
        self.address, self.play, self.reply_seconds = address, play, reply_seconds
        self.first = next(play)
        self.first_bytes = self.first.encoded() if isinstance(self.first, Send) else b""
        self.exchanges: list[Exchange] = []
        self.reader = asyncio.StreamReader()
        self.writer: asyncio.StreamWriter | None = None
        self.sent = self.answered = 0.0
        self.written = False

    async def open(self, show_key: bool) -> None:
        """Opens the connection before the release, and shows the key of the first request by another request."""
        if not isinstance(self.first, Send):
            return
        await self.connect(self.first.address)
        if show_key and self.writer:
            self.writer.write(request_bytes("GET", "/policy", key=self.first.key))
            try:
                await self._reply()
            except OSError:
                self.hang_up()

    async def connect(self, own: str = "") -> None:
        """own: the client's address."""
        local = (own, 0) if own else None
        self.reader, self.writer = await asyncio.open_connection(*self.address, local_addr=local)

    def hang_up(self) -> None:
        """Closes the connection, once all that was written is sent."""
        if self.writer:
            self.writer.close()
        self.writer, self.written = None, False

    def write(self, request: bytes) -> None:
        """Sends a request at once, if the connection is open."""
        if self.writer and request:
            self.sent = self.sent or time.monotonic()
            self.writer.write(request)
            self.written = True

    async def carry(self) -> None:
        """The play from its first step to its end."""
        step = self.first
        with contextlib.suppress(StopIteration):
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.left)
                    step = next(self.play)
                else:
                    self.exchanges.append(await self._exchange(step))
                    step = self.play.send(self.exchanges[-1])
        self.hang_up()

    async def _exchange(self, send: Send) -> Exchange:
        """One request to its answer, over as many connections as it takes."""
        reply, attempt = None, 1
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with asyncio.timeout(self.reply_seconds):
                    reply = await self._ask(send)
                break
            except TimeoutError:
                break
            except OSError:
                self.hang_up()
                await asyncio.sleep(RECONNECT_SECONDS * attempt)
        self.answered = time.monotonic()
        if reply is None or CLOSED in reply.head or reply.status == NOT_HTTP:
            self.hang_up()
        exchange = Exchange.of(send, self.sent or self.answered, self.answered, reply=reply, attempts=attempt)
        self.sent, self.written = 0.0, False
        return exchange

    async def _ask(self, send: Send) -> Reply | None:
        """The reply to a request, which is sent unless that is done; None where the client hangs up. Raises OSError."""
        if not self.written:
            if self.answered and time.monotonic() - self.answered > STALE_SECONDS:
                self.hang_up()
            if not self.writer:
                await self.connect(send.address)
            self.write(send.encoded())
        return None if send.drop else await self._reply()

    async def _reply(self) -> Reply:
        inbox = bytearray()
        while True:
            data = await self.reader.read(65536)
            if not data:
                raise ConnectionError("the server hung up before its reply")
            inbox += data
            try:
                reply = take_reply(inbox)
            except WireError:
                return Reply(NOT_HTTP, b"", bytes(inbox[:200]))
            if reply:
                return reply
