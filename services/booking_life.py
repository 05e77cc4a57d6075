"""What happens to a booking after it was made: reading, listing, cancelling.

MongoDB first, by version; then the mirror. Every change adds to the booking's history.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from models.access import Caller, Role
from models.booking import Booking, BookingQuery
from models.errors import BookingNotFound, Forbidden, InvalidTransition, VersionConflict
from services.booking_list import BookingList
from services.booking_records import change
from services.catalogue import Catalogue
from services.confirming import Confirming
from services.connections import Document
from services.crash_points import CrashPoints
from services.store import BookingStore

MOST_ATTEMPTS = 5


class BookingLife:
    """Reads and changes bookings that exist."""

    def __init__(
        self,
        *,
        store: BookingStore,
        listing: BookingList,
        confirming: Confirming,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        crash: CrashPoints,
    ) -> None:
        self._store = store
        self._listing = listing
        self._confirming = confirming
        self._catalogue = catalogue
        self._clock = clock
        self._crash = crash

    def get(self, caller: Caller, booking_id: str) -> Booking:
        """The booking as it is now. Raises BookingNotFound (also for another org's), StoreUnavailable."""
        if caller.role is Role.CUSTOMER and caller.booking_id != booking_id:
            raise BookingNotFound
        booking = self._store.find(caller.org, booking_id)
        if booking is None:
            raise BookingNotFound
        return booking

    def page(self, caller: Caller, query: BookingQuery) -> tuple[list[Booking], str | None]:
        """One page of the org's bookings by start, and the cursor of the next one or None."""
        return self._listing.page(caller.org, query)

    def cancel(
        self, caller: Caller, booking_id: str, reason: str | None = None, expected_version: int | None = None
    ) -> Booking:
        """Cancels a booking and frees its slot; a cancelled one is given back as it is.

        Raises BookingNotFound, VersionConflict (expected_version is not the current one), InvalidTransition (it has
        ended otherwise), Forbidden (inside the org's cancellation window, where only staff may), StoreUnavailable.
        """
        for _ in range(MOST_ATTEMPTS):
            booking = self.get(caller, booking_id)
            if booking.status == "cancelled":
                return booking
            self._may_cancel(caller, booking, expected_version)
            fields: Document = {"status": "cancelled", "active": False}
            told = {"status": (booking.status, "cancelled")} | ({"reason": (None, reason)} if reason else {})
            entry = change(self._now(), f"{caller.role}:{caller.key_id}", "cancel", told)
            cancelled = self._store.update(booking, fields, entry)
            if cancelled:
                self._crash("after_cancel")
                self._confirming.mirror(cancelled)
                return cancelled
        raise VersionConflict

    def _may_cancel(self, caller: Caller, booking: Booking, expected_version: int | None) -> None:
        if expected_version not in (None, booking.version):
            raise VersionConflict
        if not booking.active:
            raise InvalidTransition(f"This booking is {booking.status.replace('_', ' ')} and cannot be cancelled.")
        if caller.is_staff:
            return
        window = timedelta(minutes=self._catalogue.policy(caller.org).cancel_window_minutes)
        if self._clock() >= booking.start - window:
            raise Forbidden("It is too late to cancel this visit online. Please call us.")

    def _now(self) -> datetime:
        now = self._clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
