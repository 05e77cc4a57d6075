"""Remembers for a moment that servers did not answer, so that not each call waits for them again."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 1.0


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
