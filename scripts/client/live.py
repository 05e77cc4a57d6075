"""Follows the live feed: a board that stays as it would be if it were loaded anew, over all that may break in between.

Open the stream; load the snapshot, which says at which event it was read; apply each event that is newer. `Board` is
the picture, `Follower` keeps it up to date in a thread of its own.
"""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from scripts.client.wire import LOST, Json

WATCHDOG_SECONDS: Final = 35.0
"""The server sends something every 15 seconds. After so long a silence the connection is dead."""
LONGEST_PAUSE: Final = 15.0
FIRST_PAUSE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream."""

    id: str
    kind: str
    data: Json


def order(event_id: str) -> tuple[int, int]:
    """Event ids in the order in which the events happened."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number)


def read_events(lines: Iterator[bytes]) -> Iterator[Event]:
    """The events of a stream of lines. An id without an event is an event of the kind `id`, without data."""
    fields: dict[str, str] = {}
    for line in lines:
        text = line.decode().rstrip("\r\n")
        name, _, value = text.partition(": ")
        if text and name:  # a comment has no name
            fields[name] = value
        elif not text and fields:
            yield Event(fields.get("id", ""), fields.get("event", "id"), json.loads(fields.get("data", "{}")))
            fields = {}


@dataclass(slots=True)
class Board:
    """What a page shows of a property, or of the whole org: bookings by id, and holds by ref.

    applied: how many events it has taken over. position: the newest event that is in it.
    """

    property_id: str | None = None
    position: str = "0-0"
    visits: dict[str, Json] = field(default_factory=dict)
    holds: dict[str, Json] = field(default_factory=dict)
    applied: int = 0

    def load(self, snapshot: Json) -> None:
        """Begins anew with the reply of GET /board."""
        self.position = snapshot["stream_id"]
        self.visits = {visit["booking_id"]: _of(visit) for visit in snapshot["visits"] if self._is_here(visit)}
        self.holds = {hold["ref"]: _of(hold) for hold in snapshot["holds"] if self._is_here(hold)}

    def apply(self, event: Event) -> None:
        """Takes an event over, unless it is in the picture already."""
        if event.id and order(event.id) <= order(self.position):
            return
        self.position = event.id or self.position
        data = event.data
        if "ref" not in data:
            return
        self.applied += 1
        self.holds.pop(data.get("replaces", ""), None)
        shown = self.holds if data["version"] is None else self.visits
        if (data["version"] or 0) < shown.get(data["ref"], {}).get("version", 0):
            return
        shown.pop(data["ref"], None)
        if event.kind != "release" and self._is_here(data):
            shown[data["ref"]] = _of(data)

    def _is_here(self, data: Json) -> bool:
        return self.property_id in (None, data["property_id"])

    def shown(self, now: datetime) -> Json:
        """The picture at a moment: a hold whose time is over is gone, without an event."""
        live = {ref: hold for ref, hold in self.holds.items() if datetime.fromisoformat(hold["expires_at"]) > now}
        return {"visits": self.visits, "holds": live}


def _of(data: Json) -> Json:
    """What is compared of a visit or a hold; snapshots and events have both."""
    kept = ("property_id", "technician_ids", "start", "end", "status", "source", "version", "expires_at")
    found = {name: data[name] for name in kept if data.get(name) is not None}
    if "version" in found:
        found.pop("expires_at", None)
    else:
        found.pop("status", None)
    return found


class Follower:
    """Keeps a board up to date until `stop`.

    query: of GET /events. snapshot: of GET /board. heeds_reset: False only in a test, which shows that it must.
    """

    def __init__(self, url: str, key: str, query: Json, snapshot: Json, *, heeds_reset: bool = True) -> None:
        self.board = Board(query.get("property_id"))
        self.resets = self.connections = 0
        self.loaded = threading.Event()
        self._address = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._query = f"/events?{urlencode(query)}"
        self._snapshot = f"/board?{urlencode(snapshot)}"
        self._heeds_reset = heeds_reset
        self._last = ""
        self._needs_snapshot = True
        self._socket: socket.socket | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow_on, name="follower", daemon=True)

    def start(self) -> Follower:
        """Begins to follow."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends, and waits until it has."""
        self._stopped.set()
        self.drop()
        self._thread.join(timeout=10)

    def drop(self) -> None:
        """Breaks the connection, as a network may."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _follow_on(self) -> None:
        attempt = 0
        while not self._stopped.is_set():
            pause = None
            try:
                with closing(self._connection()) as connection:
                    reply = self._open(connection)
                    pause = reply.getheader("Retry-After")
                    if reply.status == 200:
                        attempt = 0
                        self.connections += 1
                        self._take(reply)
            except (*LOST, ValueError, KeyError):  # a connection that breaks may leave half an event
                pass
            attempt += 1
            longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
            self._stopped.wait(float(pause or 0) + random.uniform(0, longest) / 4)

    def _connection(self) -> HTTPConnection:
        address = self._address
        return HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=WATCHDOG_SECONDS)

    def _open(self, connection: HTTPConnection) -> HTTPResponse:
        headers = self._headers | ({"Last-Event-ID": self._last} if self._last else {})
        connection.request("GET", self._query, headers=headers)
        self._socket = connection.sock
        return connection.getresponse()

    def _take(self, reply: HTTPResponse) -> None:
        for event in read_events(iter(reply.readline, b"")):
            if event.kind == "reset":
                self.resets += 1
                self._needs_snapshot = self._needs_snapshot or self._heeds_reset
            if self._needs_snapshot:
                self._load()
            if event.kind == "bye":
                return
            self.board.apply(event)
            self._last = event.id or self._last

    def _load(self) -> None:
        """The events that come meanwhile wait in the connection."""
        self.board.load(fetch(self._address.geturl(), self._snapshot, self._headers))
        self._needs_snapshot = False
        self.loaded.set()


def fetch(url: str, path: str, headers: dict[str, str]) -> Json:
    """The JSON of a GET. Raises one of LOST where there is none."""
    address = urlsplit(url)
    with closing(HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        found: Any = json.loads(reply.read())
        if reply.status != 200:
            raise HTTPException(f"{path.partition('?')[0]} was answered with {reply.status}")
    return dict(found)


def fresh(url: str, key: str, snapshot: Json, property_id: str | None = None) -> Board:
    """A board that is loaded just now."""
    board = Board(property_id)
    board.load(fetch(url, f"/board?{urlencode(snapshot)}", {"Authorization": f"Bearer {key}"}))
    return board
