"""The parts that carry an org's data in and out, put together for `scripts.carry`: no secret, and no requests."""

from __future__ import annotations

from dataclasses import dataclass

from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.clock import Clock, utc_now
from services.ledger.store import BookingStore
from services.stores.connections import Stores
from services.timetable.grid import Grid
from services.transfer.booking_import import BookingImport, require_prepared
from services.transfer.catalogue_import import CatalogueImport
from services.transfer.export import Exporting


@dataclass(frozen=True, slots=True)
class Carrying:
    """What an import and an export need."""

    clock: Clock
    grid: Grid
    catalogue: CatalogueImport
    bookings: BookingImport
    exporting: Exporting


def build_carrying(stores: Stores, clock: Clock = utc_now) -> Carrying:
    """Puts them together on the grid that the database remembers. Raises NotPrepared, StoreUnavailable."""
    redis, db = stores.redis, stores.db
    grid = Grid(require_prepared(db))
    store = BookingStore(db, grid.minutes)
    mirror = Mirror(redis, Scripts(redis), grid, clock, store.find)
    return Carrying(
        clock=clock,
        grid=grid,
        catalogue=CatalogueImport(db, clock, mirror.announce_catalogue_change),
        bookings=BookingImport(db, store, mirror, grid, clock),
        exporting=Exporting(db),
    )
