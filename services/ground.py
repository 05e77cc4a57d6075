"""What everything else stands on: the stores, and the parts that own something in them. Put together once a process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pymongo.database import Database
from redis import Redis

from services.access.authentication import Access
from services.availability.candidates import Candidates
from services.availability.slots import Availability
from services.catalogue.reader import Catalogue
from services.claims.claims import Claims
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.crash_points import crash_at
from services.holds.placing import Placing
from services.ids import HoldIds, WaitlistIds
from services.ledger.expiry import Reservations
from services.ledger.store import BookingStore
from services.observability import Metrics
from services.settings import Settings
from services.stores.connections import Document
from services.timetable.grid import Grid
from services.waitlist.store import WaitlistStore


class Ground:
    """The parts that several others are given."""

    def __init__(
        self, *, settings: Settings, clock: Callable[[], datetime], redis: Redis, db: Database[Document]
    ) -> None:
        secret = settings.secret.get_secret_value()
        self.clock, self.redis, self.db = clock, redis, db
        self.crash = crash_at(settings.crash_point)
        self.metrics = Metrics()
        self.grid = Grid(settings.grid_minutes)
        self.scripts = Scripts(redis)
        self.claims = Claims(redis, self.scripts, confirm_window_ms=settings.confirm_window_ms)
        self.store = BookingStore(db, settings.grid_minutes)
        self.hold_ids = HoldIds(secret)
        self.mirror = Mirror(redis, self.scripts, self.grid, clock, self.store.find)
        self.access = Access(db, secret, clock)
        self.catalogue = Catalogue(db)
        self.candidates = Candidates(self.catalogue, self.grid, clock)
        self.availability = Availability(
            self.catalogue, self.candidates, self.grid, self.mirror, self.store, clock=clock
        )
        self.reservations = Reservations(self.store, self.mirror, clock)
        self.placing = Placing(
            claims=self.claims,
            mirror=self.mirror,
            catalogue=self.catalogue,
            access=self.access,
            candidates=self.candidates,
            reservations=self.reservations,
            openings=self.availability.openings,
            grid=self.grid,
        )
        self.waitlist_store = WaitlistStore(db)
        self.waitlist_ids = WaitlistIds(secret)
