"""A deliberately naive booking server: it checks whether a slot is free, and then writes. It serves the proof alone.

It keeps no claims index, no idempotency and no owner, which is how such services are often written first.
`scripts/stress.py --target naive` runs the same load and the same verdict against it, and the verdict must find double
bookings: a proof that could not fail would prove nothing.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn

from flask import Flask, abort, make_response, request
from flask.json.provider import DefaultJSONProvider
from pymongo import MongoClient
from werkzeug.serving import ThreadedWSGIServer

from scripts.load.rules.evidence import changed, claims_of

Document = dict[str, Any]
Answer = tuple[Document, int]

GRID_MINUTES = 15
WINDOW_SECONDS = 0.01  # between the check and the write, as a network in between would take


class NaiveBookings:
    """Check, then write, on any MongoDB database. window_seconds: how long the two are apart."""

    def __init__(self, database: Any, window_seconds: float = WINDOW_SECONDS) -> None:
        self.bookings = database.bookings
        self.holds = database.holds
        self.window_seconds = window_seconds
        self.numbers = itertools.count(1)
        # A slow collection scan would throttle the load that is to show the fault; a plain index guards nothing.
        for collection in (self.bookings, self.holds):
            collection.create_index([("start", 1)])

    def check(self, visit: Document, *, holds: bool = True, own: str = "") -> None:
        """Refuses a visit where something is in its way. own: a booking that is not. The check; then time passes."""
        same = [{"property_id": visit["property_id"]}, {"technician_ids": {"$in": visit["technician_ids"]}}]
        overlap = {"$or": same, "start": {"$lt": visit["end"]}, "end": {"$gt": visit["start"]}}
        if self.bookings.find_one({**overlap, "active": True, "_id": {"$ne": own}}):
            _refuse("slot_booked")
        if holds and self.holds.find_one({**overlap, "expires_at": {"$gt": datetime.now(UTC)}}):
            _refuse("slot_held")
        time.sleep(self.window_seconds)

    def hold(self) -> Answer:
        body = _body()
        visit, seconds = _visit(body), body.get("ttl_seconds", 300)
        self.check(visit)
        hold_id = f"naive-hold-{next(self.numbers)}"
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        self.holds.insert_one({"_id": hold_id, **visit, "expires_at": until})
        return {"hold_id": hold_id, "ttl_seconds": seconds, "status": "held", **visit}, 201

    def book(self, **more: Any) -> Answer:
        body = _body()
        hold_id = body.get("hold_id")
        held = self.holds.find_one({"_id": hold_id}, {"_id": 0, "expires_at": 0}) if hold_id else None
        if hold_id and held is None:
            _refuse("hold_expired", 410)
        visit = held or _visit(body)
        self.check(visit, holds=not held)
        booking_id = f"naive-booking-{next(self.numbers)}"
        stored = {"org": "naive", "active": True, "customer": body["customer"], "claims": _claims(visit)}
        shown = {**visit, "status": "confirmed", "version": 1, "hold_id": hold_id, **more}
        self.bookings.insert_one({"_id": booking_id, **stored, **shown})
        return {"booking_id": booking_id, **shown}, 201

    def reserve(self) -> Answer:
        return self.book(status="pending", reserved_until=datetime.now(UTC) + timedelta(hours=_body()["hours"]))

    def read(self, booking_id: str) -> Answer:
        booking = self.bookings.find_one({"_id": booking_id}, {"_id": 0, "claims": 0, "customer": 0})
        return ({"booking_id": booking_id, **booking}, 200) if booking else _refuse("booking_not_found", 404)

    def change(self, booking_id: str, **changes: Any) -> Answer:
        """Writes some fields of a booking, whatever it is by now."""
        self.bookings.update_one({"_id": booking_id}, {"$set": changes})
        return self.read(booking_id)

    def move(self, booking_id: str) -> Answer:
        booking, status = self.read(booking_id)
        if status != 200 or not booking["active"]:
            _refuse("invalid_transition")
        visit = _visit(changed({**booking, "start": booking["start"].isoformat()}, _body()))
        self.check(visit, holds=False, own=booking_id)
        return self.change(booking_id, **visit, claims=_claims(visit), version=booking["version"] + 1)

    def release(self, hold_id: str) -> Answer:
        self.holds.delete_one({"_id": hold_id})
        return {}, 204

    def extend(self, hold_id: str) -> Answer:
        until = datetime.now(UTC) + timedelta(seconds=_body()["ttl_seconds"])
        done = self.holds.update_one({"_id": hold_id}, {"$set": {"expires_at": until}})
        return ({"hold_id": hold_id}, 200) if done.matched_count else _refuse("hold_expired", 410)


def _refuse(code: str, status: int = 409) -> NoReturn:
    abort(make_response({"code": code}, status))


def _body() -> Document:
    return request.get_json(silent=True) or {}


def _visit(body: Document) -> Document:
    """The slot fields of a request, as both a hold and a booking keep them."""
    start, duration = datetime.fromisoformat(body["start"]).astimezone(UTC), body.get("duration_minutes", 60)
    buffers = {name: body.get(name, 0) for name in ("buffer_before_minutes", "buffer_after_minutes")}
    alone = [body["technician_id"]] if "technician_id" in body else []
    crew = body.get("technician_ids") or alone or [f"any-{number}" for number in range(body.get("technicians", 1))]
    who = {"property_id": body["property_id"], "technician_id": crew[0], "technician_ids": crew}
    return {
        **who, "start": start, "end": start + timedelta(minutes=duration), "duration_minutes": duration, **buffers
    }  # fmt: skip


def _claims(visit: Document) -> list[Document]:
    """The claims of a visit, in the form that real bookings carry, so that one verdict reads both."""
    return [{"resource": resource, "tick": tick} for resource, tick in sorted(claims_of(visit, GRID_MINUTES * 60))]


class _Json(DefaultJSONProvider):
    @staticmethod
    def default(o: Any) -> Any:
        return f"{o:%Y-%m-%dT%H:%M:%SZ}" if isinstance(o, datetime) else DefaultJSONProvider.default(o)


def naive_app(bookings: NaiveBookings) -> Flask:
    app = Flask("naive")
    app.json = _Json(app)
    cancelled: Document = {"active": False, "status": "cancelled", "version": 2}
    for method, path, view in (
        ("POST", "/hold", bookings.hold),
        ("POST", "/hold/<hold_id>/extend", bookings.extend),
        ("DELETE", "/hold/<hold_id>", bookings.release),
        ("POST", "/book", bookings.book),
        ("POST", "/reserve", bookings.reserve),
        ("GET", "/bookings/<booking_id>", bookings.read),
        ("PATCH", "/bookings/<booking_id>", bookings.move),
        ("POST", "/bookings/<booking_id>/cancel", partial(bookings.change, **cancelled)),
        ("POST", "/bookings/<booking_id>/confirm", partial(bookings.change, status="confirmed")),
        ("POST", "/properties", lambda: ({}, 201)),
        ("POST", "/technicians", lambda: ({}, 201)),
        ("PATCH", "/technicians/<_name>", lambda _name: {}),
        ("GET", "/availability", lambda: {"grid_minutes": GRID_MINUTES, "slots": []}),
        ("GET", "/healthz", dict),
    ):
        app.add_url_rule(path, f"{method} {path}", view, methods=[method])
    return app


class NaiveServer(ThreadedWSGIServer):
    """A thread for each request: enough for a few thousand clients on one machine."""

    daemon_threads = True
    request_queue_size = 4096

    def __init__(self, bookings: NaiveBookings) -> None:
        super().__init__("127.0.0.1", 0, naive_app(bookings))
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # thousands of lines would be no help


def main() -> None:
    """Serves on a free port until it is stopped. MONGO_URL names the MongoDB, the argument a scratch database."""
    client = MongoClient[Document](
        os.environ["MONGO_URL"], tz_aware=True, maxPoolSize=200, serverSelectionTimeoutMS=3000
    )
    server = NaiveServer(NaiveBookings(client[sys.argv[1]]))
    print(f"ready http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
