"""Keeps the customers of bookings up to date, along MongoDB's log.

It needs no Redis, and has a resume token of its own: a Redis that is lost concerns no customer. Without the token, at
the very first start too, changes may have been missed. Then it also walks over all bookings, some at each round.
"""

from __future__ import annotations

import structlog

from services.customers.registry import Registry
from services.observability import Metrics
from services.relay.change_feed import Change, ChangeFeed
from services.stores.leases import Leases

log = structlog.get_logger()

NAME = "customers"
"""Of the lease, and of the resume token."""


class CustomerRounds:
    """One relay at a time does a round. Where the lease ends in the middle of one, two do no harm."""

    def __init__(self, feed: ChangeFeed, leases: Leases, registry: Registry, metrics: Metrics) -> None:
        self._feed = feed
        self._leases = leases
        self._registry = registry
        self._metrics = metrics

    def tend(self) -> None:
        """Finds or makes the customers of the bookings that changed since the last round, and walks on. Raises
        StoreUnavailable; the next round then does the same again."""
        if self._leases.hold(NAME):
            self._feed.follow(self._keep, self._begin_walk)
            self._count(self._registry.walk())

    def _keep(self, changes: list[Change]) -> None:
        self._count(self._registry.keep({change.booking_id for change in changes if change.booking_id is not None}))
        self._leases.hold(NAME)

    def _begin_walk(self) -> None:
        self._registry.begin_walk()
        log.info("customers_walk_begun")

    def _count(self, kept: int) -> None:
        self._metrics.relay.labels("customer_kept").inc(kept)
