"""The product, without HTTP. `build_services` is the only place where its parts are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo.database import Database
from redis import Redis

from services.access import Access
from services.availability import Availability
from services.booking_life import BookingLife
from services.booking_list import BookingList
from services.bookings import Bookings
from services.candidates import Candidates
from services.catalogue import Catalogue, org_ids
from services.catalogue_edit import CatalogueDesk
from services.change_feed import ChangeFeed
from services.confirming import Confirming
from services.connections import Document, connect_mongo, connect_redis
from services.crash_points import crash_at
from services.health import Health
from services.holds import Holds
from services.idempotency import Idempotency
from services.installation import prepare
from services.leases import Leases
from services.mirror import Mirror
from services.observability import Metrics
from services.placing import Placing
from services.rebuild import Pins, Rebuild
from services.relay import Relay
from services.restarts import Restarts
from services.scripts import Scripts
from services.settings import Settings
from services.slots import Slots
from services.store import BookingStore
from services.timegrid import Grid
from services.tokens import HoldIds
from services.warming import Warming

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a process of ours needs, built once after the fork."""

    settings: Settings
    clock: Clock
    grid: Grid
    redis: Redis
    db: Database[Document]
    access: Access
    catalogue: Catalogue
    catalogue_desk: CatalogueDesk
    candidates: Candidates
    availability: Availability
    holds: Holds
    bookings: Bookings
    booking_life: BookingLife
    idempotency: Idempotency
    health: Health
    metrics: Metrics
    warming: Warming
    relay: Relay

    def prepare(self) -> None:
        """Makes collections, validators and indexes; harmless if they are there. StoreUnavailable, GridChanged."""
        prepare(self.db, self.settings.grid_minutes)


def build_services(
    settings: Settings | None = None,
    *,
    redis: Redis | None = None,
    mongo: Database[Document] | None = None,
    clock: Clock | None = None,
    background: bool = False,
) -> Services:
    """Puts the product together. redis, mongo (a database) and clock are given by tests; else they come from settings.

    background: for a process that serves no requests, whose reads may take their time.
    """
    settings = settings or Settings()
    clock = clock or utc_now
    redis = redis if redis is not None else connect_redis(settings.redis_url)
    db = mongo if mongo is not None else _database(settings, background)
    secret = settings.secret.get_secret_value()
    crash = crash_at(settings.crash_point)
    grid, scripts = Grid(settings.grid_minutes), Scripts(redis)
    metrics = Metrics()
    slots = Slots(redis, scripts, confirm_window_ms=settings.confirm_window_ms)
    store, hold_ids = BookingStore(db, settings.grid_minutes), HoldIds(secret)
    mirror = Mirror(redis, scripts, grid, clock, store.find)
    access, catalogue = Access(db, secret, clock), Catalogue(db)
    candidates = Candidates(catalogue, grid, clock)
    availability = Availability(catalogue, candidates, grid, mirror, store)
    placing = Placing(
        slots=slots,
        mirror=mirror,
        catalogue=catalogue,
        access=access,
        candidates=candidates,
        store=store,
        openings=availability.openings,
        grid=grid,
    )
    confirming = Confirming(store=store, slots=slots, mirror=mirror, grid=grid, clock=clock, crash=crash)
    rebuild = Rebuild(redis, scripts, mirror, store, clock)
    relay = Relay(
        feed=ChangeFeed(db, clock),
        leases=Leases(db, clock),
        mirror=mirror,
        rebuild=rebuild,
        pins=Pins(slots, mirror, store),
        restarts=Restarts(redis, db),
        find=store.find,
        orgs=lambda: org_ids(db),
        metrics=metrics,
    )
    return Services(
        settings=settings,
        clock=clock,
        grid=grid,
        redis=redis,
        db=db,
        access=access,
        catalogue=catalogue,
        catalogue_desk=CatalogueDesk(
            db,
            clock,
            cached=catalogue,
            announce=mirror.announce_catalogue_change,
            grid_minutes=settings.grid_minutes,
        ),
        candidates=candidates,
        availability=availability,
        holds=Holds(
            slots=slots,
            placing=placing,
            catalogue=catalogue,
            hold_ids=hold_ids,
            grid=grid,
            clock=clock,
            crash=crash,
        ),
        bookings=Bookings(
            slots=slots,
            placing=placing,
            confirming=confirming,
            store=store,
            candidates=candidates,
            catalogue=catalogue,
            hold_ids=hold_ids,
            grid=grid,
            clock=clock,
            crash=crash,
        ),
        booking_life=BookingLife(
            store=store,
            listing=BookingList(db),
            confirming=confirming,
            catalogue=catalogue,
            clock=clock,
            crash=crash,
        ),
        idempotency=Idempotency(redis, scripts),
        metrics=metrics,
        health=Health(redis, db, store),
        warming=Warming(access, catalogue, lambda: org_ids(db), mirror.epoch),
        relay=relay,
    )


def _database(settings: Settings, background: bool) -> Database[Document]:
    if background:
        return connect_mongo(settings.mongo_url, settings.mongo_db, timeout_ms=None)
    return connect_mongo(settings.mongo_url, settings.mongo_db)
