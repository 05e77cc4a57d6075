"""Expires reservations: bookings that are `pending` until staff confirm them or their deadline is over.

At the deadline the slot becomes free. Its marks in Redis expire by themselves. The first request that meets an overdue
reservation in MongoDB expires it, and the relay expires the rest. An expiry changes one version, so of an expiry and a
late confirmation exactly one succeeds. Nothing schedules a timer, so no leftover timer can end a later reservation.
"""

from __future__ import annotations

import structlog

from models.booking import Booking
from models.booking_changes import TRANSITIONS
from models.errors import InvalidTransition, StoreUnavailable
from models.slot import Visit
from services.claims.mirror import Mirror
from services.claims.placements import Obstacle
from services.clock import Clock
from services.ledger.documents import change
from services.ledger.store import BookingStore, WriteRefused
from services.stores.faults import RedisUnavailable

log = structlog.get_logger()

SYSTEM = "system"
"""Stands for the system, in a booking's history, as the author of a change that no person asked for."""
MOST_AT_ONCE = 500
MOST_ATTEMPTS = 5


class Reservations:
    """Expires overdue reservations, and keeps the slots of those that are being confirmed."""

    def __init__(self, store: BookingStore, mirror: Mirror, clock: Clock) -> None:
        self._store = store
        self._mirror = mirror
        self._clock = clock

    def current(self, booking: Booking, *, redis_answers: bool = True) -> Booking:
        """The booking as it is now: it expires an overdue reservation, unless another change came first.

        redis_answers: False leaves the mirroring to the relay. Raises StoreUnavailable.
        """
        for _ in range(MOST_ATTEMPTS):
            now = self._clock()
            if booking.status != "pending" or booking.reserved_until is None or booking.reserved_until > now:
                return booking
            changed = {"status": (booking.status, TRANSITIONS["expire"].after)}
            entry = change(now, SYSTEM, "expire", changed)
            expired = self._store.update(booking, {"status": TRANSITIONS["expire"].after, "active": False}, entry)
            if expired:
                if redis_answers:
                    self._mirror.settle_or_leave(expired)
                return expired
            booking = self._store.find(booking.org, booking.booking_id) or booking
        raise StoreUnavailable

    def made_way(self, org: str, obstacles: list[Obstacle]) -> bool:
        """Whether a reservation among some obstacles is over, so that a second try may succeed.

        False while MongoDB does not answer.
        """
        pending = {obstacle.mark.owner for obstacle in obstacles if obstacle.mark.pending}
        try:
            return any(self._is_over(org, booking_id) for booking_id in sorted(pending))
        except StoreUnavailable:
            return False

    def blockers(self, org: str, visit: Visit, *, redis_answers: bool = True) -> list[Booking]:
        """The active bookings in a visit's way, after it expired those that are overdue. Raises StoreUnavailable."""
        blockers = self._store.blockers(org, visit)
        found = [self.current(booking, redis_answers=redis_answers) for booking in blockers]
        return [booking for booking in found if booking.active]

    def expire_overdue(self) -> int:
        """Expires up to MOST_AT_ONCE overdue reservations of all orgs, and gives their number. StoreUnavailable."""
        expired = 0
        for booking in self._store.overdue(self._clock(), MOST_AT_ONCE):
            try:
                expired += self.current(booking).status == "expired"
            except WriteRefused:  # a document that we did not write must not stop the others
                log.exception("expiry_refused", org=booking.org, booking_id=booking.booking_id)
        return expired

    def keep(self, booking: Booking) -> None:
        """Protects a reservation's slot while staff confirm it.

        Raises InvalidTransition if its deadline is over by Redis' clock, because then others can get the slot.
        """
        try:
            kept = self._mirror.keep(booking)
        except RedisUnavailable:
            return  # without Redis nobody gets a hold either
        if not kept:
            raise InvalidTransition("This reservation has run out.")

    def _is_over(self, org: str, booking_id: str) -> bool:
        booking = self._store.find(org, booking_id)
        if booking is None or self.current(booking).active:
            return False
        if not booking.active:
            self._mirror.settle_or_leave(booking)  # it ended earlier, but its marks are still in Redis
        return True
