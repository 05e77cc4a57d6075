"""A server, and clients that listen to it on raw connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from models.booking import Booking
from models.booking_changes import BookingPatch
from models.hold import Hold
from scripts.client.live import Event, read_events
from scripts.dev_server.child import wait_until
from tests.system.doors.gunicorn import HOST, Gunicorn, Line
from tests.system.drills.installation import Installation
from tests.world import World, rfc3339, tomorrow


class Listener:
    """One open stream. Reads the head of its reply at once."""

    def __init__(
        self, line: Line, query: str, key: str, *, after: str = "", version: str = "1.1", cookie: str = ""
    ) -> None:
        again = f"Last-Event-ID: {after}\r\n" if after else ""
        shown = f"Cookie: {cookie}" if cookie else f"Authorization: Bearer {key}"
        head = f"GET /events{query} HTTP/{version}\r\nHost: {HOST}\r\n{shown}\r\n{again}\r\n"
        self.line = line
        line.send(head.encode())
        self._file = line.socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        fields = iter(self._file.readline, b"\r\n")
        split = (field.decode("latin-1").partition(":") for field in fields)
        self.headers = {name.lower(): value.strip() for name, _, value in split}
        self._events = read_events(self._lines())

    def next(self, *, skips: bool = True) -> Event:
        """The next event; StopIteration at the end. skips: pings do not count."""
        event = next(self._events)
        return self.next() if skips and event.kind == "id" else event

    def until(self, kind: str) -> list[Event]:
        """The events up to the first of a kind, and that one."""
        assert self.status == 200, self.problem()
        found = [self.next()]
        while found[-1].kind != kind:
            found.append(self.next())
        return found

    def problem(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._file.read(int(self.headers["content-length"])))
        return document

    def close(self) -> None:
        self._file.close()
        self.line.close()

    def _lines(self) -> Iterator[bytes]:
        if self.headers.get("transfer-encoding") != "chunked":
            yield from iter(self._file.readline, b"")
            return
        rest = b""
        while size := int(self._file.readline() or b"0", 16):
            rest += self._file.read(size + 2)[:-2]
            *lines, rest = rest.split(b"\n")
            yield from (line + b"\n" for line in lines)


class Listening:
    """A server over an installation, and an org of its own in it, whose keys and catalogue the server has read."""

    def __init__(self, installation: Installation, server: Gunicorn) -> None:
        self.installation = installation
        self.world = World(installation.world.services)
        self.server = server
        self._listeners: list[Listener] = []
        self._hours = 0
        for key in self.world.keys.values():
            assert wait_until(partial(self._serves, key), seconds=30, every=0.1)

    def listen(
        self, query: str = "", role: str = "desk", *, key: str = "", source: str = HOST, **more: Any
    ) -> Listener:
        made = Listener(Line(self.server.port, source), query, key or self.world.keys[role], **more)
        self._listeners.append(made)
        return made

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server.port}"

    def _serves(self, key: str) -> bool:
        asked = Request(f"{self.url}/technicians/tech-1", headers={"Authorization": f"Bearer {key}"})
        try:
            with urlopen(asked, timeout=20):
                return True
        except HTTPError as refused:
            refused.close()
            return False

    def later(self) -> str:
        """A start that no earlier call gave."""
        self._hours += 1
        return rfc3339(tomorrow(0) + timedelta(hours=self._hours))

    def hold(self, role: str = "checkout", **slot: Any) -> Hold:
        """Places a hold of any start."""
        request = self.world.hold_request(
            **{"start": self.later(), "holder": f"holder-{self._hours}-0123456789"} | slot
        )
        return self.world.services.holds.place(self.world.caller(role), request).hold

    def book(self, hold: Hold, role: str = "checkout") -> Booking:
        """Books a hold."""
        request = self.world.book_request(hold_id=hold.hold_id)
        return self.world.services.bookings.book(self.world.caller(role), request).booking

    def book_directly(self, **slot: Any) -> Booking:
        request = self.world.direct_request(**{"start": self.later()} | slot)
        return self.world.services.bookings.book(self.world.caller("desk"), request).booking

    def move(self, booking: Booking, **changed: Any) -> Booking:
        patch = BookingPatch.model_validate(changed)
        return self.world.services.booking_life.reschedule(self.world.caller("desk"), booking.booking_id, patch, None)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()
