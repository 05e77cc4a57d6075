"""Streams an org's data from MongoDB in the order of an index, so that memory stays steady. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from pymongo import ASCENDING
from pymongo.database import Database

from models.booking import Booking
from models.catalogue import Property, Technician
from models.service import Service
from services.catalogue.documents import PROPERTIES, SERVICES, TECHNICIANS, property_of, service_of, technician_of
from services.ledger.documents import booking_of
from services.stores.connections import Document
from services.stores.faults import mongo_faults

READ_BATCH = 1000
_HIDDEN = {"history": 0, "hold_id": 0, "held_as": 0, "holder_digest": 0}
"""What no file has of a booking: a hold's id is a credential, by which the publishable key finds the booking."""


class Export:
    """The records of one org. Everything may raise StoreUnavailable."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db

    def properties(self, org: str) -> Iterator[Property]:
        """All properties, buildings before their units, each by id."""
        plain, units = {"parent_id": None}, {"parent_id": {"$ne": None}}
        return map(property_of, chain(self._by_id(PROPERTIES, org, plain), self._by_id(PROPERTIES, org, units)))

    def technicians(self, org: str) -> Iterator[Technician]:
        """All technicians, by id."""
        return map(technician_of, self._by_id(TECHNICIANS, org))

    def services(self, org: str) -> Iterator[Service]:
        """All services, by id."""
        return map(service_of, self._by_id(SERVICES, org))

    def bookings(self, org: str, since: datetime | None = None, until: datetime | None = None) -> Iterator[Booking]:
        """All bookings that start in [since, until), by start, without the ids of their holds.

        One that moves meanwhile may come twice or never.
        """
        query: dict[str, Any] = {"org": org}
        span = {operator: moment for operator, moment in (("$gte", since), ("$lt", until)) if moment is not None}
        if span:
            query["start"] = span
        order = [("start", ASCENDING), ("_id", ASCENDING)]
        with mongo_faults(), self._db["bookings"].find(query, _HIDDEN, batch_size=READ_BATCH) as found:
            for document in found.sort(order).hint("by_start"):
                yield booking_of({"history": [], "hold_id": None, **document})

    def _by_id(self, collection: str, org: str, wanted: Document | None = None) -> Iterator[Document]:
        with mongo_faults(), self._db[collection].find({"org": org, **(wanted or {})}, batch_size=READ_BATCH) as found:
            yield from found.sort("id", ASCENDING).hint("one_per_id")
