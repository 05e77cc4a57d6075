"""What has to be looked at now and then while streams are open: whether their keys still hold, whether the catalogue
has changed who may be sent where, and the seats of addresses.

It works in a thread of its own, because it asks MongoDB, and nothing that is sent may wait for that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from models.errors import PropertyNotFound, StoreUnavailable
from services.access.api_keys import ApiKeys
from services.catalogue.reader import Catalogue, Snapshot
from services.claims.seats import Seats
from services.live.hub import Hub
from services.live.views import Reach, View

log = structlog.get_logger("holdfast.live")

EVERY_SECONDS: Final = 1.0
KEYS_EVERY: Final = 2
SEATS_EVERY: Final = 10
"""Of so many rounds one looks at the keys, and one keeps the seats."""


class Seat(NamedTuple):
    """One stream of a client address, which is counted in Redis."""

    org: str
    address_digest: str
    seat: str


class Keeper:
    """Threads and greenlets share it. reach_of: what a view reaches under a snapshot of the catalogue."""

    def __init__(
        self,
        *,
        hub: Hub,
        seats: Seats,
        keys: ApiKeys,
        catalogue: Catalogue,
        reach_of: Callable[[Snapshot, View], Reach | None],
    ) -> None:
        self._hub = hub
        self._seats = seats
        self._keys = keys
        self._catalogue = catalogue
        self._reach_of = reach_of
        self._taken: set[Seat] = set()
        self._changed: dict[str, str] = {}
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ensure(self) -> None:
        """Starts to look, unless it does already. It ends with the last stream."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_on, name="live-keeper", daemon=True)
                self._thread.start()

    def take(self, seat: Seat, most: int) -> bool:
        """Counts a stream, unless its address has so many. Raises StoreUnavailable."""
        taken = self._seats.take(*seat, most=most)
        if taken:
            self._taken.add(seat)
        return taken

    def give_back(self, seat: Seat | None) -> None:
        """Lets another stream of the address have the seat."""
        if seat is not None:
            self._taken.discard(seat)
            with suppress(StoreUnavailable):  # it lapses by itself
                self._seats.leave(*seat)

    def catalogue_changed(self, org: str, epoch: str) -> None:
        """Lets the next round look whom the org's streams concern now."""
        self._changed[org] = epoch

    def round(self, number: int) -> None:
        """Looks at what is due in this round. Raises StoreUnavailable."""
        for org in list(self._changed):
            self._follow_catalogue(org, self._changed[org])
            self._changed.pop(org, None)
        if number % KEYS_EVERY == 0:
            self._end_those_of_ended_keys()
        if number % SEATS_EVERY == 0:
            self._keep_seats()

    def _keep_on(self) -> None:
        number = 0
        while self._is_needed():
            number += 1
            try:
                with suppress(StoreUnavailable):  # it is logged already, and a later round does the same
                    self.round(number)
            except Exception:  # this thread must go on, or no stream would end with its key
                log.exception("live_streams_unkept")
            time.sleep(EVERY_SECONDS)

    def _is_needed(self) -> bool:
        with self._starting:
            if self._hub.count == 0:
                self._thread = None
            return self._thread is not None

    def _follow_catalogue(self, org: str, epoch: str) -> None:
        if self._catalogue.epoch(org) != epoch:
            self._catalogue.forget(org, epoch)
        snapshot = self._catalogue.snapshot(org)
        found: dict[View, Reach] = {}
        for view, reach in self._hub.reaches(org).items():
            with suppress(PropertyNotFound):  # it was deleted: nothing more happens there
                now = self._reach_of(snapshot, view)
                if now is not None and now != reach:
                    found[view] = now
        self._hub.extend(org, found)

    def _end_those_of_ended_keys(self) -> None:
        by_key = self._hub.of_keys()
        for key in self._keys.ended(list(by_key)):
            for stream in by_key[key]:
                stream.stop()

    def _keep_seats(self) -> None:
        by_address: dict[tuple[str, str], list[str]] = {}
        for seat in list(self._taken):
            by_address.setdefault((seat.org, seat.address_digest), []).append(seat.seat)
        for (org, address_digest), seats in by_address.items():
            self._seats.keep(org, address_digest, seats)
