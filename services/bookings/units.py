"""Creates and changes properties, of which some are units of a building.

A visit to a building takes its units too. So the units of a building stay as they are while a visit or a hold of the
building lies ahead, and a unit with a visit ahead keeps its building.
"""

from __future__ import annotations

from contextlib import suppress

from models.catalogue import Property, PropertyCreate, PropertyPatch
from models.errors import Fault, InvalidRequest, Refusal
from models.slot import PROPERTY
from services.bookings.ahead import Ahead
from services.catalogue.announcing import Announcing
from services.catalogue.editor import CatalogueDesk
from services.catalogue.unit_desk import NO_BUILDING, UnitDesk


class Units:
    """Writes of one org at a time. Everything may raise StoreUnavailable; the outcome of a write is then unknown.

    A look alone is no guard, because a hold may come between it and the write. So the unit is written, the new
    catalogue is announced, and then comes the look that counts. A claim under the older catalogue is refused once the
    new one is announced: either the look sees it, or it includes the unit. Where the look sees one, the write is taken
    back. An earlier look spares most of that.
    """

    def __init__(self, *, desk: CatalogueDesk, units: UnitDesk, announcing: Announcing, ahead: Ahead) -> None:
        self._desk = desk
        self._units = units
        self._announcing = announcing
        self._ahead = ahead

    def create(self, org: str, wanted: PropertyCreate, *, request: str | None = None) -> Property:
        """As CatalogueDesk.create_property, also for a unit. Raises InvalidRequest (parent_id, timezone), InUse."""
        if wanted.parent_id is None:
            return self._desk.create_property(org, wanted, request=request)
        zone = self._zone_within(org, wanted.id, wanted.parent_id, _given_zone(wanted))
        unit, is_joining = self._units.create(org, wanted.model_copy(update={"timezone": zone}), request)
        if not is_joining:
            return unit
        try:
            self._ahead.require_unused(org, _resource(wanted.parent_id))
            self._require_joinable(org, wanted.parent_id, _resource(wanted.parent_id))
        except Refusal:
            with suppress(Refusal):
                self._units.drop(org, unit.id)
            raise
        return self._units.settle(org, unit.id)

    def patch(self, org: str, property_id: str, patch: PropertyPatch, version: int | None = None) -> Property:
        """As CatalogueDesk.patch_property, also for units and buildings.

        Raises InvalidRequest (parent_id, timezone), InUse.
        """
        known = self._desk.get_property(org, property_id)
        parent = patch.parent_id if "parent_id" in patch.model_fields_set else known.parent_id
        if parent is not None and ({"parent_id", "timezone"} & patch.model_fields_set):
            zone = self._zone_within(org, property_id, parent, _given_zone(patch))
            patch = PropertyPatch.model_validate({**patch.model_dump(exclude_unset=True), "timezone": zone})
        if parent != known.parent_id:
            return self._move(org, known, patch, version)
        changed = self._desk.patch_property(org, property_id, patch, version)
        if parent is None and patch.timezone is not None:
            self._units.spread_timezone(org, changed)
        return changed

    def _move(self, org: str, known: Property, patch: PropertyPatch, version: int | None) -> Property:
        """Changes the building of a property, or whether it has one."""
        looked_at = [_resource(each) for each in (known.parent_id, patch.parent_id) if each is not None]
        if known.parent_id is not None:
            looked_at.append(_resource(known.id))
        self._ahead.require_unused(org, *looked_at)
        moved = self._desk.patch_property(org, known.id, patch, version)
        try:
            self._require_joinable(org, patch.parent_id, *looked_at)
        except Refusal:
            back = {name: getattr(known, name) for name in patch.model_fields_set}
            with suppress(Refusal):
                self._desk.patch_property(org, known.id, PropertyPatch.model_validate(back))
            raise
        return moved

    def _require_joinable(self, org: str, building_id: str | None, *resources: str) -> None:
        """The look after the write. Raises InvalidRequest if the building is none any more, InUse."""
        if building_id is not None:
            self._units.join(org, building_id)
        self._announcing.announce(org)
        self._ahead.require_unused(org, *resources)

    def _zone_within(self, org: str, property_id: str | None, building_id: str, zone: str | None) -> str:
        """The timezone of a unit of this building. zone: the one that is asked for. Raises InvalidRequest."""
        if property_id == building_id:
            raise InvalidRequest(NO_BUILDING)
        building = self._units.building(org, building_id)
        if zone not in (None, building.timezone):
            text = f"Give timezone as {building.timezone}, which is that of the building, or leave it out."
            raise InvalidRequest(Fault("timezone", "inconsistent", text))
        return building.timezone


def _given_zone(request: PropertyCreate | PropertyPatch) -> str | None:
    return request.timezone if "timezone" in request.model_fields_set else None


def _resource(property_id: str) -> str:
    return f"{PROPERTY}:{property_id}"
