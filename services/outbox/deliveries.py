"""Sends the entries of the outbox, many at once, and decides when one that failed is tried again.

Each queue, a webhook or a kind of message, has a share of the threads (see Shares). Memory holds only what is being
sent.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, assert_never

import structlog

from models.errors import StoreUnavailable
from services.crash_points import CrashPoints
from services.observability import Metrics
from services.outbox.entries import Again, Channel, Courier, Dead, Delivered, Entry, NotYet, Outcome, Suppressed
from services.outbox.shares import MOST_PER_QUEUE, MOST_TO_WEBHOOKS, Shares
from services.outbox.store import Leased, OutboxStore

log = structlog.get_logger()

FIRST_DELAY_SECONDS: Final = 5.0
LONGEST_DELAY_SECONDS: Final = 3600.0
ROUND_SECONDS: Final = 1.0
"""A call of `tend` ends about then, so that a relay can stop."""
COUNT_EVERY_SECONDS: Final = 15.0
LOOK_EVERY_SECONDS: Final = 0.3
"""How often it looks for more that is due while something is being sent."""


class Deliveries:
    """Any number of relays may send at the same time, because each entry has a lease.

    counts: how many entries there are, by state.
    uniform: a random number between two others, as random.uniform gives it.
    """

    def __init__(
        self,
        *,
        store: OutboxStore,
        couriers: Mapping[Channel, Courier],
        counts: Callable[[], dict[str, int]],
        metrics: Metrics,
        crash: CrashPoints,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._store = store
        self._couriers = couriers
        self._counts = counts
        self._metrics = metrics
        self._crash = crash
        self._uniform = uniform
        own = couriers.keys() - {"webhook"}
        self._shares = Shares(own, uniform)
        self._counted = float("-inf")
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(MOST_TO_WEBHOOKS + len(own) * MOST_PER_QUEUE, thread_name_prefix="courier")

    def tend(self) -> None:
        """Sends what is due, for about a second; less, where nothing is. Raises StoreUnavailable."""
        until, ended = time.monotonic() + ROUND_SECONDS, self._shares.ended
        while self._begin_due() and time.monotonic() < until:
            ended = self._wait_for_another_end(ended)
        if time.monotonic() - self._counted > COUNT_EVERY_SECONDS:
            self._counted = time.monotonic()
            for state, count in self._counts().items():
                self._metrics.outbox_entries.labels(state).set(count)

    def _wait_for_another_end(self, seen: int) -> int:
        """Waits until more attempts have ended than were seen, but not long. Gives how many have."""
        with self._changed:
            self._changed.wait_for(lambda: self._shares.ended != seen, LOOK_EVERY_SECONDS)
            return self._shares.ended

    def settle(self, seconds: float) -> bool:
        """Waits until what was begun has ended; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._shares.busy, seconds)

    def _begin_due(self) -> int:
        """Begins to send what is due, and gives how much is being sent."""
        queues = self._store.queues()
        with self._changed:
            queues = self._shares.in_turn(queues)
        for queue in queues:
            with self._changed:
                room = self._shares.room(queue)
            for leased in self._store.lease(queue, room) if room else ():
                self._crash("after_entry_lease")
                with self._changed:
                    attempt = self._shares.begin(queue)
                self._pool.submit(self._work, queue, leased, attempt)
        with self._changed:
            return self._shares.busy

    def _work(self, queue: str, leased: Leased, attempt: int) -> None:
        took = False
        try:
            outcome = self._send(leased.entry)
            took = not isinstance(outcome, Again)
            self._crash("after_entry_sent")
            self._note(leased, outcome)
            self._crash("after_entry_end")
        except StoreUnavailable:  # the lease ends by itself, and the entry is sent again
            log.warning("entry_outcome_not_noted", entry_id=leased.entry.id, channel=leased.entry.channel)
        except Exception:
            log.exception("entry_fault", entry_id=leased.entry.id, channel=leased.entry.channel)
        finally:
            with self._changed:
                self._shares.end(queue, attempt, took=took)
                self._changed.notify_all()

    def _send(self, entry: Entry) -> Outcome:
        try:
            return self._couriers[entry.channel].send(entry)
        except StoreUnavailable:
            return Again({"error": "store_unavailable"})
        except Exception as error:
            log.exception("courier_fault", entry_id=entry.id, channel=entry.channel)
            return Again({"error": type(error).__name__})

    def _note(self, leased: Leased, outcome: Outcome) -> None:
        """Writes down how an attempt ended."""
        match outcome:
            case NotYet(until):
                name = "held" if self._store.put_off(leased, until) else "lease_lost"
            case Again(detail, after_seconds):
                delay = self._delay(leased.entry.attempts, after_seconds)
                name = self._store.try_again(leased, detail, delay) or "lease_lost"
            case Delivered(detail):
                name = "delivered" if self._store.finish(leased, "delivered", detail) else "lease_lost"
            case Dead(detail):
                name = "dead" if self._store.finish(leased, "dead", detail) else "lease_lost"
            case Suppressed(detail):
                name = "suppressed" if self._store.finish(leased, "suppressed", detail) else "lease_lost"
            case _:
                assert_never(outcome)
        self._metrics.outbox_attempts.labels(leased.entry.channel, "failed" if name == "waiting" else name).inc()

    def _delay(self, attempts: int, after_seconds: float | None) -> float:
        """Seconds until the next attempt: any time up to a bound that doubles, or what the receiver asked for."""
        bound = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(attempts, 20))
        asked = min(after_seconds or 0.0, LONGEST_DELAY_SECONDS)
        return max(asked, self._uniform(0, bound))
