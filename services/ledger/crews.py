"""The index that finds the bookings of a technician, each member of a crew alike, and what an earlier release left.

An earlier release knows one technician, and its servers may serve beside ours. They write `technician_id` alone, also
where a document has `technician_ids` already. So where the first of those is another one, `technician_id` is right.
"""

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


def crew_in(document: Document) -> list[str]:
    """Who comes by a booking's document, whichever release wrote it last."""
    crew: list[str] = document.get("technician_ids") or []
    leader = document["technician_id"]
    return crew if crew[:1] == [leader] else [leader]


def fill_in_crews(bookings: Collection[Document]) -> None:
    """Gives documents that an earlier release wrote last their one technician as the crew. The collection has the index
    by_no_crew. All other documents are looked at too."""
    whole = [{"$set": {"technician_ids": ["$technician_id"]}}]
    bookings.update_many({"technician_ids": None}, whole, hint="by_no_crew")
    bookings.update_many({"$expr": {"$ne": [{"$first": "$technician_ids"}, "$technician_id"]}}, whole)
