"""What staff do with a series that exists: read it, and cancel or change the visits that follow, each by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from models.access import Caller
from models.booking import Booking
from models.errors import NotFound, Refusal, StoreUnavailable
from models.series import LeftVisit, Series, SeriesCancel, SeriesRecord
from services.bookings.changes import BookingLife
from services.catalogue.reader import Catalogue
from services.clock import Clock
from services.ledger.expiry import Reservations
from services.ledger.series import SeriesStore
from services.stores.faults import last_start
from services.timetable.grid import day_start

NO_TIME_LEFT = "There was no time left for this visit. Please send the same request again."


class Read(NamedTuple):
    """A series, and its visits as they are now, by start."""

    record: SeriesRecord
    bookings: list[Booking]


class Followed(NamedTuple):
    """What became of the visits that follow: those that were changed, as they are now, and those that were left."""

    done: list[Booking]
    left: list[LeftVisit]


class SeriesDesk:
    """Series for staff. Everything may raise NotFound and StoreUnavailable."""

    def __init__(
        self,
        *,
        store: SeriesStore,
        reservations: Reservations,
        life: BookingLife,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._store = store
        self._reservations = reservations
        self._life = life
        self._catalogue = catalogue
        self._clock = clock

    def get(self, caller: Caller, series_id: str) -> Read:
        """A series and its visits."""
        series, bookings = self._store.find(caller.org, series_id), self._store.bookings(caller.org, series_id)
        if not bookings:
            raise NotFound
        return Read(_record(series_id, series, bookings[0]), self._reservations.standing(caller.org, bookings))

    def cancel(self, caller: Caller, series_id: str, request: SeriesCancel) -> Followed:
        """Cancels the active visits that start at or after a moment; without one, those that have not begun."""

        def cancel(booking: Booking) -> Booking:
            return self._life.act(caller, booking.booking_id, "cancel", request.reason)

        return self._each(self._following(caller, series_id, request.from_), cancel)

    def _following(self, caller: Caller, series_id: str, begin: datetime | None) -> list[Booking]:
        bookings = self.get(caller, series_id).bookings
        moment = self._clock() if begin is None else self._instant(caller, bookings[0], begin)
        return [booking for booking in bookings if booking.active and booking.start >= moment]

    def _instant(self, caller: Caller, booking: Booking, begin: datetime) -> datetime:
        if begin.tzinfo is not None:
            return begin
        zone = self._catalogue.property(caller.org, booking.property_id).timezone
        return datetime.fromtimestamp(day_start(begin.date(), zone), self._clock().tzinfo)

    def _each(self, bookings: list[Booking], act: Callable[[Booking], Booking]) -> Followed:
        """Acts on some visits, the earliest first, until the time of the request is over."""
        done, left = list[Booking](), list[LeftVisit]()
        for booking in bookings:
            try:
                if monotonic() > last_start.get():
                    raise StoreUnavailable(NO_TIME_LEFT)
                done.append(act(booking))
            except Refusal as refusal:
                left.append(LeftVisit(booking_id=booking.booking_id, code=refusal.code, detail=refusal.detail))
        return Followed(done, left)


def _record(series_id: str, series: Series | None, first: Booking) -> SeriesRecord:
    source = series or first
    rule = series.rrule if series else None
    names = ("property_id", "start", "created_at")
    return SeriesRecord(series_id=series_id, rrule=rule, **{name: getattr(source, name) for name in names})
