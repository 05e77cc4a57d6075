"""A deliberately naive booking server: it looks whether a slot is free, and then writes. It serves the proof alone.

It keeps no claims index, no idempotency and no owner, which is how such services are often written first.
`scripts/stress.py --target naive` runs the same load and the same verdict against it, and the verdict must find double
bookings: a proof that could not fail would prove nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pymongo import MongoClient

Document = dict[str, Any]

GRID_MINUTES = 15
WINDOW_SECONDS = 0.01
"""Between the check and the write. A network in between would take as long; it makes the fault show in every run."""


class NaiveBookings:
    """Check, then write, on any MongoDB database. window_seconds: how long the two are apart."""

    def __init__(self, database: Any, window_seconds: float = WINDOW_SECONDS) -> None:
        self.database = database
        self.window_seconds = window_seconds
        self.numbers = itertools.count(1)
        # A slow collection scan would throttle the load that is to show the fault; a plain index guards nothing.
        for collection in (database.bookings, database.holds):
            collection.create_index([("start", 1)])

    def visit(self, body: Document) -> Document:
        """The slot fields of a request, as both a hold and a booking keep them."""
        start = datetime.fromisoformat(body["start"]).astimezone(UTC)
        duration = body.get("duration_minutes", 60)
        return {
            "property_id": body["property_id"], "technician_id": body.get("technician_id", "anybody"),
            "start": start, "end": start + timedelta(minutes=duration), "duration_minutes": duration,
            "buffer_before_minutes": body.get("buffer_before_minutes", 0),
            "buffer_after_minutes": body.get("buffer_after_minutes", 0),
        }  # fmt: skip

    def taken(self, collection: Any, visit: Document, more: Document) -> bool:
        """Whether there is something at this property or technician at that time. The check."""
        same = [{"property_id": visit["property_id"]}, {"technician_id": visit["technician_id"]}]
        query = {"$or": same, "start": {"$lt": visit["end"]}, "end": {"$gt": visit["start"]}, **more}
        return collection.find_one(query) is not None

    def hold(self, body: Document) -> tuple[int, Document]:
        visit, now = self.visit(body), datetime.now(UTC)
        if self.taken(self.database.bookings, visit, {"active": True}):
            return 409, {"code": "slot_booked"}
        if self.taken(self.database.holds, visit, {"expires_at": {"$gt": now}}):
            return 409, {"code": "slot_held"}
        time.sleep(self.window_seconds)
        seconds = body.get("ttl_seconds", 300)
        hold_id = f"naive-hold-{next(self.numbers)}"
        self.database.holds.insert_one({"_id": hold_id, **visit, "expires_at": now + timedelta(seconds=seconds)})
        return 201, {"hold_id": hold_id, "ttl_seconds": seconds, "status": "held", **visit}

    def book(self, body: Document) -> tuple[int, Document]:
        hold_id = body.get("hold_id")
        held = self.database.holds.find_one({"_id": hold_id}) if hold_id else None
        if hold_id and held is None:
            return 410, {"code": "hold_expired"}
        visit = {name: value for name, value in (held or self.visit(body)).items() if name not in ("_id", "expires_at")}
        if self.taken(self.database.bookings, visit, {"active": True}):
            return 409, {"code": "slot_booked"}
        if not held and self.taken(self.database.holds, visit, {"expires_at": {"$gt": datetime.now(UTC)}}):
            return 409, {"code": "slot_held"}
        time.sleep(self.window_seconds)
        booking_id = f"naive-booking-{next(self.numbers)}"
        told = {**visit, "status": "confirmed", "version": 1, "hold_id": hold_id}
        document = {
            "_id": booking_id,
            "org": "naive",
            "active": True,
            "customer": body["customer"],
            "claims": claims(visit),
            **told,
        }
        self.database.bookings.insert_one(document)
        return 201, {"booking_id": booking_id, **told}

    def cancel(self, booking_id: str) -> tuple[int, Document]:
        change = {"active": False, "status": "cancelled", "version": 2}
        done = self.database.bookings.update_one({"_id": booking_id}, {"$set": change})
        return (
            (200, {"booking_id": booking_id, "status": "cancelled"})
            if done.matched_count
            else (404, {"code": "booking_not_found"})
        )

    def reserve(self, body: Document) -> tuple[int, Document]:
        """A booking that nobody will ever release."""
        status, told = self.book(body)
        if status == 201:
            more = {"status": "pending", "reserved_until": datetime.now(UTC) + timedelta(hours=body["hours"])}
            self.database.bookings.update_one({"_id": told["booking_id"]}, {"$set": more})
            told |= more
        return status, told

    def confirm(self, booking_id: str) -> tuple[int, Document]:
        self.database.bookings.update_one({"_id": booking_id}, {"$set": {"status": "confirmed"}})
        return self.read(booking_id)

    def read(self, booking_id: str) -> tuple[int, Document]:
        booking = self.database.bookings.find_one({"_id": booking_id})
        if booking is None:
            return 404, {"code": "booking_not_found"}
        told = {name: value for name, value in booking.items() if name not in ("_id", "claims", "customer", "history")}
        return 200, {"booking_id": booking_id, **told}

    def move(self, booking_id: str, body: Document) -> tuple[int, Document]:
        """Reads a booking, looks whether the new place is free, and writes what it read with the changes."""
        status, booking = self.read(booking_id)
        if status != 200 or not booking["active"]:
            return 409, {"code": "invalid_transition"}
        visit = self.visit({**booking, "start": booking["start"].isoformat(), **body})
        if self.taken(self.database.bookings, visit, {"active": True, "_id": {"$ne": booking_id}}):
            return 409, {"code": "slot_booked"}
        time.sleep(self.window_seconds)
        moved = {**visit, "claims": claims(visit), "version": booking["version"] + 1}
        self.database.bookings.update_one({"_id": booking_id}, {"$set": moved})
        return self.read(booking_id)

    def release(self, hold_id: str) -> tuple[int, Document]:
        self.database.holds.delete_one({"_id": hold_id})
        return 204, {}

    def extend(self, hold_id: str, body: Document) -> tuple[int, Document]:
        until = datetime.now(UTC) + timedelta(seconds=body["ttl_seconds"])
        done = self.database.holds.update_one({"_id": hold_id}, {"$set": {"expires_at": until}})
        return (200, {"hold_id": hold_id}) if done.matched_count else (410, {"code": "hold_expired"})

    def answer(self, method: str, path: str, body: Document) -> tuple[int, Document]:  # noqa: PLR0911
        """The reply to one request."""
        parts = path.partition("?")[0].strip("/").split("/")
        match (method, *parts):
            case ("POST", "hold"):
                return self.hold(body)
            case ("POST", "book"):
                return self.book(body)
            case ("POST", "bookings", booking_id, "cancel"):
                return self.cancel(booking_id)
            case ("POST", "reserve"):
                return self.reserve(body)
            case ("POST", "bookings", booking_id, "confirm"):
                return self.confirm(booking_id)
            case ("GET", "bookings", booking_id):
                return self.read(booking_id)
            case ("PATCH", "bookings", booking_id):
                return self.move(booking_id, body)
            case ("DELETE", "hold", hold_id):
                return self.release(hold_id)
            case ("POST", "hold", hold_id, "extend"):
                return self.extend(hold_id, body)
            case ("POST", "properties" | "technicians"):
                return 201, body
            case ("PATCH", "properties" | "technicians", _) | ("GET", "healthz"):
                return 200, {}
            case ("GET", "availability"):
                return 200, {"timezone": "UTC", "grid_minutes": GRID_MINUTES, "slots": []}
        return 404, {"code": "not_found"}


def claims(visit: Document) -> list[Document]:
    """The claims of a visit, in the form that real bookings carry, so that one verdict reads both."""
    seconds = GRID_MINUTES * 60
    first = int(visit["start"].replace(tzinfo=UTC).timestamp()) // seconds
    last = first + visit["duration_minutes"] // GRID_MINUTES
    before, after = (visit[f"buffer_{side}_minutes"] // GRID_MINUTES for side in ("before", "after"))
    mine = [{"resource": f"property:{visit['property_id']}", "tick": tick} for tick in range(first, last)]
    technician = f"technician:{visit['technician_id']}"
    return mine + [{"resource": technician, "tick": tick} for tick in range(first - before, last + after)]


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    raise TypeError(f"{value!r} is not JSON")


class NaiveServer(ThreadingHTTPServer):
    """A thread for each connection: enough for a few thousand clients on one machine."""

    daemon_threads = True
    request_queue_size = 4096

    def __init__(self, bookings: NaiveBookings, port: int = 0) -> None:
        self.bookings = bookings
        super().__init__(("127.0.0.1", port), NaiveHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class NaiveHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: NaiveServer

    def respond(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        try:
            status, reply = self.server.bookings.answer(self.command, self.path, body)
        except Exception as error:  # whatever a naive server does not foresee is a 500
            status, reply = 500, {"code": "internal", "detail": type(error).__name__}
        payload = b"" if status == 204 else json.dumps(reply, default=_plain).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = do_PATCH = respond

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: thousands of lines would be no help."""

    def handle(self) -> None:
        # Clients of the `retries` scenario hang up before the reply: that is what they are there for.
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True


def main() -> None:
    """Serves on a free port until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mongo", required=True, help="MongoDB URL")
    parser.add_argument("--database", required=True, help="scratch database")
    arguments = parser.parse_args()
    client = MongoClient[Document](arguments.mongo, tz_aware=True, maxPoolSize=200, serverSelectionTimeoutMS=3000)
    server = NaiveServer(NaiveBookings(client[arguments.database]))
    print("ready", server.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
