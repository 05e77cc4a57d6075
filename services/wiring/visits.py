"""Builds what holds, books and changes visits."""

from __future__ import annotations

from services.bookings.ahead import Ahead
from services.bookings.beginning import Beginning
from services.bookings.booking import Bookings
from services.bookings.changes import BookingLife
from services.bookings.confirming import Confirming
from services.bookings.daily_share import DailyShare
from services.bookings.free_times import FreeTimes
from services.bookings.named_slots import NamedSlots
from services.bookings.rescheduling import Rescheduling
from services.bookings.units import Units
from services.bookings.upkeep import Upkeep
from services.bookings.without_redis import BookingWithoutRedis
from services.catalogue.local_days import LocalDays
from services.claims.live_holds import LiveHolds
from services.dispatch.reassigning import Reassigning
from services.dispatch.swap_pins import SwapPins
from services.dispatch.swapping import Swapping
from services.holds.listing import HoldList
from services.holds.operations import Holds
from services.ledger.changes_since import ChangesSince
from services.ledger.exchanging import Exchanging
from services.ledger.listing import BookingList
from services.ledger.visits_ahead import VisitsAhead
from services.stores.mongo_clock import MongoClock
from services.wiring.parts import Parts


def holds(parts: Parts) -> Holds:
    return Holds(
        claims=parts.claims,
        placing=parts.placing,
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        grid=parts.grid,
        clock=parts.clock,
        crash=parts.crash,
    )


def free_times(parts: Parts, life: BookingLife) -> FreeTimes:
    return FreeTimes(parts.availability, parts.day_counts, life)


def hold_list(parts: Parts) -> HoldList:
    return HoldList(
        holds=LiveHolds(parts.redis),
        mirror=parts.mirror,
        catalogue=parts.catalogue_desk,
        days=LocalDays(parts.catalogue_desk),
        hold_ids=parts.hold_ids,
        grid=parts.grid,
        clock=parts.clock,
    )


def bookings(parts: Parts) -> Bookings:
    confirming = _confirming(parts)
    return Bookings(
        beginning=beginning(parts, confirming),
        placing=parts.placing,
        confirming=confirming,
        mirror=parts.mirror,
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        clock=parts.clock,
        crash=parts.crash,
    )


def _confirming(parts: Parts) -> Confirming:
    return Confirming(store=parts.store, grid=parts.grid, clock=parts.clock, crash=parts.crash)


def beginning(parts: Parts, confirming: Confirming | None = None) -> Beginning:
    confirming = confirming or _confirming(parts)
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
        share=DailyShare(parts.clock, parts.metrics),
        is_offered=parts.waitlist_store.is_offered,
        grid=parts.grid,
        clock=parts.clock,
        mongo_clock=MongoClock(parts.db),
    )
    return Beginning(
        claims=parts.claims,
        placing=parts.placing,
        confirming=confirming,
        without_redis=without_redis,
        store=parts.store,
        hold_ids=parts.hold_ids,
        named=named,
        clock=parts.clock,
        crash=parts.crash,
    )


def booking_life(parts: Parts) -> BookingLife:
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
        changes=ChangesSince(parts.db),
        days=LocalDays(parts.catalogue_desk),
        mirror=parts.mirror,
        reservations=parts.reservations,
        rescheduling=rescheduling,
        catalogue=parts.catalogue,
        clock=parts.clock,
        store_clock=MongoClock(parts.db),
        crash=parts.crash,
    )


def swapping(parts: Parts) -> Swapping:
    return Swapping(
        store=parts.store,
        exchanging=Exchanging(parts.db, parts.store, parts.crash),
        reservations=parts.reservations,
        placing=parts.placing,
        pins=SwapPins(placing=parts.placing, claims=parts.claims, mirror=parts.mirror, clock=parts.clock),
        mirror=parts.mirror,
        clock=parts.clock,
        crash=parts.crash,
    )


def reassigning(parts: Parts, life: BookingLife) -> Reassigning:
    return Reassigning(
        visits=VisitsAhead(parts.db),
        life=life,
        candidates=parts.candidates,
        catalogue=parts.catalogue,
        mirror=parts.mirror,
        store=parts.store,
        grid=parts.grid,
        clock=parts.clock,
    )


def upkeep(parts: Parts) -> Upkeep:
    return Upkeep(
        desk=parts.catalogue_desk,
        announcing=parts.announcing,
        units=parts.unit_desk,
        ahead=ahead(parts),
        visits=VisitsAhead(parts.db),
        grid=parts.grid,
    )


def units(parts: Parts) -> Units:
    return Units(desk=parts.catalogue_desk, units=parts.unit_desk, announcing=parts.announcing, ahead=ahead(parts))


def ahead(parts: Parts) -> Ahead:
    return Ahead(mirror=parts.mirror, visits=VisitsAhead(parts.db), grid=parts.grid, clock=parts.clock)
