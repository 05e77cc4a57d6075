"""The parts of an import and an export, put together for a command. They need no secret."""

from __future__ import annotations

from dataclasses import dataclass

from services.bookings.ahead import Ahead
from services.bookings.units import Units
from services.catalogue.announcing import Announcing
from services.catalogue.editor import CatalogueDesk
from services.catalogue.reader import Catalogue
from services.catalogue.unit_desk import UnitDesk
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.clock import Clock, utc_now
from services.ledger.store import BookingStore
from services.ledger.visits_ahead import VisitsAhead
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
    announcing = Announcing(Catalogue(db), mirror.announce_catalogue_change)
    unit_desk = UnitDesk(db, clock, announcing=announcing)
    desk = CatalogueDesk(db, clock, announcing=announcing, units=unit_desk, grid_minutes=grid.minutes)
    ahead = Ahead(mirror=mirror, visits=VisitsAhead(db), grid=grid, clock=clock)
    units = Units(desk=desk, units=unit_desk, announcing=announcing, ahead=ahead)
    entries = CatalogueImport(db, clock, announcing=announcing, units=units)
    return Transfer(
        clock=clock,
        grid=grid,
        catalogue=entries,
        bookings=BookingImport(db, store, mirror, grid, clock, units=entries.units),
        export=Export(db),
    )
