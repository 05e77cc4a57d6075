"""Builds what imports files within requests."""

from __future__ import annotations

from services.sheets.desk import ImportDesk
from services.transfer.booking_import import BookingImport
from services.transfer.catalogue_import import CatalogueImport
from services.transfer.export import Export
from services.transfer.wiring import Transfer
from services.wiring.parts import Parts
from services.wiring.visits import units


def imports(parts: Parts) -> ImportDesk:
    entries = CatalogueImport(parts.db, parts.clock, announcing=parts.announcing, units=units(parts))
    bookings = BookingImport(parts.db, parts.store, parts.mirror, parts.grid, parts.clock, units=entries.units)
    return ImportDesk(
        Transfer(clock=parts.clock, grid=parts.grid, catalogue=entries, bookings=bookings, export=Export(parts.db))
    )
