"""What a player does next, and what came of it: the vocabulary between the players and the crowd that carries them."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from scripts.load.client.wire import Reply, request_bytes

NO_ANSWER = 0  # the status of a request whose reply never came: its outcome is unknown


@dataclass(frozen=True, slots=True)
class Send:
    """One request.

    logical: names the request across its repeats (`17:book`); asked: the slot that it wants, or what it acts on;
    drop: send it and hang up before the reply; address: the client's, where it is another than this machine's own.
    """

    operation: str
    logical: str
    client: str
    method: str
    path: str
    key: str
    body: dict[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    asked: dict[str, Any] = field(default_factory=dict)
    drop: bool = False
    address: str = ""

    def encoded(self) -> bytes:
        return request_bytes(self.method, self.path, key=self.key, body=self.body, headers=self.headers)


@dataclass(frozen=True, slots=True)
class Pause:
    """The player thinks for so many seconds, or until a moment of the monotonic clock."""

    seconds: float = 0.0
    until: float | None = None

    @property
    def left(self) -> float:
        return self.seconds if self.until is None else max(0.0, self.until - time.monotonic())


@dataclass(slots=True)
class Exchange:
    """One request and its answer. sent, received: seconds on the machine's monotonic clock, one for all processes.

    token: the bearer credential of the answer, for a player that goes on with it; it is printed nowhere.
    """

    operation: str
    logical: str
    client: str
    asked: dict[str, Any]
    sent: float
    received: float
    status: int = NO_ANSWER
    reply: dict[str, Any] = field(default_factory=dict)
    dropped: bool = False
    attempts: int = 1
    token: str = field(default="", repr=False)
    address: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def unknown(self) -> bool:
        """Whether it may or may not have been carried out: no answer, or a store that failed on the way."""
        return self.status in (NO_ANSWER, 503)

    @property
    def undecided(self) -> bool:
        """Whether a later answer to the same request may differ."""
        return self.unknown or self.code == "request_in_progress"

    @property
    def code(self) -> str:
        """The stable word of a refusal; the status where there is none."""
        return str(self.reply.get("code") or self.status)

    @property
    def tag(self) -> str:
        return self.logical.partition(":")[0]

    @property
    def milliseconds(self) -> float:
        return (self.received - self.sent) * 1000

    @classmethod
    def of(cls, send: Send, sent: float, received: float, *, reply: Reply | None = None, attempts: int = 1) -> Exchange:
        """Records an answer, or the lack of one. Bearer credentials stay out of `reply`."""
        exchange = cls(send.operation, send.logical, send.client, send.asked, sent, received, attempts=attempts)
        exchange.dropped, exchange.address = send.drop, send.address
        if reply is not None:
            exchange.status, exchange.reply = reply.status, reply.json()
            exchange.token = str(exchange.reply.pop("manage_token", None) or "")
        return exchange


Play = Generator[Send | Pause, Exchange | None, None]
"""A player at work: yields what it does next, receives the Exchange that came of a Send."""
