"""The parts that several others need, each built once."""

from __future__ import annotations

from pymongo.database import Database
from redis import Redis

from services.access.authentication import Access
from services.availability.candidates import Candidates
from services.availability.day_counts import DayCounts
from services.availability.reading import Readings
from services.availability.slots import Availability
from services.catalogue.announcing import Announcing
from services.catalogue.editor import CatalogueDesk
from services.catalogue.reader import Catalogue
from services.catalogue.service_desk import ServiceDesk
from services.catalogue.unit_desk import UnitDesk
from services.claims.claims import Claims
from services.claims.events import OfferEvents
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.clock import Clock
from services.crash_points import crash_at
from services.customers.registry import Registry
from services.customers.store import CustomerStore
from services.holds.placing import Placing
from services.ids import HoldIds, WaitlistIds, WebhookSecrets
from services.ledger.customer_visits import CustomerVisits
from services.ledger.expiry import Reservations
from services.ledger.store import BookingStore
from services.observability import Metrics
from services.outbox.posting import Posting
from services.settings import Settings
from services.stores.connections import Document
from services.stores.leases import Leases
from services.timetable.grid import Grid
from services.waitlist.openings import Openings
from services.waitlist.store import WaitlistStore


class Parts:
    """The parts that several others need."""

    def __init__(self, settings: Settings, clock: Clock, redis: Redis, db: Database[Document]) -> None:
        secret = settings.secret.get_secret_value()
        self.settings, self.clock, self.redis, self.db = settings, clock, redis, db
        self.crash = crash_at(settings.crash_point)
        self.metrics = Metrics()
        self.grid = Grid(settings.grid_minutes)
        self.scripts = Scripts(redis)
        self.hold_ids, self.waitlist_ids = HoldIds(secret), WaitlistIds(secret)
        self.webhook_secrets = WebhookSecrets(secret)
        self.posting = Posting(allow_private=settings.webhook_allow_private)
        self.access = Access(db, secret, clock)
        self.catalogue, self.leases = Catalogue(db), Leases(db)
        self.claims = Claims(redis, self.scripts, confirm_window_ms=settings.confirm_window_ms)
        self.store = BookingStore(
            db, settings.grid_minutes, self.crash, self.metrics.batches.observe, settings.mongo_seconds
        )
        self.mirror = Mirror(redis, self.scripts, self.grid, self.store.find)
        self.reservations = Reservations(self.store, self.mirror)
        self.candidates = Candidates(self.grid)
        self.readings = Readings(self.catalogue, self.mirror, self.store, clock)
        self.availability = Availability(self.readings, self.candidates, self.grid)
        self.day_counts = DayCounts(self.readings, self.availability, self.grid, clock)
        self.placing = Placing(
            claims=self.claims,
            mirror=self.mirror,
            catalogue=self.catalogue,
            candidates=self.candidates,
            store=self.store,
            reservations=self.reservations,
            availability=self.availability,
            hold_ids=self.hold_ids,
            grid=self.grid,
        )
        self._add_desks(settings.grid_minutes)
        self.waitlist_store = WaitlistStore(db)
        self.openings = Openings(
            availability=self.availability,
            candidates=self.candidates,
            catalogue=self.catalogue,
            grid=self.grid,
            clock=clock,
        )
        self.customers, self.customer_visits = CustomerStore(db), CustomerVisits(db)
        self.registry = Registry(self.customers, self.customer_visits)
        self.offer_events = OfferEvents(redis, self.scripts)

    def _add_desks(self, minutes: int) -> None:
        """What writes the catalogue."""
        self.announcing = Announcing(self.catalogue, self.mirror.announce_catalogue_change)
        self.unit_desk = UnitDesk(self.db, self.clock, announcing=self.announcing)
        self.catalogue_desk = CatalogueDesk(
            self.db, self.clock, announcing=self.announcing, units=self.unit_desk, grid_minutes=minutes
        )
        self.service_desk = ServiceDesk(
            self.db, self.clock, announcing=self.announcing, policy=self.catalogue_desk.get_policy, grid_minutes=minutes
        )
