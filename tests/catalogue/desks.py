"""A desk of the catalogue over a database, for tests that need no more of the product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.catalogue.announcing import Announcing
from services.catalogue.editor import CatalogueDesk
from services.catalogue.reader import Catalogue
from services.catalogue.unit_desk import UnitDesk
from services.clock import Clock


def desk_over(
    db: Any, clock: Clock, catalogue: Catalogue, announce: Callable[[str], None] = lambda _org: None
) -> CatalogueDesk:
    """A desk on the grid of 15 minutes. announce: nobody hears of a change, unless it is given."""
    announcing = Announcing(catalogue, announce)
    units = UnitDesk(db, clock, announcing=announcing)
    return CatalogueDesk(db, clock, announcing=announcing, units=units, grid_minutes=15)
