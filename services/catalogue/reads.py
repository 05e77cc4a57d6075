"""Reads the catalogue of an org from MongoDB as visits go by it. Keeps nothing; `services.catalogue.reader` does.

Everything may raise StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pymongo import ASCENDING
from pymongo.database import Database

from models.catalogue import Policy, Property, Technician
from models.errors import PropertyNotFound
from models.service import Service
from services.catalogue.documents import (
    ORGS,
    PROPERTIES,
    SERVICES,
    TECHNICIANS,
    document_id,
    policy_of,
    property_of,
    service_of,
    technician_of,
)
from services.stores.connections import Document
from services.stores.faults import mongo_faults


@dataclass(frozen=True, slots=True)
class Site:
    """A property as visits go by it, and the ids of its units in order.

    A unit has the timezone of its building, is unavailable when the building is, and has the area of the building
    unless it names one.
    """

    property: Property
    units: tuple[str, ...] = ()


class Reads:
    """The documents of all orgs."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db

    def policy(self, org: str) -> Policy:
        """The org's rules; the defaults if it has set none."""
        with mongo_faults():
            return policy_of(self._db[ORGS].find_one({"_id": org}, {"policy": 1}))

    def technicians(self, org: str) -> dict[str, Technician]:
        """All technicians by id, in the order of their ids."""
        return {each["id"]: technician_of(each) for each in self._by_id(TECHNICIANS, org)}

    def services(self, org: str) -> dict[str, Service]:
        """All services by id, in the order of their ids."""
        return {each["id"]: service_of(each) for each in self._by_id(SERVICES, org)}

    def site(self, org: str, property_id: str) -> Site:
        """Raises PropertyNotFound. One query, and another one for a unit, which needs its building."""
        own = {"_id": document_id(org, property_id), "org": org}
        with mongo_faults():
            found = list(self._db[PROPERTIES].find({"$or": [own, {"org": org, "parent_id": property_id}]}))
            document = next((each for each in found if each["id"] == property_id), None)
            if document is None:
                raise PropertyNotFound
            parent = document.get("parent_id")
            building = parent and self._db[PROPERTIES].find_one({"_id": document_id(org, parent), "org": org})
        return _site(document, building, (each["id"] for each in found if each is not document))

    def first_sites(self, org: str, most: int) -> Iterator[Site]:
        """At most so many properties, without the units of buildings that are not among them."""
        properties = self._db[PROPERTIES]
        with mongo_faults():
            found = {each["id"]: each for each in properties.find({"org": org}).limit(most)}
            units = list(properties.find({"org": org, "parent_id": {"$in": list(found)}}, {"id": 1, "parent_id": 1}))
        of_building: dict[str, list[str]] = {}
        for each in units:
            of_building.setdefault(each["parent_id"], []).append(each["id"])
        for plain_id, document in found.items():
            parent = document.get("parent_id")
            if parent is None or parent in found:
                yield _site(document, found.get(parent), of_building.get(plain_id, ()))

    def _by_id(self, collection: str, org: str) -> list[Document]:
        with mongo_faults():
            return list(self._db[collection].find({"org": org}).sort("id", ASCENDING))


def _site(document: Document, building: Document | None, units: Iterable[str]) -> Site:
    """A unit whose building does not exist is as it says itself."""
    found = property_of(document)
    if building is not None:
        over = property_of(building)
        status = found.status if over.status == "available" else over.status
        inherited = {"timezone": over.timezone, "area": found.area or over.area, "status": status}
        found = found.model_copy(update=inherited)
    return Site(found, tuple(sorted(units)))
