"""The product, without HTTP. `build_services` is the only place where its parts are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pymongo.database import Database
from redis import Redis

from services.access.authentication import Access
from services.availability.candidates import Candidates
from services.availability.slots import Availability
from services.bookings.booking import Bookings
from services.bookings.changes import BookingLife
from services.bookings.confirming import Confirming
from services.bookings.rescheduling import Rescheduling
from services.bookings.without_redis import BookingWithoutRedis
from services.calendars.feeds import CalendarFeeds
from services.catalogue.editor import CatalogueDesk
from services.catalogue.reader import Catalogue, org_ids
from services.claims.epochs import Epochs
from services.claims.events import OfferEvents
from services.claims.idempotency import Idempotency
from services.clock import Clock, utc_now
from services.ground import Ground
from services.holds.operations import Holds
from services.ledger.listing import BookingList
from services.observability import Metrics
from services.ops.health import Health
from services.ops.installation import prepare
from services.ops.warm_up import Warming
from services.relay.change_feed import ChangeFeed
from services.relay.rebuild import Pins, Rebuild
from services.relay.redis_runs import RedisRuns
from services.relay.worker import Relay
from services.settings import Settings
from services.stores.connections import Document, connect_mongo, connect_redis
from services.stores.leases import Leases
from services.stores.redis_server import RedisInfo
from services.timetable.grid import Grid
from services.waitlist.entries import Waitlist
from services.waitlist.offers import Offering
from services.waitlist.rounds import Offers
from services.waitlist.rules import WaitRules


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
    waitlist: Waitlist
    offers: Offers
    calendar_feeds: CalendarFeeds
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
    ground = Ground(
        settings=settings,
        clock=clock or utc_now,
        redis=redis if redis is not None else connect_redis(settings.redis_url),
        db=mongo if mongo is not None else _database(settings, background),
    )
    holds, bookings, booking_life = _booking(ground)
    access, catalogue, mirror, db = ground.access, ground.catalogue, ground.mirror, ground.db
    leases = Leases(db, ground.clock)
    waitlist, offers = _waiting(ground, leases)
    return Services(
        settings=settings,
        clock=ground.clock,
        grid=ground.grid,
        redis=ground.redis,
        db=db,
        access=access,
        catalogue=catalogue,
        catalogue_desk=_catalogue_desk(ground),
        candidates=ground.candidates,
        availability=ground.availability,
        holds=holds,
        bookings=bookings,
        booking_life=booking_life,
        waitlist=waitlist,
        offers=offers,
        calendar_feeds=CalendarFeeds(db, ground.clock),
        idempotency=Idempotency(ground.redis, ground.scripts),
        metrics=ground.metrics,
        health=Health(RedisInfo(ground.redis), db, ground.store),
        warming=Warming(access, catalogue, lambda: org_ids(db), mirror.epoch),
        relay=_relay(ground, leases, offers),
    )


def _catalogue_desk(ground: Ground) -> CatalogueDesk:
    return CatalogueDesk(
        ground.db,
        ground.clock,
        cached=ground.catalogue,
        announce=ground.mirror.announce_catalogue_change,
        grid_minutes=ground.grid.minutes,
    )


def _booking(ground: Ground) -> tuple[Holds, Bookings, BookingLife]:
    confirming = Confirming(
        store=ground.store,
        claims=ground.claims,
        mirror=ground.mirror,
        grid=ground.grid,
        clock=ground.clock,
        crash=ground.crash,
    )
    alone = BookingWithoutRedis(
        confirming=confirming,
        reservations=ground.reservations,
        store=ground.store,
        candidates=ground.candidates,
        catalogue=ground.catalogue,
        hold_ids=ground.hold_ids,
        is_offered=ground.waitlist_store.is_offered,
        grid=ground.grid,
        clock=ground.clock,
    )
    moving: dict[str, Any] = {
        "claims": ground.claims,
        "placing": ground.placing,
        "grid": ground.grid,
        "clock": ground.clock,
        "crash": ground.crash,
    }
    holding: dict[str, Any] = {**moving, "hold_ids": ground.hold_ids}
    return (
        Holds(**holding, catalogue=ground.catalogue),
        Bookings(**holding, confirming=confirming, alone=alone, store=ground.store),
        BookingLife(
            store=ground.store,
            listing=BookingList(ground.db),
            mirror=ground.mirror,
            reservations=ground.reservations,
            rescheduling=Rescheduling(**moving, mirror=ground.mirror, store=ground.store),
            catalogue=ground.catalogue,
            clock=ground.clock,
            crash=ground.crash,
        ),
    )


def _waiting(ground: Ground, leases: Leases) -> tuple[Waitlist, Offers]:
    events = OfferEvents(ground.redis, ground.scripts)
    shared: dict[str, Any] = {"grid": ground.grid, "clock": ground.clock}
    offering = Offering(
        store=ground.waitlist_store,
        events=events,
        claims=ground.claims,
        placing=ground.placing,
        hold_ids=ground.hold_ids,
        booked=ground.store.find_for_certain,
        metrics=ground.metrics,
        crash=ground.crash,
        **shared,
    )
    return (
        Waitlist(
            entries=ground.waitlist_store,
            ids=ground.waitlist_ids,
            rules=WaitRules(catalogue=ground.catalogue, candidates=ground.candidates, **shared),
            bookings=ground.store,
            claims=ground.claims,
            mirror=ground.mirror,
            catalogue=ground.catalogue,
            candidates=ground.candidates,
            **shared,
        ),
        Offers(
            store=ground.waitlist_store,
            events=events,
            leases=leases,
            offering=offering,
            availability=ground.availability,
            candidates=ground.candidates,
            mirror=ground.mirror,
            metrics=ground.metrics,
            **shared,
        ),
    )


def _relay(ground: Ground, leases: Leases, offers: Offers) -> Relay:
    db, mirror, store = ground.db, ground.mirror, ground.store
    epochs = Epochs(ground.redis, ground.scripts)
    return Relay(
        feed=ChangeFeed(db, ground.clock),
        leases=leases,
        mirror=mirror,
        epochs=epochs,
        rebuild=Rebuild(epochs, mirror, store, ground.clock),
        pins=Pins(ground.claims, mirror, store),
        reservations=ground.reservations,
        redis_runs=RedisRuns(RedisInfo(ground.redis), db),
        offers=offers,
        find=store.find,
        orgs=lambda: org_ids(db),
        metrics=ground.metrics,
    )


def _database(settings: Settings, background: bool) -> Database[Document]:
    if background:
        return connect_mongo(settings.mongo_url, settings.mongo_db, timeout_ms=None)
    return connect_mongo(settings.mongo_url, settings.mongo_db)
