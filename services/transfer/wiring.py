"""The parts that carry an org's data in and out, put together for `scripts.carry`: no secret, and no requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo.database import Database
from redis import Redis

from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.ledger.store import BookingStore
from services.settings import StoreSettings
from services.stores.connections import Document, connect_mongo, connect_redis
from services.timetable.grid import Grid
from services.transfer.booking_import import BookingImport, require_prepared
from services.transfer.catalogue_import import CatalogueImport
from services.transfer.export import Exporting

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Carrying:
    """What an import and an export need."""

    clock: Clock
    grid: Grid
    catalogue: CatalogueImport
    bookings: BookingImport
    exporting: Exporting


def build_carrying(
    settings: StoreSettings,
    *,
    redis: Redis | None = None,
    mongo: Database[Document] | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> Carrying:
    """Puts them together on the grid that the database remembers. redis, mongo and clock are given by tests.

    Raises NotPrepared, StoreUnavailable.
    """
    db = mongo if mongo is not None else connect_mongo(settings.mongo_url, settings.mongo_db, timeout_ms=None)
    redis = redis if redis is not None else connect_redis(settings.redis_url)
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
