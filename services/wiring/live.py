"""Builds the live feed and the board."""

from __future__ import annotations

from services.bookings.changes import BookingLife
from services.claims.live_events import LiveEvents
from services.claims.seats import Seats
from services.holds.listing import HoldList
from services.live.board import Boards
from services.live.feed import Feed, reach_of
from services.live.hub import Hub
from services.live.keeping import Keeper
from services.live.reader import Reader
from services.wiring.parts import Parts


def feed(parts: Parts, bookings: BookingLife, most: int) -> Feed:
    events = LiveEvents(parts.redis)
    hub = Hub(events, parts.grid, parts.metrics)
    keeper = Keeper(
        hub=hub,
        seats=Seats(parts.redis, parts.scripts),
        keys=parts.access.api_keys,
        catalogue=parts.catalogue,
        reach_of=reach_of,
    )
    return Feed(
        hub=hub,
        reader=Reader(events, hub, parts.metrics, keeper.catalogue_changed),
        keeper=keeper,
        catalogue=parts.catalogue,
        bookings=bookings,
        most=most,
    )


def boards(parts: Parts, bookings: BookingLife, holds: HoldList) -> Boards:
    return Boards(
        events=LiveEvents(parts.redis),
        catalogue=parts.catalogue_desk,
        bookings=bookings,
        holds=holds,
        grid=parts.grid,
    )
