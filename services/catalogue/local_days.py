"""What a bare date of a list means: the first instant of a local date."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol, Self, TypeVar

from models.errors import PropertyNotFound, TechnicianNotFound
from services.catalogue.editor import CatalogueDesk
from services.timetable.grid import FIRST_DAY, LAST_DAY, day_start

_TIMES = ("from_", "to", "updated_since")


class DatedQuery(Protocol):
    """A query that may name a property and a technician, and has some of _TIMES."""

    @property
    def property_id(self) -> str | None: ...
    @property
    def technician_id(self) -> str | None: ...
    def model_copy(self, *, update: dict[str, Any]) -> Self: ...


Query = TypeVar("Query", bound=DatedQuery)


class LocalDays:
    """Reads the zone of a query from MongoDB, and only if the query has a bare date. Raises StoreUnavailable."""

    def __init__(self, catalogue: CatalogueDesk) -> None:
        self._catalogue = catalogue

    def in_utc(self, org: str, query: Query) -> Query:
        """The query with each bare date as a time: of the property, else of the technician, else of the org."""
        dates = {name: day for name in _TIMES if (day := getattr(query, name, None)) and day.tzinfo is None}
        if not dates:
            return query
        zone = self._zone(org, query)
        return query.model_copy(update={name: _first_instant(day, zone) for name, day in dates.items()})

    def _zone(self, org: str, query: DatedQuery) -> str:
        with suppress(PropertyNotFound):
            if query.property_id is not None:
                return self._catalogue.get_property(org, query.property_id).timezone
        with suppress(TechnicianNotFound):
            if query.technician_id is not None:
                return self._catalogue.get_technician(org, query.technician_id).timezone
        return self._catalogue.get_policy(org).timezone


def _first_instant(midnight: datetime, zone: str) -> datetime:
    day = min(max(midnight.date(), FIRST_DAY), LAST_DAY)
    return datetime.fromtimestamp(day_start(day, zone), UTC)
