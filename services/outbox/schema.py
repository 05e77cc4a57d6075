"""The indexes of the outbox, along which every read of it goes."""

from __future__ import annotations

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.stores.connections import Document

KEPT_SECONDS: Final = 30 * 86_400
"""For how long an entry is kept after its end."""
OPEN: Final[Document] = {"open": True}
IS_MESSAGE: Final[Document] = {"channel": {"$in": ["sms", "email"]}}
NEWEST_FIRST: Final = [("created_at", DESCENDING), ("_id", DESCENDING)]

INDEXES: Final = [
    # What is to be sent, queue by queue.
    IndexModel(
        [("open", ASCENDING), ("queue", ASCENDING), ("due", ASCENDING)], name="due", partialFilterExpression=OPEN
    ),
    # What waits for an earlier version of the same booking.
    IndexModel([("lane", ASCENDING), ("version", ASCENDING)], name="lanes", partialFilterExpression=OPEN),
    IndexModel([("org", ASCENDING), ("booking_id", ASCENDING), *NEWEST_FIRST], name="by_booking"),
    # The entries of one webhook, and those of them in one state.
    IndexModel([("org", ASCENDING), ("receiver", ASCENDING), *NEWEST_FIRST], name="by_receiver"),
    IndexModel([("org", ASCENDING), ("receiver", ASCENDING), ("state", ASCENDING), *NEWEST_FIRST], name="by_state"),
    # Messages of one kind.
    IndexModel(
        [("org", ASCENDING), ("receiver", ASCENDING), ("kind", ASCENDING), *NEWEST_FIRST],
        name="by_kind",
        partialFilterExpression=IS_MESSAGE,
    ),
    # What could not be sent, for the metrics.
    IndexModel([("state", ASCENDING)], name="dead", partialFilterExpression={"state": "dead"}),
    IndexModel([("finished_at", ASCENDING)], name="kept", expireAfterSeconds=KEPT_SECONDS),
]
