"""Opens streams of live events: who may watch what, and how many streams there may be."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Final

from models.access import STAFF, STRANGERS, Caller, Role
from models.errors import Fault, Forbidden, InvalidRequest, RateLimited, StoreUnavailable
from models.live import EventsQuery
from services.bookings.changes import BookingLife
from services.catalogue.reader import Catalogue, Snapshot
from services.claims.keys import digest
from services.live.hub import Hub
from services.live.keeping import Keeper, Seat
from services.live.reader import Reader
from services.live.stream import Stream
from services.live.views import Reach, View, Watcher

MOST_OF_AN_ADDRESS: Final = 20
RETRY_SECONDS: Final = 15
FULL = "Too many live streams are open on this server. Please try again in a moment."


class Feed:
    """The live feed of one process. most: open streams at a time."""

    def __init__(
        self,
        *,
        hub: Hub,
        reader: Reader,
        keeper: Keeper,
        catalogue: Catalogue,
        bookings: BookingLife,
        most: int,
    ) -> None:
        self._hub = hub
        self._reader = reader
        self._keeper = keeper
        self._catalogue = catalogue
        self._bookings = bookings
        self._most = most

    def open(self, caller: Caller, query: EventsQuery) -> Stream:
        """A stream of the events that the caller may see. It has to be closed.

        Raises Forbidden, InvalidRequest, PropertyNotFound, TechnicianNotFound, RateLimited (the address has as many
        streams as it may), Unauthenticated (a manage token that has ended), StoreUnavailable (also if this process has
        as many streams as it may).
        """
        view = self._view(caller, query)
        if self._hub.count >= self._most:
            raise StoreUnavailable(FULL, retry_after_seconds=RETRY_SECONDS)
        reach = reach_of(self._catalogue.snapshot(caller.org), view)
        seat = self._seat(caller)
        key = None if caller.role is Role.CUSTOMER else (caller.org, caller.session_id or caller.shown_id)
        watcher = Watcher(partial(self._keeper.give_back, seat), key, caller.booking_id)
        try:
            stream = self._hub.open(view, reach, query.last_event_id, watcher)
        except StoreUnavailable:
            self._keeper.give_back(seat)
            raise
        self._keeper.ensure()
        self._reader.ensure()
        return stream

    def _view(self, caller: Caller, query: EventsQuery) -> View:
        if query.property_id is not None and query.technician_id is not None:
            text = "Leave out technician_id, or property_id: a stream is of one of them."
            raise InvalidRequest(Fault("technician_id", "not_together", text))
        if query.technician_id is not None:
            if caller.role in STRANGERS:
                raise Forbidden("Give property_id; the streams of technicians are for the office.")
            self._catalogue.technician(caller.org, query.technician_id)
        elif query.property_id is None:
            if caller.role not in STAFF:
                raise Forbidden("Give property_id; the stream of the whole organisation is for the office.")
        else:
            self._require_property(caller, query.property_id)
        return View(caller.org, query.property_id, query.technician_id, digests=caller.role in STRANGERS)

    def _require_property(self, caller: Caller, property_id: str) -> None:
        if caller.role is Role.CUSTOMER:
            booking = self._bookings.get(caller, str(caller.booking_id))
            if booking.property_id != property_id:
                raise Forbidden("This link is good for the property of its own visit.")
        self._catalogue.property(caller.org, property_id)

    def _seat(self, caller: Caller) -> Seat | None:
        if caller.role not in STRANGERS:
            return None
        seat = Seat(caller.org, digest("address", caller.address), secrets.token_hex(8))
        if not self._keeper.take(seat, MOST_OF_AN_ADDRESS):
            text = f"Please close one of the {MOST_OF_AN_ADDRESS} streams of this address; it may have no more."
            raise RateLimited(text, retry_after_seconds=RETRY_SECONDS)
        return seat


def reach_of(snapshot: Snapshot, view: View) -> Reach | None:
    """What concerns the view of a property: visits that take it or one of its units, and those of the technicians who
    may be sent there. Raises PropertyNotFound, StoreUnavailable."""
    if view.property_id is None:
        return None
    site = snapshot.site(view.property_id)
    who = snapshot.technicians()
    sent = [each.id for each in who if site.area is None or not each.areas or site.area in each.areas]
    return Reach(frozenset({site.id, *snapshot.units_of(site.id)}), frozenset(sent))
