"""The background process that finishes what a dead worker left. Any number may run; each piece of work is leased.

It follows MongoDB's change stream, so the database's own log is the outbox: every change of a booking is mirrored once
more (nothing to do where its worker already did), every change of a catalogue makes a new epoch. It resolves overdue
pins, expires overdue reservations, makes the waitlist's offers and rebuilds the mirror after Redis was lost or
restarted. Whatever fails is tried again; nothing here is needed for rules 1 and 2.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from pymongo.errors import OperationFailure

from models.booking import Booking
from models.errors import StoreUnavailable
from services.claims.epochs import Epochs
from services.claims.mirror import Mirror
from services.ledger.expiry import Reservations
from services.observability import Metrics
from services.relay.change_feed import Change, ChangeFeed, FeedLost
from services.relay.rebuild import Pins, Rebuild
from services.relay.redis_runs import RedisRuns
from services.stores.faults import StoreTrouble
from services.stores.leases import Leases
from services.waitlist.rounds import Offers

log = structlog.get_logger("holdfast.relay")

PAUSE_SECONDS = 0.3


class Relay:
    """Runs the background work until it is told to stop."""

    def __init__(
        self,
        *,
        feed: ChangeFeed,
        leases: Leases,
        mirror: Mirror,
        epochs: Epochs,
        rebuild: Rebuild,
        pins: Pins,
        reservations: Reservations,
        redis_runs: RedisRuns,
        offers: Offers,
        find: Callable[[str, str], Booking | None],
        orgs: Callable[[], list[str]],
        metrics: Metrics,
    ) -> None:
        self._feed = feed
        self._leases = leases
        self._mirror = mirror
        self._epochs = epochs
        self._rebuild = rebuild
        self._pins = pins
        self._reservations = reservations
        self._redis_runs = redis_runs
        self._offers = offers
        self._find = find
        self._orgs = orgs
        self._metrics = metrics
        self._trouble = StoreTrouble()
        self._stop = threading.Event()

    def run(self) -> None:
        """Works until `stop`. What may take long has a thread of its own, so that nothing else waits for it."""
        beside = [
            threading.Thread(target=self._repeat, args=(work,), name=work.__name__, daemon=True)
            for work in (self.follow, self.offer)
        ]
        for thread in beside:
            thread.start()
        self._repeat(self.tend)
        for thread in beside:
            thread.join(timeout=5)
        self._guarded(self._leases.give_up)

    def stop(self) -> None:
        self._stop.set()

    def tend(self) -> None:
        """One round of everything that is due by now, for every org; what fails keeps nothing else from being done."""
        if self._leases.hold("tend"):
            for work in (self.expire, self.mend_mirrors, self.resolve_pins):
                self._guarded(work)

    def expire(self) -> None:
        """Expires reservations whose deadline is over. It needs MongoDB alone."""
        self._count("reservation_expired", self._reservations.expire_overdue())

    def mend_mirrors(self) -> None:
        """Rebuilds the mirrors that are not whole or not to be trusted."""
        orgs = self._orgs()
        self._distrust_after_restart(orgs)
        for org in self._epochs.missing(orgs):
            self._rebuild.run(org)
            self._count("mirror_rebuilt")

    def resolve_pins(self) -> None:
        """Finds out what became of confirmations and moves whose worker never said."""
        for org in self._orgs():
            self._count("pin_resolved", self._pins.resolve_overdue(org))

    def _distrust_after_restart(self, orgs: list[str]) -> None:
        runs, noted = self._redis_runs.current(), self._redis_runs.noted()
        if runs == noted:
            return
        if noted is not None:
            log.warning("redis_restarted")
            for org in orgs:
                self._epochs.remove(org)
        # Only now, so that whoever fails on the way notices again.
        self._redis_runs.note(runs)

    def follow(self) -> None:
        """Mirrors changes as they come, from where the last relay stopped, until the lease is lost or `stop`."""
        while not self._stop.is_set() and self._leases.hold("changes"):
            self.carry_over_changes()
            self._stop.wait(PAUSE_SECONDS)

    def offer(self) -> None:
        """Settles and makes the waitlist's offers, by leases of their own."""
        self._offers.tend()

    def carry_over_changes(self) -> None:
        """Carries over what changed since the saved place."""
        try:
            for changes in self._feed.read():
                self._carry_over(changes)
        except FeedLost:
            log.warning("change_feed_lost")
            self._mirror_anew()

    def _mirror_anew(self) -> None:
        """Mirrors everything, since no saved place says what in the log is new.

        The new place is from before the first read, so that no change falls between the two; and it is saved last, so
        that whoever fails on the way finds the old one lost again and starts over.
        """
        place, orgs = self._feed.present(), self._orgs()
        for org in orgs:
            self._epochs.remove(org)
        for org in orgs:
            self._rebuild.run(org)
        self._feed.go_on_from(place)

    def _carry_over(self, changes: list[Change]) -> None:
        """What its worker has mirrored already, as it mostly has, costs a share of one round trip and no more."""
        for org in {change.org for change in changes if change.booking_id is None}:
            self._mirror.announce_catalogue_change(org)
            self._count("catalogue_announced")
        booked = [change for change in changes if change.booking_id is not None]
        known = self._mirror.versions([(change.org, str(change.booking_id)) for change in booked])
        for change, version in zip(booked, known, strict=True):
            booking = self._find(change.org, str(change.booking_id)) if version < change.version else None
            if booking:
                self._mirror.settle(booking)
                self._count("booking_mirrored")

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            self._guarded(work)

    def _count(self, action: str, times: int = 1) -> None:
        self._metrics.relay.labels(action).inc(times)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Work that failed because a store did not answer is simply due again; so is what failed by a fault of ours."""
        try:
            with self._trouble.watch():
                work()
        except StoreUnavailable:
            log.warning("relay_waits_for_store", work=work.__name__)
            self._count("waited_for_store")
        except OperationFailure as error:
            log.warning("relay_waits_for_store", work=work.__name__, store_code=error.code)
        except Exception:
            log.exception("relay_fault", work=work.__name__)
            self._count("failed")
