"""The one reader of a process: it asks Redis what is new in the orgs that have open streams, and lets the hub send it.

It works in a thread of its own while there are streams, and ends with the last of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from models.errors import StoreUnavailable
from services.claims.live_events import LiveEvents, Read, Row
from services.live.hub import Hub
from services.live.views import ticks
from services.observability import Metrics

log = structlog.get_logger("holdfast.live")

EVERY_SECONDS: Final = 0.1
"""What comes within this time is sent together."""
WAIT_SECONDS: Final = 0.2
"""So long Redis keeps a question for new events. An org whose first stream opens meanwhile is in the next one."""
CHECK_SECONDS: Final = 1.0
"""How often the reader looks whether Redis still has what was read last."""
PING_SECONDS: Final = 15.0
REST_SECONDS: Final = 0.5
"""How long the reader waits when Redis does not answer."""


class Reader:
    """`changed` is called with an org and its new epoch when its catalogue has changed."""

    def __init__(self, events: LiveEvents, hub: Hub, metrics: Metrics, changed: Callable[[str, str], None]) -> None:
        self._events = events
        self._hub = hub
        self._metrics = metrics
        self._changed = changed
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._read_at = self._checked_at = self._pinged_at = 0.0

    def ensure(self) -> None:
        """Starts to read, unless it reads already."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._read_on, name="live", daemon=True)
                self._thread.start()

    def _read_on(self) -> None:
        while self._is_needed():
            try:
                self.round()
            except StoreUnavailable:  # it is logged already
                time.sleep(REST_SECONDS)
            except Exception:  # this thread must go on, or no client would learn anything any more
                log.exception("live_events_unread")
                time.sleep(REST_SECONDS)

    def _is_needed(self) -> bool:
        with self._starting:
            if self._hub.count == 0:
                self._thread = None
            return self._thread is not None

    def round(self) -> None:
        """Waits a moment for new events, and sends them. Raises StoreUnavailable."""
        self._hub.flush()
        self._ping()
        woken = self._events.wait(self._hub.positions(), WAIT_SECONDS)
        if woken:
            time.sleep(max(0.0, self._read_at + EVERY_SECONDS - time.monotonic()))
        self._read_at = now = time.monotonic()
        positions = self._hub.positions()
        if now - self._checked_at < CHECK_SECONDS:
            positions = {org: positions[org] for org in woken if org in positions}
        else:
            self._checked_at = now
        for org, read in self._events.behind(positions).items():
            self._take(org, read)

    def _take(self, org: str, read: Read) -> None:
        if read.rows is None:
            self._hub.reset(org, self._events.newest(org), "lost")
            log.warning("live_events_lost", org=org)
        else:
            self._hub.deliver(org, read.rows)
            self._measure(read.rows)
        if read.epoch is not None and self._hub.saw_epoch(org, read.epoch):
            self._changed(org, read.epoch)

    def _ping(self) -> None:
        if time.monotonic() - self._pinged_at >= PING_SECONDS:
            self._pinged_at = time.monotonic()
            self._hub.ping()

    def _measure(self, rows: list[Row]) -> None:
        now = time.time()
        for event_id, _ in rows:
            self._metrics.live_delay.observe(max(0.0, now - ticks(event_id)[0] / 1000))
