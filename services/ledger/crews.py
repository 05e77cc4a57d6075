"""The index that finds the bookings of a technician, each member of a crew alike, and what an earlier release left."""

from __future__ import annotations

from typing import Final

from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection

from services.stores.connections import Document

BY_TECHNICIAN: Final = IndexModel(
    [(name, ASCENDING) for name in ("org", "technician_ids", "start", "_id")], name="by_technician_ids"
)
BY_NO_CREW: Final = IndexModel(
    [("technician_ids", ASCENDING)], name="by_no_crew", partialFilterExpression={"technician_ids": None}
)
"""Of documents that an earlier release wrote."""


def fill_in_crews(bookings: Collection[Document]) -> None:
    """Gives documents that an earlier release wrote their one technician as the crew. The collection has the index
    by_no_crew."""
    bookings.update_many(
        {"technician_ids": None}, [{"$set": {"technician_ids": ["$technician_id"]}}], hint="by_no_crew"
    )
