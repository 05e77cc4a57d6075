"""The product, without HTTP. `build_services` is the only place where its parts are put together."""

from __future__ import annotations

from dataclasses import dataclass

from pymongo.database import Database
from redis import Redis

from services.access.authentication import Access
from services.availability.candidates import Candidates
from services.availability.slots import Availability
from services.bookings.beginning import Beginning
from services.bookings.booking import Bookings
from services.bookings.changes import BookingLife
from services.bookings.confirming import Confirming
from services.bookings.named_slots import NamedSlots
from services.bookings.rescheduling import Rescheduling
from services.bookings.without_redis import BookingWithoutRedis
from services.calendars.feeds import CalendarFeeds
from services.catalogue.editor import CatalogueDesk
from services.catalogue.reader import Catalogue, org_ids
from services.claims.claims import Claims
from services.claims.epochs import Epochs
from services.claims.events import OfferEvents
from services.claims.idempotency import Idempotency
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.clock import Clock, utc_now
from services.crash_points import crash_at
from services.customers.personal_data import PersonalDataDesk
from services.holds.operations import Holds
from services.holds.placing import Placing
from services.ids import HoldIds, WaitlistIds
from services.ledger.expiry import Reservations
from services.ledger.listing import BookingList
from services.ledger.store import BookingStore
from services.observability import Metrics
from services.ops.health import Health
from services.ops.installation import prepare
from services.ops.warm_up import Warming
from services.relay.change_feed import ChangeFeed
from services.relay.rebuild import Pins, Rebuild
from services.relay.redis_runs import RedisRuns
from services.relay.worker import Relay
from services.settings import Settings
from services.stores.connections import MONGO_TIMEOUT_MS, Document, connect_mongo, connect_redis
from services.stores.leases import Leases
from services.stores.redis_server import RedisInfo
from services.stores.shared_counts import SharedCounts
from services.timetable.grid import Grid
from services.waitlist.admission import Admission
from services.waitlist.entries import Waitlist
from services.waitlist.offers import Offering
from services.waitlist.openings import Openings
from services.waitlist.rounds import Offers
from services.waitlist.rules import WaitRules
from services.waitlist.store import WaitlistStore


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
    personal_data: PersonalDataDesk
    waitlist: Waitlist
    offers: Offers
    calendar_feeds: CalendarFeeds
    idempotency: Idempotency
    counts: SharedCounts
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
    """Puts the product together. Tests give redis, mongo (a database) and clock; else they come from settings.

    background: for a process that serves no requests, whose reads may take their time.
    """
    settings = settings or Settings()
    if redis is None:
        redis = connect_redis(settings.redis_url)
    if mongo is None:
        timeout_ms = None if background else MONGO_TIMEOUT_MS
        mongo = connect_mongo(settings.mongo_url, settings.mongo_db, timeout_ms=timeout_ms)
    parts = _Parts(settings, clock or utc_now, redis, mongo)
    offers, waitlist = _offers(parts), _waitlist(parts)
    return Services(
        settings=settings,
        clock=parts.clock,
        grid=parts.grid,
        redis=parts.redis,
        db=parts.db,
        access=parts.access,
        catalogue=parts.catalogue,
        catalogue_desk=parts.catalogue_desk,
        candidates=parts.candidates,
        availability=parts.availability,
        holds=_holds(parts),
        bookings=_bookings(parts),
        booking_life=_booking_life(parts),
        personal_data=PersonalDataDesk(
            store=parts.store, mirror=parts.mirror, waitlist=waitlist, entries=parts.waitlist_store, clock=parts.clock
        ),
        waitlist=waitlist,
        offers=offers,
        calendar_feeds=CalendarFeeds(parts.db, parts.clock),
        idempotency=Idempotency(parts.redis, parts.scripts),
        counts=SharedCounts(parts.redis, parts.metrics),
        metrics=parts.metrics,
        health=Health(RedisInfo(parts.redis), parts.db, parts.store),
        warming=Warming(parts.access, parts.catalogue, lambda: org_ids(parts.db), parts.mirror.epoch),
        relay=_relay(parts, offers),
    )


class _Parts:
    """The parts that several others need."""

    def __init__(self, settings: Settings, clock: Clock, redis: Redis, db: Database[Document]) -> None:
        secret = settings.secret.get_secret_value()
        self.clock, self.redis, self.db = clock, redis, db
        self.crash = crash_at(settings.crash_point)
        self.metrics = Metrics()
        self.grid = Grid(settings.grid_minutes)
        self.scripts = Scripts(redis)
        self.hold_ids, self.waitlist_ids = HoldIds(secret), WaitlistIds(secret)
        self.access = Access(db, secret, clock)
        self.catalogue = Catalogue(db)
        self.leases = Leases(db, clock)
        self.claims = Claims(redis, self.scripts, confirm_window_ms=settings.confirm_window_ms)
        self.store = BookingStore(db, settings.grid_minutes)
        self.mirror = Mirror(redis, self.scripts, self.grid, self.store.find)
        self.reservations = Reservations(self.store, self.mirror, clock)
        self.candidates = Candidates(self.grid)
        self.availability = Availability(
            self.catalogue, self.candidates, self.grid, self.mirror, self.store, clock=clock
        )
        self.placing = Placing(
            claims=self.claims,
            mirror=self.mirror,
            catalogue=self.catalogue,
            candidates=self.candidates,
            reservations=self.reservations,
            availability=self.availability,
            hold_ids=self.hold_ids,
            grid=self.grid,
        )
        announce, minutes = self.mirror.announce_catalogue_change, settings.grid_minutes
        self.catalogue_desk = CatalogueDesk(db, clock, cached=self.catalogue, announce=announce, grid_minutes=minutes)
        self.waitlist_store = WaitlistStore(db)
        self.openings = Openings(
            availability=self.availability,
            candidates=self.candidates,
            catalogue=self.catalogue,
            grid=self.grid,
            clock=clock,
        )
        self.offer_events = OfferEvents(redis, self.scripts)


def _holds(parts: _Parts) -> Holds:
    return Holds(
        claims=parts.claims,
        placing=parts.placing,
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        grid=parts.grid,
        clock=parts.clock,
        crash=parts.crash,
    )


def _bookings(parts: _Parts) -> Bookings:
    confirming = Confirming(store=parts.store, grid=parts.grid, clock=parts.clock, crash=parts.crash)
    named = NamedSlots(hold_ids=parts.hold_ids, catalogue=parts.catalogue, grid=parts.grid)
    without_redis = BookingWithoutRedis(
        confirming=confirming,
        reservations=parts.reservations,
        store=parts.store,
        candidates=parts.candidates,
        catalogue=parts.catalogue,
        mirror=parts.mirror,
        hold_ids=parts.hold_ids,
        named=named,
        is_offered=parts.waitlist_store.is_offered,
        grid=parts.grid,
        clock=parts.clock,
    )
    beginning = Beginning(
        claims=parts.claims,
        placing=parts.placing,
        confirming=confirming,
        without_redis=without_redis,
        store=parts.store,
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        named=named,
        clock=parts.clock,
        crash=parts.crash,
    )
    return Bookings(
        beginning=beginning,
        placing=parts.placing,
        confirming=confirming,
        mirror=parts.mirror,
        hold_ids=parts.hold_ids,
        clock=parts.clock,
        crash=parts.crash,
    )


def _booking_life(parts: _Parts) -> BookingLife:
    rescheduling = Rescheduling(
        claims=parts.claims,
        placing=parts.placing,
        mirror=parts.mirror,
        store=parts.store,
        grid=parts.grid,
        clock=parts.clock,
        crash=parts.crash,
    )
    return BookingLife(
        store=parts.store,
        listing=BookingList(parts.db),
        mirror=parts.mirror,
        reservations=parts.reservations,
        rescheduling=rescheduling,
        catalogue=parts.catalogue,
        clock=parts.clock,
        crash=parts.crash,
    )


def _waitlist(parts: _Parts) -> Waitlist:
    candidates, catalogue = parts.candidates, parts.catalogue
    return Waitlist(
        entries=parts.waitlist_store,
        admission=Admission(parts.waitlist_store, parts.openings),
        ids=parts.waitlist_ids,
        rules=WaitRules(catalogue=catalogue, candidates=candidates, grid=parts.grid, clock=parts.clock),
        bookings=parts.store,
        claims=parts.claims,
        mirror=parts.mirror,
        catalogue=catalogue,
        candidates=candidates,
        grid=parts.grid,
        clock=parts.clock,
    )


def _offers(parts: _Parts) -> Offers:
    offering = Offering(
        store=parts.waitlist_store,
        events=parts.offer_events,
        claims=parts.claims,
        placing=parts.placing,
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        booked=parts.store.find_for_certain,
        metrics=parts.metrics,
        grid=parts.grid,
        clock=parts.clock,
        crash=parts.crash,
    )
    return Offers(
        store=parts.waitlist_store,
        events=parts.offer_events,
        leases=parts.leases,
        offering=offering,
        openings=parts.openings,
        mirror=parts.mirror,
        metrics=parts.metrics,
        grid=parts.grid,
        clock=parts.clock,
    )


def _relay(parts: _Parts, offers: Offers) -> Relay:
    db, mirror, store = parts.db, parts.mirror, parts.store
    epochs = Epochs(parts.redis, parts.scripts)
    return Relay(
        feed=ChangeFeed(db, parts.clock),
        leases=parts.leases,
        mirror=mirror,
        epochs=epochs,
        rebuild=Rebuild(epochs, mirror, store, parts.clock),
        pins=Pins(parts.claims, mirror, store),
        reservations=parts.reservations,
        redis_runs=RedisRuns(RedisInfo(parts.redis), db),
        offers=offers,
        find=store.find,
        orgs=lambda: org_ids(db),
        metrics=parts.metrics,
    )
