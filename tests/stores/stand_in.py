"""A stand-in for Redis, which a test makes answer late, in halves, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from redis import BlockingConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.stores.redis_lane import ScriptLane

PATIENCE = 10

CLOSE = b""
"""As any answer without its end, it is the last on its connection."""


def echo(words: list[str]) -> bytes:
    """The answer that names its command's last word."""
    return f"+{words[-1]}\r\n".encode()


class _Answering(StreamRequestHandler):
    def handle(self) -> None:
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                length = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(length + 2)[:-2].decode())
            self.server.heard.append(words[-1])
            answer = self.server.answer(words)
            with suppress(OSError):  # the client may have gone meanwhile
                self.wfile.write(answer)
            if not answer.endswith(b"\r\n"):
                return


class StandIn(ThreadingTCPServer):
    """answer: what it answers to a command's words. heard: the last word of each command that came."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, answer: Callable[[list[str]], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answer = answer
        self.heard: list[str] = []
        self.url = f"redis://127.0.0.1:{self.server_address[1]}/0"


@contextmanager
def stand_in(answer: Callable[[list[str]], bytes] = echo) -> Iterator[StandIn]:
    """A stand-in for the length of a `with` block."""
    with StandIn(answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def lane_to(url: str, seconds: float = PATIENCE) -> ScriptLane:
    """A lane like the product's, with another time-out."""
    options: dict[str, Any] = {"decode_responses": True, "protocol": 2, "driver_info": None}
    options |= {"socket_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
    return ScriptLane(BlockingConnectionPool.from_url(url, **options))
