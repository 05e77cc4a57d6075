"""Writes what makes a property a unit of a building. `services.bookings.units` says when that may be.

A unit that is being made has `joining` in its document, and is unavailable as long as it has. A building gets a new
version with each unit that joins it, so a change of the building that did not see the unit is not written.
"""

from __future__ import annotations

from collections.abc import Set

from pymongo.database import Database

from models.catalogue import Property, PropertyCreate
from models.errors import Fault, InvalidRequest, PropertyNotFound
from services.catalogue.announcing import Announcing
from services.catalogue.documents import PROPERTIES, document_id, property_of
from services.catalogue.records import Records
from services.clock import Clock
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.timetable.grid import to_milliseconds

NO_BUILDING = Fault("parent_id", "bad_parent", "Give parent_id as another property that exists and is not a unit.")


class UnitDesk:
    """Units and buildings, of one org at a time. Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document], clock: Clock, *, announcing: Announcing) -> None:
        self._properties = db[PROPERTIES]
        self._changing = announcing.changing
        self._clock = clock
        self._records = Records(
            self._properties, prefix="prop", missing=PropertyNotFound, changing=self._changing, clock=clock
        )

    def has_units(self, org: str, property_id: str) -> bool:
        with mongo_faults():
            return self._properties.find_one({"org": org, "parent_id": property_id}, {"_id": 1}) is not None

    def buildings(self, org: str, ids: Set[str]) -> frozenset[str]:
        """Which of these properties have units."""
        with mongo_faults():
            units = self._properties.find({"org": org, "parent_id": {"$in": sorted(ids)}}, {"parent_id": 1})
            return frozenset(each["parent_id"] for each in units)

    def building(self, org: str, property_id: str) -> Property:
        """The property, which may have units. Raises InvalidRequest if there is none, or if it is a unit."""
        try:
            found = property_of(self._records.get(org, property_id))
        except PropertyNotFound:
            raise InvalidRequest(NO_BUILDING) from None
        if found.parent_id is not None:
            raise InvalidRequest(NO_BUILDING)
        return found

    def create(self, org: str, wanted: PropertyCreate, request: str | None) -> tuple[Property, bool]:
        """Makes a unit, and says whether it is still joining: it is not if an earlier attempt of the request has
        finished. Raises AlreadyExists."""
        made = self._records.create(org, wanted, request, {"joining": True})
        return property_of(made), "joining" in made

    def join(self, org: str, building_id: str) -> None:
        """Gives a building a new version. Raises InvalidRequest if there is none any more, or if it is a unit now."""

        def changes(current: Document) -> Document:
            if current.get("parent_id") is not None:
                raise InvalidRequest(NO_BUILDING)
            return {"joined_at": to_milliseconds(self._clock())}

        try:
            self._records.change(org, building_id, None, changes)
        except PropertyNotFound:
            raise InvalidRequest(NO_BUILDING) from None

    def settle(self, org: str, property_id: str) -> Property:
        """Ends the joining of a unit. Raises PropertyNotFound."""
        with self._changing(org):
            self._properties.update_one({"_id": document_id(org, property_id), "org": org}, {"$unset": {"joining": 1}})
        return property_of(self._records.get(org, property_id))

    def drop(self, org: str, property_id: str) -> None:
        """Removes a unit that is still joining."""
        with self._changing(org):
            self._properties.delete_one({"_id": document_id(org, property_id), "org": org, "joining": True})

    def spread_timezone(self, org: str, building: Property) -> None:
        """Gives the units of a building its timezone."""
        others = {"org": org, "parent_id": building.id, "timezone": {"$ne": building.timezone}}
        change = {"timezone": building.timezone, "updated_at": to_milliseconds(self._clock())}
        with self._changing(org):
            self._properties.update_many(others, {"$set": change, "$inc": {"version": 1}})
