"""Firm reservations: bookings that are `pending` until somebody confirms them or their deadline is over.

At the deadline the slot is free for whoever asks for it: the marks in Redis end by themselves, and whoever meets what
is left of an overdue reservation in MongoDB expires it, by its version, so that of a late confirmation and an expiry
exactly one is made. The relay expires the rest. Nothing is scheduled for a reservation, so nothing is left behind that
could end the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from models.booking import Booking
from models.booking_changes import TRANSITIONS
from models.errors import InvalidTransition, StoreUnavailable
from models.slot import Visit
from services.claims.mirror import Mirror
from services.claims.placements import Obstacle
from services.ledger.documents import change
from services.ledger.store import BookingStore, WriteRefused
from services.stores.faults import RedisUnavailable

log = structlog.get_logger("holdfast.bookings")

SYSTEM = "system"
"""Who did what nobody asked for, in a booking's history."""
MOST_AT_ONCE = 500
MOST_ATTEMPTS = 5


class Reservations:
    """Ends what is overdue, and keeps what is being confirmed."""

    def __init__(self, store: BookingStore, mirror: Mirror, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._mirror = mirror
        self._clock = clock

    def current(self, booking: Booking, *, redis_answers: bool = True) -> Booking:
        """The booking; an overdue reservation expires here, or is what somebody else made of it just now.

        redis_answers: if it does not, the relay tells it. Raises StoreUnavailable.
        """
        for _ in range(MOST_ATTEMPTS):
            now = self._clock()
            if booking.status != "pending" or booking.reserved_until is None or booking.reserved_until > now:
                return booking
            told = {"status": (booking.status, TRANSITIONS["expire"].after)}
            entry = change(now, SYSTEM, "expire", told)
            expired = self._store.update(booking, {"status": TRANSITIONS["expire"].after, "active": False}, entry)
            if expired:
                if redis_answers:
                    self._mirror.settle_or_leave(expired)
                return expired
            booking = self._store.find(booking.org, booking.booking_id) or booking
        raise StoreUnavailable

    def made_way(self, org: str, obstacles: list[Obstacle]) -> bool:
        """Whether one of the reservations among some obstacles is over, so that asking again may help.

        While MongoDB does not answer, none is.
        """
        pending = {obstacle.mark.owner for obstacle in obstacles if obstacle.mark.pending}
        try:
            return any(self._is_over(org, booking_id) for booking_id in sorted(pending))
        except StoreUnavailable:
            return False

    def blockers(self, org: str, visit: Visit, *, redis_answers: bool = True) -> list[Booking]:
        """The bookings in a visit's way, once those that are overdue have expired. Raises StoreUnavailable."""
        blockers = self._store.blockers(org, visit)
        found = [self.current(booking, redis_answers=redis_answers) for booking in blockers]
        return [booking for booking in found if booking.active]

    def expire_overdue(self) -> int:
        """Expires every overdue reservation of every org, and says how many. Raises StoreUnavailable."""
        expired = 0
        for booking in self._store.overdue(self._clock(), MOST_AT_ONCE):
            try:
                expired += self.current(booking).status == "expired"
            except WriteRefused:  # one that was not written by us must not keep the others waiting
                log.exception("expiry_refused", org=booking.org, booking_id=booking.booking_id)
        return expired

    def keep(self, booking: Booking) -> None:
        """Keeps a reservation's slot from others while it is confirmed.

        Raises InvalidTransition when its deadline is over by Redis' clock, by which others are given the slot.
        """
        try:
            kept = self._mirror.keep(booking)
        except RedisUnavailable:
            return  # nobody is given a hold either
        if not kept:
            raise InvalidTransition("This reservation has run out.")

    def _is_over(self, org: str, booking_id: str) -> bool:
        booking = self._store.find(org, booking_id)
        if booking is None or self.current(booking).active:
            return False
        if not booking.active:
            self._mirror.settle_or_leave(booking)  # ended before, and its marks have not heard of it
        return True
