"""The product, without HTTP. `build_services` is the only place where its parts are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
    ground = _Ground(
        settings=settings,
        clock=clock or utc_now,
        redis=redis if redis is not None else connect_redis(settings.redis_url),
        db=mongo if mongo is not None else _database(settings, background),
    )
    holds, bookings, booking_life = _booking(ground)
    access, catalogue, mirror, db = ground.access, ground.catalogue, ground.mirror, ground.db
    return Services(
        settings=settings,
        clock=ground.clock,
        grid=ground.grid,
        redis=ground.redis,
        db=db,
        access=access,
        catalogue=catalogue,
        catalogue_desk=CatalogueDesk(
            db,
            ground.clock,
            cached=catalogue,
            announce=mirror.announce_catalogue_change,
            grid_minutes=settings.grid_minutes,
        ),
        candidates=ground.candidates,
        availability=ground.availability,
        holds=holds,
        bookings=bookings,
        booking_life=booking_life,
        idempotency=Idempotency(ground.redis, ground.scripts),
        metrics=ground.metrics,
        health=Health(ground.redis, db, ground.store),
        warming=Warming(access, catalogue, lambda: org_ids(db), mirror.epoch),
        relay=_relay(ground),
    )


class _Ground:
    """What everything else stands on: the stores, and the parts that own something in them."""

    def __init__(self, *, settings: Settings, clock: Clock, redis: Redis, db: Database[Document]) -> None:
        secret = settings.secret.get_secret_value()
        self.clock, self.redis, self.db = clock, redis, db
        self.crash = crash_at(settings.crash_point)
        self.metrics = Metrics()
        self.grid = Grid(settings.grid_minutes)
        self.scripts = Scripts(redis)
        self.slots = Slots(redis, self.scripts, confirm_window_ms=settings.confirm_window_ms)
        self.store = BookingStore(db, settings.grid_minutes)
        self.hold_ids = HoldIds(secret)
        self.mirror = Mirror(redis, self.scripts, self.grid, clock, self.store.find)
        self.access = Access(db, secret, clock)
        self.catalogue = Catalogue(db)
        self.candidates = Candidates(self.catalogue, self.grid, clock)
        self.availability = Availability(self.catalogue, self.candidates, self.grid, self.mirror, self.store)


def _booking(ground: _Ground) -> tuple[Holds, Bookings, BookingLife]:
    common: dict[str, Any] = {"catalogue": ground.catalogue, "clock": ground.clock, "crash": ground.crash}
    placing = Placing(
        slots=ground.slots,
        mirror=ground.mirror,
        catalogue=ground.catalogue,
        access=ground.access,
        candidates=ground.candidates,
        store=ground.store,
        openings=ground.availability.openings,
        grid=ground.grid,
    )
    confirming = Confirming(
        store=ground.store,
        slots=ground.slots,
        mirror=ground.mirror,
        grid=ground.grid,
        clock=ground.clock,
        crash=ground.crash,
    )
    holding: dict[str, Any] = {
        "slots": ground.slots,
        "placing": placing,
        "hold_ids": ground.hold_ids,
        "grid": ground.grid,
    }
    return (
        Holds(**holding, **common),
        Bookings(**holding, **common, confirming=confirming, store=ground.store, candidates=ground.candidates),
        BookingLife(store=ground.store, listing=BookingList(ground.db), confirming=confirming, **common),
    )


def _relay(ground: _Ground) -> Relay:
    redis, db, mirror, store = ground.redis, ground.db, ground.mirror, ground.store
    return Relay(
        feed=ChangeFeed(db, ground.clock),
        leases=Leases(db, ground.clock),
        mirror=mirror,
        rebuild=Rebuild(redis, ground.scripts, mirror, store, ground.clock),
        pins=Pins(ground.slots, mirror, store),
        restarts=Restarts(redis, db),
        find=store.find,
        orgs=lambda: org_ids(db),
        metrics=ground.metrics,
    )


def _database(settings: Settings, background: bool) -> Database[Document]:
    if background:
        return connect_mongo(settings.mongo_url, settings.mongo_db, timeout_ms=None)
    return connect_mongo(settings.mongo_url, settings.mongo_db)
