"""What people write instead, in about sixty lines: one key for one slot, one document, one unique index on one field.

A yardstick of scripts/bench.py. It knows no property, no overlap, no travel time, no role and no repeated request, and
it validates nothing but JSON. It books a hold that runs out between the read and the insert.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from pymongo import MongoClient, WriteConcern
from pymongo.errors import DuplicateKeyError
from redis import Redis

HOLD_SECONDS = 300


def create_app(redis: Redis | None = None, mongo: MongoClient[dict[str, Any]] | None = None) -> Flask:
    """The service on the stores that the environment names. redis, mongo: given by tests."""
    app = Flask(__name__)
    redis = redis or Redis.from_url(os.environ["REDIS_URL"])
    mongo = mongo or MongoClient(os.environ["MONGO_URL"])
    bookings = mongo.textbook.get_collection("bookings", write_concern=WriteConcern("majority", j=True))
    bookings.create_index("slot", unique=True)

    @app.post("/hold")
    def hold() -> ResponseReturnValue:
        wanted = request.get_json()
        slot = f"{wanted['technician_id']}|{wanted['start']}"
        value = {"hold_id": secrets.token_urlsafe(16), "slot": slot, "holder": wanted.get("holder")}
        if not redis.set(f"hold:{slot}", json.dumps(value), nx=True, ex=HOLD_SECONDS):
            return refused(409, "slot_held")
        return jsonify(value), 201

    @app.post("/book")
    def book() -> ResponseReturnValue:
        """With a hold_id what that hold has; without one directly, unless another client holds it."""
        wanted = request.get_json()
        slot = f"{wanted['technician_id']}|{wanted['start']}"
        found: Any = redis.get(f"hold:{slot}")
        held = json.loads(found)["hold_id"] if found else None
        if held != wanted.get("hold_id"):
            return refused(409, "slot_held") if held else refused(410, "hold_expired")
        booking = {
            "_id": secrets.token_urlsafe(16),
            "slot": slot,
            "customer": wanted["customer"],
            "status": "confirmed",
        }
        try:
            bookings.insert_one(booking)
        except DuplicateKeyError:
            return refused(409, "slot_booked")
        if held:
            redis.delete(f"hold:{slot}")
        return jsonify(booking), 201

    return app


def refused(status: int, code: str) -> ResponseReturnValue:
    return jsonify(code=code), status
