"""What MongoDB itself demands of a booking: its validator and its indexes, the final guard among them."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from services.ledger.crews import BY_NO_CREW, BY_TECHNICIAN
from services.ledger.persons import BY_PERSON
from services.ledger.search import BY_NO_SEARCH, BY_SEARCH
from services.stores.connections import Document

GUARD = "one_booking_per_claim"
ACTIVE_NEEDS_CLAIMS = {
    "anyOf": [
        {"properties": {"active": {"enum": [False]}}},
        {"properties": {"claims": {"bsonType": "array", "minItems": 2}}},
    ]
}
PENDING_NEEDS_DEADLINE = {
    "anyOf": [
        {"properties": {"status": {"not": {"enum": ["pending"]}}}},
        {
            "required": ["reserved_by", "reserved_until"],
            "properties": {
                "reserved_by": {"bsonType": "string", "minLength": 1},
                "reserved_until": {"bsonType": "date"},
            },
        },
    ]
}
VALIDATOR: Document = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": [
            *("org", "property_id", "technician_id", "start", "end", "claims", "active", "status", "version"),
            *("customer", "source", "created_at", "updated_at", "history"),
        ],
        "properties": {
            "org": {"bsonType": "string", "minLength": 1},
            "property_id": {"bsonType": "string", "minLength": 1},
            "technician_id": {"bsonType": "string", "minLength": 1},
            "technician_ids": {"bsonType": "array", "minItems": 1, "items": {"bsonType": "string", "minLength": 1}},
            "start": {"bsonType": "date"},
            "end": {"bsonType": "date"},
            "active": {"bsonType": "bool"},
            "version": {"bsonType": ["int", "long"], "minimum": 1},
            "status": {"enum": ["pending", "confirmed", "completed", "no_show", "cancelled", "expired"]},
            "claims": {
                "bsonType": "array",
                "items": {
                    "bsonType": "object",
                    "required": ["resource", "tick"],
                    "properties": {
                        "resource": {"bsonType": "string", "pattern": "^(property|technician):"},
                        "tick": {"bsonType": ["int", "long"]},
                    },
                },
            },
        },
        "allOf": [
            ACTIVE_NEEDS_CLAIMS,
            PENDING_NEEDS_DEADLINE,
            {
                "anyOf": [
                    {"properties": {"active": {"enum": [True]}, "status": {"enum": ["pending", "confirmed"]}}},
                    {
                        "properties": {
                            "active": {"enum": [False]},
                            "status": {"enum": ["completed", "no_show", "cancelled", "expired"]},
                        }
                    },
                ]
            },
        ],
    }
}

BOOKING_INDEXES = [
    IndexModel(
        [("org", ASCENDING), ("claims.resource", ASCENDING), ("claims.tick", ASCENDING)],
        name=GUARD,
        unique=True,
        partialFilterExpression={"active": True},
    ),
    IndexModel([("org", ASCENDING), ("start", ASCENDING), ("_id", ASCENDING)], name="by_start"),
    IndexModel(
        [("org", ASCENDING), ("property_id", ASCENDING), ("start", ASCENDING), ("_id", ASCENDING)], name="by_property"
    ),
    BY_TECHNICIAN,
    BY_NO_CREW,
    IndexModel([("org", ASCENDING), ("status", ASCENDING), ("start", ASCENDING), ("_id", ASCENDING)], name="by_status"),
    IndexModel(
        [("org", ASCENDING), ("external_reference", ASCENDING), ("start", ASCENDING), ("_id", ASCENDING)],
        name="by_reference",
        partialFilterExpression={"external_reference": {"$gt": ""}},  # most bookings have none
    ),
    IndexModel(
        [("org", ASCENDING), ("series_id", ASCENDING), ("start", ASCENDING), ("_id", ASCENDING)],
        name="by_series",
        partialFilterExpression={"series_id": {"$gt": ""}},
    ),
    BY_PERSON,
    IndexModel([("org", ASCENDING), ("changed", ASCENDING), ("_id", ASCENDING)], name="by_change"),
    # Of documents that an earlier release wrote.
    IndexModel([("changed", ASCENDING)], name="by_no_change", partialFilterExpression={"changed": None}),
    BY_SEARCH,
    BY_NO_SEARCH,
    # Of one customer, newest first. The status behind it lets MongoDB count visits in the index alone.
    IndexModel(
        [(name, ASCENDING) for name in ("org", "customer_key", "start", "_id", "status")],
        name="by_customer",
        partialFilterExpression={"customer_key": {"$gt": ""}},
    ),
    IndexModel(
        [("customer_key", ASCENDING)], name="by_no_customer_key", partialFilterExpression={"customer_key": None}
    ),
    # Of all orgs, for the relay; it holds what is pending and nothing else.
    IndexModel([("reserved_until", ASCENDING)], name="by_deadline", partialFilterExpression={"status": "pending"}),
]
