"""Asks several servers at once, and remembers for a moment that none answered, so that not each call waits again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from queue import Queue
from typing import TypeVar

from redis.exceptions import RedisError

SECONDS = 1.0

Server = TypeVar("Server")
Answer = TypeVar("Answer")


def answers_of(servers: Collection[Server], ask: Callable[[Server], Answer | None]) -> Iterator[Answer]:
    """The answers as they come, without None and without those that fail with a RedisError.

    It ends once each server has answered or failed, so `ask` needs a time-out.
    """
    answers: Queue[Answer | None] = Queue()

    def put(server: Server) -> None:
        answer: Answer | None = None
        try:
            with suppress(RedisError):
                answer = ask(server)
        finally:
            answers.put(answer)

    for server in servers:
        threading.Thread(target=put, args=[server], name="asks", daemon=True).start()
    for _ in servers:
        answer = answers.get()
        if answer is not None:
            yield answer


class Silence:
    """What one client knows about its servers: they answer, or they did not a moment ago.

    monotonic: seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until: float | None = None

    def lasts(self) -> bool:
        """Whether to ask nothing now. After SECONDS one caller gets False and asks; the others go on with True."""
        now = self._monotonic()
        if self._until is None:
            return False
        if now < self._until:
            return True
        self._until = now + SECONDS
        return False

    def is_known(self) -> bool:
        """Whether no server has answered since one was silent."""
        return self._until is not None

    def begin(self) -> None:
        """No server answered."""
        self._until = self._monotonic() + SECONDS

    def end(self) -> None:
        """A server answered."""
        self._until = None
