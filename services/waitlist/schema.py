"""What MongoDB itself enforces for entries of the waitlist, and the indexes that every read of them goes along."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from services.ledger.persons import BY_PERSON
from services.stores.connections import Document

_TEXT: Document = {"bsonType": "string", "minLength": 1}
_MOMENT: Document = {"bsonType": "date"}
_WHOLE: Document = {"bsonType": ["int", "long"], "minimum": 1}


def _needs(status: str, **properties: Document) -> Document:
    """A rule of the validator: an entry of this status has these properties."""
    other = {"properties": {"status": {"not": {"enum": [status]}}}}
    return {"anyOf": [other, {"required": list(properties), "properties": properties}]}


VALIDATOR: Document = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": [
            *("org", "made_by", "status", "property_id", "from", "to", "duration_minutes", "offer_minutes"),
            *("customer", "version", "unsettled", "created_at", "updated_at", "history"),
        ],
        "properties": {
            "org": _TEXT,
            "made_by": _TEXT,
            "status": {"enum": ["waiting", "offered", "booked", "lapsed", "cancelled"]},
            "property_id": _TEXT,
            "technician_id": {"anyOf": [_TEXT, {"bsonType": "null"}]},
            "service_id": {"anyOf": [_TEXT, {"bsonType": "null"}]},
            "from": _MOMENT,
            "to": _MOMENT,
            "duration_minutes": _WHOLE,
            "offer_minutes": _WHOLE,
            "hours": {"bsonType": "array"},
            "customer": {"bsonType": "object"},
            "version": _WHOLE,
            "unsettled": {"bsonType": "bool"},
            "created_at": _MOMENT,
            "waits_as": {"bsonType": "object"},
        },
        "allOf": [
            _needs("waiting", unsettled={"enum": [True]}),
            _needs(
                "offered", unsettled={"enum": [True]}, hold_id=_TEXT, start=_MOMENT, end=_MOMENT, offered_until=_MOMENT
            ),
            _needs("booked", booking_id=_TEXT),
        ],
    }
}

# The entries that the relay reads, in the order in which it serves them. Settled entries are not in the index.
UNSETTLED = IndexModel(
    [("org", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)],
    name="line",
    partialFilterExpression={"unsettled": True},
)

# Counts the entries that were made with the publishable key: of one address, or of all.
PUBLIC = IndexModel(
    [("org", ASCENDING), ("joined_from", ASCENDING)],
    name="public",
    partialFilterExpression={"unsettled": True, "joined_from": {"$gt": ""}},
)

WAITS_AS = ("phone", "email", "address")
"""By what two entries are of one person."""

# A person takes a turn with each entry for the same thing. Who takes a turn that another request has taken meanwhile
# is refused here and looks again, so no two requests decide by the same entries.
TURNS = [
    IndexModel(
        [("org", ASCENDING), (f"waits_as.{kind}.who", ASCENDING), (f"waits_as.{kind}.turn", ASCENDING)],
        name=f"turns_by_{kind}",
        unique=True,
        partialFilterExpression={f"waits_as.{kind}.who": {"$exists": True}},
    )
    for kind in WAITS_AS
]

IN_ORDER = [("created_at", ASCENDING), ("_id", ASCENDING)]

# For lists. Each filter reads along one of them.
LISTS = [
    IndexModel([("org", ASCENDING), ("property_id", ASCENDING), *IN_ORDER], name="by_property"),
    IndexModel([("org", ASCENDING), ("status", ASCENDING), *IN_ORDER], name="by_status"),
    IndexModel([("org", ASCENDING), *IN_ORDER], name="by_age"),
]

# Finds the offer of a hold while Redis is away.
OFFERED = IndexModel(
    [("org", ASCENDING), ("hold_id", ASCENDING)], name="offered", partialFilterExpression={"status": "offered"}
)

# Finds the entry behind a booking that is to be erased.
BY_HOLD = IndexModel(
    [("org", ASCENDING), ("hold_id", ASCENDING)], name="by_hold", partialFilterExpression={"hold_id": {"$gt": ""}}
)

INDEXES = [UNSETTLED, PUBLIC, OFFERED, BY_HOLD, BY_PERSON, *TURNS, *LISTS]
