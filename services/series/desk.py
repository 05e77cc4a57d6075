"""What staff do with a series that exists: read it, and cancel or change the visits that follow, each by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from time import monotonic
from typing import NamedTuple

from models.access import Caller
from models.booking import Booking
from models.dispatch import LeftVisit
from models.errors import (
    InvalidRequest,
    NotFound,
    OutsideWorkingHours,
    PropertyNotFound,
    Refusal,
    ServiceNotFound,
    StoreUnavailable,
    TechnicianNotFound,
)
from models.series import Series, SeriesCancel, SeriesPatch, SeriesRecord
from services.bookings.changes import BookingLife
from services.catalogue.reader import Catalogue
from services.clock import Clock
from services.ledger.expiry import Reservations
from services.ledger.series import SeriesStore
from services.series.occurrences import SKIPPED_TIME, at_local_time
from services.stores.faults import last_start
from services.timetable.grid import day_start, zone_of

OF_THE_REQUEST = (InvalidRequest, PropertyNotFound, TechnicianNotFound, ServiceNotFound)
"""Refusals that each visit gets alike."""
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

    def change(self, caller: Caller, series_id: str, request: SeriesPatch) -> Followed:
        """Changes the active visits that start at or after a moment, each by a move of its own.

        Raises InvalidRequest and the refusals of what does not exist if they meet the first of these visits: nothing is
        changed then.
        """

        def change(booking: Booking) -> Booking:
            patch = request.of(self._start(caller, booking, request.time))
            return self._life.reschedule(caller, booking.booking_id, patch, None)

        return self._each(self._following(caller, series_id, request.from_), change)

    def _start(self, caller: Caller, booking: Booking, clock: str | None) -> datetime | None:
        """The start of a visit on its own date at another time of day; None without one."""
        if clock is None:
            return None
        zone = self._zone(caller, booking)
        day = booking.start.astimezone(zone_of(zone)).date()
        found = at_local_time(datetime.combine(day, time.fromisoformat(clock)), zone)
        if not found.exists:
            raise OutsideWorkingHours(SKIPPED_TIME)
        return found.start

    def _zone(self, caller: Caller, booking: Booking) -> str:
        return self._catalogue.property(caller.org, booking.property_id).timezone

    def _following(self, caller: Caller, series_id: str, begin: datetime | None) -> list[Booking]:
        bookings = self.get(caller, series_id).bookings
        moment = self._clock() if begin is None else self._instant(caller, bookings[0], begin)
        return [booking for booking in bookings if booking.active and booking.start >= moment]

    def _instant(self, caller: Caller, booking: Booking, begin: datetime) -> datetime:
        if begin.tzinfo is not None:
            return begin
        return datetime.fromtimestamp(day_start(begin.date(), self._zone(caller, booking)), UTC)

    def _each(self, bookings: list[Booking], act: Callable[[Booking], Booking]) -> Followed:
        """Acts on some visits, the earliest first, until the time of the request is over. Where the request itself is
        wrong, and nothing was done yet, it raises that."""
        done, left = list[Booking](), list[LeftVisit]()
        for booking in bookings:
            try:
                if monotonic() > last_start.get():
                    raise StoreUnavailable(NO_TIME_LEFT)
                done.append(act(booking))
            except Refusal as refusal:
                if isinstance(refusal, OF_THE_REQUEST) and not done:
                    raise
                left.append(LeftVisit(booking_id=booking.booking_id, code=refusal.code, detail=refusal.detail))
        return Followed(done, left)


def _record(series_id: str, series: Series | None, first: Booking) -> SeriesRecord:
    source = series or first
    rule = series.rrule if series else None
    names = ("property_id", "start", "created_at")
    return SeriesRecord(series_id=series_id, rrule=rule, **{name: getattr(source, name) for name in names})
