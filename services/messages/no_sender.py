"""Keeps messages of a channel that is switched off until it is on again, for a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from models.messages import MessageChannel
from services.clock import Clock
from services.messages.decisions import LATEST
from services.messages.source import DUE
from services.outbox.entries import Entry, NotYet, Outcome, Suppressed

log = structlog.get_logger()

LOOK_AGAIN: Final = timedelta(minutes=10)
"""When a relay asks again for an entry. One that has the channel on then sends it."""


class NoSender:
    """A Courier of the outbox for a channel without a sender. It says once that there is something to send."""

    def __init__(self, channel: MessageChannel, clock: Clock) -> None:
        self._channel = channel
        self._clock = clock
        self._said = False

    def send(self, entry: Entry) -> Outcome:
        if not self._said:
            self._said = True
            log.warning("messages_wait_for_a_sender", channel=self._channel)
        now = self._clock()
        if now > datetime.fromisoformat(entry.body[DUE]) + LATEST:
            return Suppressed({"reason": "channel_off"})
        return NotYet(now + LOOK_AGAIN)
