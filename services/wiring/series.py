"""Builds what makes series and looks after them."""

from __future__ import annotations

from services.availability.outlook import Outlook
from services.bookings.changes import BookingLife
from services.ledger.series import SeriesStore
from services.series.desk import SeriesDesk
from services.series.making import SeriesMaking
from services.series.planning import Planning
from services.series.previewing import Previewing
from services.wiring.parts import Parts
from services.wiring.visits import beginning


def making(parts: Parts) -> SeriesMaking:
    return SeriesMaking(
        store=_store(parts),
        planning=Planning(parts.candidates, parts.grid),
        readings=parts.readings,
        beginning=beginning(parts),
        placing=parts.placing,
        mirror=parts.mirror,
        catalogue=parts.catalogue,
        hold_ids=parts.hold_ids,
        grid=parts.grid,
        clock=parts.clock,
        crash=parts.crash,
    )


def previewing(parts: Parts) -> Previewing:
    outlook = Outlook(parts.availability, parts.candidates, parts.grid)
    return Previewing(Planning(parts.candidates, parts.grid), parts.readings, outlook)


def desk(parts: Parts, life: BookingLife) -> SeriesDesk:
    return SeriesDesk(
        store=_store(parts),
        reservations=parts.reservations,
        life=life,
        catalogue=parts.catalogue,
        clock=parts.clock,
    )


def _store(parts: Parts) -> SeriesStore:
    return SeriesStore(parts.db, parts.store, parts.crash)
