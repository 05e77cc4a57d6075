"""The background process that finishes the work of dead workers. Any number may run; each piece of work has a lease.

It follows MongoDB's change stream, so the database's own log is the outbox: it mirrors every change of a booking once
more (its worker has mostly done so already), and gives an org a new epoch at every change of its catalogue. It also
resolves overdue pins, expires overdue reservations, makes the waitlist's offers, keeps the customers, sends webhooks
what changed, and rebuilds the mirror after Redis restarted or lost its data. It tries again what fails. Bookings stay
safe, and never double, without it.

Work in Redis has a lease for each Redis: while a network splits, two masters may serve, and both need a relay. To name
its Redis a relay has to reach it, so one that does not takes no such lease.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

from models.booking import Booking
from models.errors import StoreUnavailable
from services.claims.epochs import Epochs
from services.claims.mirror import Mirror
from services.ledger.expiry import Reservations
from services.observability import Metrics
from services.outbox.deliveries import Deliveries
from services.relay.change_feed import Change, ChangeFeed
from services.relay.customers import CustomerRounds
from services.relay.news import NewsRounds
from services.relay.rebuild import Pins, Rebuild
from services.stores.faults import StoreTrouble
from services.stores.leases import Leases
from services.waitlist.rounds import Offers

log = structlog.get_logger()

PAUSE_SECONDS = 0.3
LONGER_PAUSE_SECONDS = 0.5
"""For work that may wait a little: a booking's customer is there within a second. Fewer rounds cost the stores less."""


class Relay:
    """Does the background work until `stop`."""

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
        redis: Callable[[], str],
        offers: Offers,
        customers: CustomerRounds,
        news: NewsRounds,
        deliveries: Deliveries,
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
        self._redis = redis
        self._offers = offers
        self._customers = customers
        self._news = news
        self._deliveries = deliveries
        self._find = find
        self._orgs = orgs
        self._metrics = metrics
        self._trouble = StoreTrouble()
        self._stop = threading.Event()

    def run(self) -> None:
        """Works until `stop`. Work that may take long has its own thread, so that nothing else waits for it."""
        beside = [
            threading.Thread(target=self._repeat, args=(work, pause), name=work.__name__, daemon=True)
            for work, pause in (
                *((each, PAUSE_SECONDS) for each in (self.follow, self.offer, self.follow_news, self.deliver)),
                (self.keep_customers, LONGER_PAUSE_SECONDS),
            )
        ]
        for thread in beside:
            thread.start()
        self._repeat(self.tend, LONGER_PAUSE_SECONDS)
        for thread in beside:
            thread.join(timeout=5)
        self._guarded(self._leases.give_up)

    def stop(self) -> None:
        """Lets `run` and `follow` end after the work in progress."""
        self._stop.set()

    def tend(self) -> None:
        """One round of all work that is due, for every org. A failure in one piece of work does not stop the others."""
        self._guarded(self.expire)
        if self._leases.hold(f"tend:{self._redis()}"):
            for work in (self.mend_mirrors, self.resolve_pins):
                self._guarded(work)

    def expire(self) -> None:
        """Expires reservations whose deadline is over. It needs only MongoDB."""
        if self._leases.hold("expire"):
            self._count("reservation_expired", self._reservations.expire_overdue())

    def mend_mirrors(self) -> None:
        """Rebuilds the mirrors that are incomplete."""
        for org in self._epochs.missing(self._orgs()):
            self._rebuild.run(org)
            self._count("mirror_rebuilt")

    def resolve_pins(self) -> None:
        """Finds out how confirmations and moves ended whose worker died."""
        for org in self._pins.of_orgs(self._orgs()):
            self._count("pin_resolved", self._pins.resolve_overdue(org))

    def follow(self) -> None:
        """Mirrors changes as they come, from where the last relay stopped, until it loses the lease or `stop`."""
        while not self._stop.is_set() and self._leases.hold(f"changes:{self._redis()}"):
            self.carry_over_changes()
            self._stop.wait(PAUSE_SECONDS)

    def offer(self) -> None:
        """Settles and makes the waitlist's offers, which have leases of their own."""
        self._offers.tend()

    def keep_customers(self) -> None:
        """Finds or makes the customers of bookings. It needs only MongoDB."""
        self._customers.tend()

    def follow_news(self) -> None:
        """Makes the entries of the outbox. It needs only MongoDB."""
        self._news.tend()

    def deliver(self) -> None:
        """Sends what is due in the outbox, whose entries have leases of their own."""
        self._deliveries.tend()

    def carry_over_changes(self) -> None:
        """Mirrors what changed since the resume token of this Redis."""
        self._feed.follow(self._carry_over, self._distrust_mirrors)

    def _distrust_mirrors(self) -> None:
        """Leaves every mirror to a rebuild, because without a resume token nothing says which changes are new."""
        log.warning("mirrors_distrusted")
        for org in self._orgs():
            self._epochs.remove(org)

    def _carry_over(self, changes: list[Change]) -> None:
        """A change that its worker has mirrored, as it mostly has, costs only its share of one round trip."""
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

    def _repeat(self, work: Callable[[], None], pause: float) -> None:
        while not self._stop.wait(pause):
            self._guarded(work)

    def _count(self, action: str, times: int = 1) -> None:
        self._metrics.relay.labels(action).inc(times)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Logs and counts a failure, and lets other relays try. The work stays due, so a later round tries it again."""
        try:
            with self._trouble.watch():
                work()
        except StoreUnavailable:
            log.warning("relay_waits_for_store", work=work.__name__)
            self._count("waited_for_store")
        except Exception:
            log.exception("relay_fault", work=work.__name__)
            self._count("failed")
        else:
            return
        with suppress(StoreUnavailable):  # without MongoDB the leases end by themselves
            self._leases.give_up()
