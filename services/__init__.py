"""The product, without HTTP. `build_services` puts all of it together; `services.wiring` has the steps."""

from __future__ import annotations

from dataclasses import dataclass

from pymongo.database import Database
from redis import Redis

from services.access.authentication import Access
from services.access.sessions import Sessions
from services.availability.candidates import Candidates
from services.bookings.booking import Bookings
from services.bookings.changes import BookingLife
from services.bookings.free_times import FreeTimes
from services.bookings.units import Units
from services.bookings.upkeep import Upkeep
from services.calendars.feeds import CalendarFeeds
from services.catalogue.editor import CatalogueDesk
from services.catalogue.reader import Catalogue
from services.catalogue.service_desk import ServiceDesk
from services.claims.idempotency import Idempotency
from services.clock import Clock, utc_now
from services.customers.desk import CustomerDesk
from services.customers.personal_data import PersonalDataDesk
from services.dispatch.reassigning import Reassigning
from services.dispatch.swapping import Swapping
from services.holds.listing import HoldList
from services.holds.operations import Holds
from services.live.board import Boards
from services.live.feed import Feed
from services.observability import Metrics
from services.ops.health import Health
from services.ops.installation import prepare
from services.ops.warm_up import Warming
from services.outbox.webhook_desk import WebhookDesk
from services.relay.worker import Relay
from services.series.desk import SeriesDesk
from services.series.making import SeriesMaking
from services.series.previewing import Previewing
from services.settings import Settings
from services.sheets.desk import ImportDesk
from services.sms.times import Acts
from services.stores.connections import Document, connect_stores
from services.stores.mongo_clock import MongoClock
from services.stores.shared_counts import SharedCounts
from services.timetable.grid import Grid
from services.waitlist.entries import Waitlist
from services.waitlist.rounds import Offers
from services.wiring import beside_requests, files, live, people, series, visits, waiting
from services.wiring.messages import Messages
from services.wiring.outgoing import Outgoing
from services.wiring.parts import Parts
from services.wiring.text_bot import Texts


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a process of ours needs, built once after the fork."""

    settings: Settings
    clock: Clock
    grid: Grid
    redis: Redis
    db: Database[Document]
    access: Access
    sessions: Sessions
    catalogue: Catalogue
    catalogue_desk: CatalogueDesk
    service_desk: ServiceDesk
    upkeep: Upkeep
    units: Units
    candidates: Candidates
    free_times: FreeTimes
    holds: Holds
    hold_list: HoldList
    bookings: Bookings
    booking_life: BookingLife
    swapping: Swapping
    series_making: SeriesMaking
    series_preview: Previewing
    series_desk: SeriesDesk
    reassigning: Reassigning
    customers: CustomerDesk
    personal_data: PersonalDataDesk
    imports: ImportDesk
    waitlist: Waitlist
    offers: Offers
    texts: Texts
    calendar_feeds: CalendarFeeds
    webhooks: WebhookDesk
    feed: Feed
    board: Boards
    messages: Messages
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

    background: for a process that serves no requests: its reads may take their time, and it goes by MongoDB's clock.
    """
    settings = settings or Settings()
    stores = connect_stores(settings, background=background)
    redis = stores.redis if redis is None else redis
    mongo = stores.db if mongo is None else mongo
    clock = clock or (MongoClock(mongo) if background else utc_now)
    return _assemble(settings, Parts(settings, clock, redis, mongo))


def _assemble(settings: Settings, parts: Parts) -> Services:
    holds, bookings, booking_life = visits.holds(parts), visits.bookings(parts), visits.booking_life(parts)
    waitlist, offers, outgoing = waiting.waitlist(parts), waiting.offers(parts), Outgoing(parts)
    return Services(
        settings=settings,
        clock=parts.clock,
        grid=parts.grid,
        redis=parts.redis,
        db=parts.db,
        access=parts.access,
        sessions=people.sessions(parts, settings.secret.get_secret_value()),
        catalogue=parts.catalogue,
        catalogue_desk=parts.catalogue_desk,
        service_desk=parts.service_desk,
        upkeep=visits.upkeep(parts),
        units=visits.units(parts),
        candidates=parts.candidates,
        free_times=visits.free_times(parts, booking_life),
        holds=holds,
        hold_list=visits.hold_list(parts),
        bookings=bookings,
        booking_life=booking_life,
        swapping=visits.swapping(parts),
        series_making=series.making(parts),
        series_preview=series.previewing(parts),
        series_desk=series.desk(parts, booking_life),
        reassigning=visits.reassigning(parts, booking_life),
        customers=waiting.customers(parts),
        personal_data=waiting.personal_data(parts, waitlist, waiting.customers(parts)),
        imports=files.imports(parts),
        waitlist=waitlist,
        offers=offers,
        texts=Texts(parts, Acts(holds, bookings, booking_life), outgoing.messages.opt_outs),
        calendar_feeds=CalendarFeeds(parts.db, parts.clock),
        webhooks=outgoing.webhook_desk,
        feed=live.feed(parts, booking_life, settings.live_streams),
        board=live.boards(parts, booking_life, visits.hold_list(parts)),
        messages=outgoing.messages,
        idempotency=Idempotency(parts.redis, parts.scripts),
        counts=SharedCounts(parts.redis, parts.metrics),
        health=beside_requests.health(parts),
        metrics=parts.metrics,
        warming=beside_requests.warming(parts),
        relay=beside_requests.relay(parts, offers, outgoing),
    )
