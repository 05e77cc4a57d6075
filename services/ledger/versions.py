"""The next version of a booking, as an update that MongoDB works out, because every time in it is MongoDB's own.

So a server whose clock is wrong neither ends a reservation too early nor writes a wrong time. The times of one booking
never go back, even if another mongod with a slower clock becomes the primary.
"""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection

from models.booking import Booking
from services.stores.connections import Document

OVERDUE: Document = {"status": "pending", "$expr": {"$lte": ["$reserved_until", "$$NOW"]}}
"""Matches reservations whose deadline is over."""
LASTING: Document = {"status": "pending", "$expr": {"$gt": ["$reserved_until", "$$NOW"]}}
"""Matches reservations whose deadline is still to come."""


def next_version(old: Booking, fields: Document, noted: Document) -> list[Document]:
    """The update that sets some fields and adds an entry to the history. noted: all of the entry except its time."""
    times = {"updated_at": {"$max": ["$updated_at", "$$NOW"]}, "changed": "$$CLUSTER_TIME"}
    entry = {"at": "$updated_at", **_as_given(noted)}
    return [
        {"$set": {**_as_given(fields), "version": old.version + 1, **times}},
        {"$set": {"history": {"$concatArrays": ["$history", [entry]]}}},
    ]


def fill_in_changed(bookings: Collection[Document]) -> None:
    """Lets bookings that an earlier release wrote count as changed now. The collection has the index by_no_change."""
    bookings.update_many({"changed": None}, [{"$set": {"changed": "$$CLUSTER_TIME"}}], hint="by_no_change")


def is_made(old: Booking, noted: Document, found: Booking) -> bool:
    """Whether this change, or another one just like it, is among those that were made after a version."""
    later = found.history[len(found.history) - (found.version - old.version) :]
    return any({**entry, **noted} == entry for entry in later)


def _as_given(values: dict[str, Any]) -> Document:
    return {name: {"$literal": value} for name, value in values.items()}
