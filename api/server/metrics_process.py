"""The process that serves the metrics, kept alive by gunicorn's arbiter."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

AGAIN_SECONDS = 2.0
"""So long after one start the next one may be. A process that cannot run must not keep the arbiter busy."""


class MetricsProcess:
    """Runs `api.server.metrics_port` on this address. Made in the arbiter, whose `manage_workers` it joins.

    monotonic: seconds that never go back.
    """

    def __init__(self, host: str, port: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._command = [sys.executable, "-m", "api.server.metrics_port", host, port]
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = float("-inf")

    def join(self, arbiter: Any) -> None:
        """Starts it now, and whenever the arbiter looks after its workers and finds it dead: at each end of a child,
        and once a second. gunicorn has no hook for that."""
        manage_workers = arbiter.manage_workers

        def manage_all() -> None:
            manage_workers()
            self.keep_alive()

        self.keep_alive()
        arbiter.manage_workers = manage_all

    def keep_alive(self) -> None:
        """Starts the process unless it runs or was started just now."""
        now = self._monotonic()
        if now - self._started_at < AGAIN_SECONDS or (self._process is not None and self._process.poll() is None):
            return
        self._started_at = now
        self._process = subprocess.Popen(self._command)  # noqa: S603  # the command is fixed

    def end(self) -> None:
        """Ends the process for good."""
        if self._process is not None:
            self._process.terminate()
