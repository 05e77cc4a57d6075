"""How many bookings a client address may make on a day with the publishable key, while Redis cannot count them.

Each process counts its own: together they may admit as many more as there are processes. Redis does not learn of these
bookings afterwards.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

from models.access import Caller
from models.catalogue import Policy
from services.claims.quotas import address_of, day_refusal
from services.clock import Clock
from services.observability import Metrics


class DailyShare:
    """The bookings that this process counted on this UTC day. Threads and greenlets may share it."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._day = date.min
        self._made: Counter[tuple[str, str]] = Counter()
        self._changing = threading.Lock()

    def take(self, caller: Caller, policy: Policy) -> None:
        """Counts one booking with the publishable key, of other keys none. RateLimited if the address has its share."""
        most, name = policy.public_bookings_per_address_per_day, _name(caller)
        if most is None or not caller.is_public:
            return
        with self._changing:
            now = self._clock()
            if now.date() != self._day:
                self._day = now.date()
                self._made.clear()
            if self._made[name] >= most:
                raise day_refusal(most, _rest_of_day_ms(now))
            self._made[name] += 1
        self._metrics.limiter_failures.inc()

    def give_back(self, caller: Caller) -> None:
        """Takes back one that was counted, because no booking was made."""
        with self._changing:
            self._made[_name(caller)] -= 1
            self._made += Counter()  # drops the names that have none


def _name(caller: Caller) -> tuple[str, str]:
    return caller.org, address_of(caller)


def _rest_of_day_ms(now: datetime) -> int:
    midnight = datetime.combine(now.date() + timedelta(days=1), time.min, UTC)
    return int((midnight - now) / timedelta(milliseconds=1))
