"""Changes of the catalogue that concern visits: time off, and the removal of a property or technician."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from models.catalogue import Property, PropertyPatch, ResourceStatus, Technician, TechnicianPatch, TimeOff
from models.errors import InUse, Refusal, VersionConflict
from models.slot import PROPERTY, TECHNICIAN
from models.time_off import ChangedTechnician, VisitInTimeOff
from services.bookings.ahead import Ahead
from services.catalogue.announcing import Announcing
from services.catalogue.editor import CatalogueDesk
from services.catalogue.unit_desk import UnitDesk
from services.ledger.visits_ahead import VisitsAhead
from services.timetable.grid import Grid, merge

MOST_VISITS = 200
"""How many visits the reply to a change names."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a property or technician is read, looked at for what lies ahead, given a status, and removed in a version."""

    get: Callable[[str, str], Property | Technician]
    look: Callable[[str, str], None]
    give_status: Callable[[str, str, ResourceStatus, int | None], Property | Technician]
    remove: Callable[[str, str, int], bool]


class Upkeep:
    """Changes for which both the catalogue and the visits count. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        desk: CatalogueDesk,
        announcing: Announcing,
        units: UnitDesk,
        ahead: Ahead,
        visits: VisitsAhead,
        grid: Grid,
    ) -> None:
        self._desk = desk
        self._units = units
        self._ahead = ahead
        self._visits = visits
        self._announcing = announcing
        self._grid = grid

    def patch_technician(
        self, org: str, technician_id: str, patch: TechnicianPatch, version: int | None = None
    ) -> ChangedTechnician:
        """As CatalogueDesk.patch_technician; names the visits in the time off that the request gives."""
        changed = self._desk.patch_technician(org, technician_id, patch, version)
        given = patch.time_off if patch.time_off is not None else patch.time_off_add
        visits = None if given is None else self._visits_in(org, technician_id, given)
        return ChangedTechnician.model_validate({**changed.model_dump(), "visits": visits})

    def remove_property(self, org: str, property_id: str, version: int | None = None) -> None:
        """Removes a property without units for which nothing lies ahead. version: the one to remove, None for any.

        Raises PropertyNotFound, VersionConflict, InUse.
        """
        desk = self._desk

        def give_status(org: str, name: str, status: ResourceStatus, version: int | None) -> Property:
            return desk.patch_property(org, name, PropertyPatch(status=status), version)

        kind = _Kind(desk.get_property, self._require_removable, give_status, desk.remove_property)
        self._remove(kind, org, property_id, version)

    def remove_technician(self, org: str, technician_id: str, version: int | None = None) -> None:
        """As `remove_property`. Raises TechnicianNotFound, VersionConflict, InUse."""
        desk = self._desk

        def look(org: str, name: str) -> None:
            self._ahead.require_unused(org, f"{TECHNICIAN}:{name}")

        def give_status(org: str, name: str, status: ResourceStatus, version: int | None) -> Technician:
            return desk.patch_technician(org, name, TechnicianPatch(status=status), version)

        kind = _Kind(desk.get_technician, look, give_status, desk.remove_technician)
        self._remove(kind, org, technician_id, version)

    def _remove(self, kind: _Kind, org: str, name: str, version: int | None) -> None:
        """Looks, closes, looks again, removes.

        The first look refuses without a change. Between a look and the removal a hold may come; once the resource is
        unavailable and that is announced, none can. A process that dies in between leaves the resource unavailable.
        """
        found = kind.get(org, name)
        if version not in (None, found.version):
            raise VersionConflict
        kind.look(org, name)
        closed = kind.give_status(org, name, "unavailable", found.version)
        try:
            self._announcing.announce(org)
            kind.look(org, name)
            if not kind.remove(org, name, closed.version):
                raise VersionConflict
        except Refusal:
            with suppress(Refusal):
                kind.give_status(org, name, found.status, None)
            raise

    def _require_removable(self, org: str, property_id: str) -> None:
        """Raises InUse if something lies ahead of the property or of its building, or if it has units."""
        building = self._desk.get_property(org, property_id).parent_id
        self._ahead.require_unused(org, *(f"{PROPERTY}:{each}" for each in (property_id, building) if each is not None))
        if self._units.has_units(org, property_id):
            raise InUse("This building has units. Please remove them first, or let them leave it.")

    def _visits_in(self, org: str, technician_id: str, given: Iterable[TimeOff]) -> list[VisitInTimeOff]:
        spans = merge((self._grid.tick(off.start), self._grid.tick_from(off.end)) for off in given)
        found = self._visits.over(org, f"{TECHNICIAN}:{technician_id}", spans, MOST_VISITS)
        names = VisitInTimeOff.model_fields
        return [VisitInTimeOff.model_validate({name: getattr(each, name) for name in names}) for each in found]
