"""Expires reservations: bookings that are `pending` until staff confirm them or their deadline is over.

At the deadline the slot becomes free. Its marks in Redis expire by themselves. The first request that needs the slot of
an overdue reservation, or that would change it, expires it in MongoDB; the relay expires the rest. A request that only
reads writes nothing. MongoDB's clock decides what is overdue, never that of a server. An expiry changes one version, so
of an expiry and a late confirmation exactly one succeeds. Nothing schedules a timer, so no leftover timer can end a
later reservation.
"""

from __future__ import annotations

import structlog

from models.booking import Booking
from models.booking_changes import TRANSITIONS
from models.errors import InvalidTransition, StoreUnavailable
from models.slot import Visit
from services.claims.mirror import Mirror
from services.claims.placements import LOST_REQUEST_MS, Obstacle
from services.ledger.documents import noted
from services.ledger.outcomes import WriteRefused
from services.ledger.store import BookingStore
from services.stores.faults import RedisUnavailable

log = structlog.get_logger()

SYSTEM = "system"
"""Stands for the system, in a booking's history, as the author of a change that no person asked for."""
EXPIRED = TRANSITIONS["expire"].after
MOST_AT_ONCE = 500
MOST_ATTEMPTS = 5


class Reservations:
    """Expires overdue reservations, and keeps the slots of those that are being confirmed."""

    def __init__(self, store: BookingStore, mirror: Mirror) -> None:
        self._store = store
        self._mirror = mirror

    def standing(self, org: str, bookings: list[Booking]) -> list[Booking]:
        """Some bookings of an org as they stand now, for requests that only read: an overdue reservation is shown as
        expired. Raises StoreUnavailable."""
        over = {booking.booking_id: booking for booking in self._over(org, bookings)}
        shown = {name: booking.changed(status=EXPIRED) if booking.active else booking for name, booking in over.items()}
        return [shown.get(booking.booking_id, booking) for booking in bookings]

    def current(self, booking: Booking, *, redis_answers: bool = True) -> Booking:
        """The booking as it is now, for requests that change something: it expires an overdue reservation, unless
        another change came first.

        redis_answers: False leaves the mirroring to the relay. Raises StoreUnavailable.
        """
        for _ in range(MOST_ATTEMPTS):
            over = self._over(booking.org, [booking])
            if not over:
                return booking
            (booking,) = over
            ended = self._end(booking, redis_answers=redis_answers)
            if ended:
                return ended
        raise StoreUnavailable

    def made_way(self, org: str, obstacles: list[Obstacle]) -> bool:
        """Whether a reservation among some obstacles is over, so that a second try may succeed.

        False while MongoDB does not answer.
        """
        pending = {obstacle.mark.owner for obstacle in obstacles if obstacle.mark.pending}
        try:
            return any(self._end(booking) for booking in self._store.over_among(org, sorted(pending)))
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
        for booking in self._store.overdue(MOST_AT_ONCE):
            try:
                expired += self._end(booking) is not None
            except WriteRefused:  # a document that we did not write must not stop the others
                log.exception("expiry_refused", org=booking.org, booking_id=booking.booking_id)
        return expired

    def keep(self, booking: Booking, needed_ms: int = LOST_REQUEST_MS) -> None:
        """Protects the slot of a reservation for at least `needed_ms` while staff confirm or swap it.

        Raises InvalidTransition if its deadline is over by Redis' clock, because then others can get the slot.
        """
        try:
            kept = self._mirror.keep(booking, needed_ms)
        except RedisUnavailable:
            return  # without Redis no client gets a hold either
        if not kept:
            raise InvalidTransition("This reservation has run out.")

    def _over(self, org: str, bookings: list[Booking]) -> list[Booking]:
        """Those of some bookings that were pending and are no longer, as MongoDB has them now."""
        pending = [booking.booking_id for booking in bookings if booking.status == "pending"]
        return self._store.over_among(org, pending)

    def _end(self, booking: Booking, *, redis_answers: bool = True) -> Booking | None:
        """Expires a booking that is over, unless it has ended already, and mirrors that, because its marks may still be
        in Redis. Gives what it is now; None if it is another version by now."""
        if booking.active:
            entry = noted(SYSTEM, "expire", {"status": (booking.status, EXPIRED)})
            ended = self._store.expire(booking, {"status": EXPIRED, "active": False}, entry)
        else:
            ended = booking
        if ended and redis_answers:
            self._mirror.settle_or_leave(ended)
        return ended
