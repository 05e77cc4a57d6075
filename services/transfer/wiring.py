"""The parts of an import and an export, put together for `scripts.sheets`. They need no secret and serve no request."""

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
from services.transfer.export import Export


@dataclass(frozen=True, slots=True)
class Transfer:
    """The parts that an import and an export need."""

    clock: Clock
    grid: Grid
    catalogue: CatalogueImport
    bookings: BookingImport
    export: Export


def build_transfer(stores: Stores, clock: Clock = utc_now) -> Transfer:
    """Builds the parts on the grid that the database was prepared for. Raises NotPrepared, StoreUnavailable."""
    redis, db = stores.redis, stores.db
    grid = Grid(require_prepared(db))
    store = BookingStore(db, grid.minutes)
    mirror = Mirror(redis, Scripts(redis), grid, store.find)
    return Transfer(
        clock=clock,
        grid=grid,
        catalogue=CatalogueImport(db, clock, mirror.announce_catalogue_change),
        bookings=BookingImport(db, store, mirror, grid, clock),
        export=Export(db),
    )
