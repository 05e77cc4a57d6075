"""The clock of the services: a function that gives the present, and that tests replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

Clock = Callable[[], datetime]
"""Gives the present as an aware UTC time."""


utc_now: Final[Clock] = partial(datetime.now, UTC)
"""The present as an aware UTC time."""


def now_ms(clock: Clock) -> int:
    """The present in whole milliseconds since the Unix epoch."""
    return int(clock().timestamp() * 1000)
