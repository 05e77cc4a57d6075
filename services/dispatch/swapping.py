"""Two visits exchange their technicians, in one step: both or neither.

What each visit needs beyond the claims that the two have is pinned as for a move. One transaction of MongoDB decides,
by the versions of both bookings. Then one call mirrors both, and the pins go. The histories of both bookings keep the
id of the swap, so a repeat of the request finds that it was made.

After a failure that leaves the outcome open nothing is undone: the pins stay until the relay finds out. While Redis is
down nothing is swapped, because a hold might be in the way.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from models.access import Caller, IdempotencyClaim
from models.booking import Booking
from models.details import Override
from models.dispatch import SWAP, SwapRequest, assigned, swap_noted, swapped_at
from models.errors import (
    BookingNotFound,
    Fault,
    InvalidRequest,
    InvalidTransition,
    SlotBooked,
    SlotHeld,
    StoreUnavailable,
    TooLate,
    VersionConflict,
)
from models.slot import Wish
from services.bookings.changes import MOST_CHANGES
from services.bookings.rescheduling import MOST_UPDATES
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.claims.placements import PIN_BACKSTOP_MS, Asker, attempt_name
from services.clock import Clock
from services.crash_points import CrashPoints
from services.dispatch.swap_pins import Both, Pinned, SwapPins
from services.holds.placing import MOST_ATTEMPTS, Placing
from services.ledger.documents import as_of, difference, noted
from services.ledger.exchanging import Change, Exchanging
from services.ledger.expiry import Reservations
from services.ledger.outcomes import ClaimsTaken, NothingSent, WriteRefused
from services.ledger.store import BookingStore

log = structlog.get_logger()


class Swapping:
    """Swaps the technicians of two bookings."""

    def __init__(
        self,
        *,
        store: BookingStore,
        exchanging: Exchanging,
        reservations: Reservations,
        placing: Placing,
        pins: SwapPins,
        mirror: Mirror,
        clock: Clock,
        crash: CrashPoints,
    ) -> None:
        self._store = store
        self._exchanging = exchanging
        self._reservations = reservations
        self._placing = placing
        self._pins = pins
        self._mirror = mirror
        self._clock = clock
        self._crash = crash

    def swap(
        self, caller: Caller, booking_id: str, request: SwapRequest, idempotency: IdempotencyClaim | None = None
    ) -> Both:
        """Both bookings after the swap, the one with this id first. A repeat without an idempotency key swaps again.

        Raises InvalidRequest (nothing to swap), BookingNotFound, InvalidTransition (one of them has ended), TooLate
        (one of the visits is over), VersionConflict (the technicians were changed meanwhile), the refusals of
        Placing.attempt, SlotBooked, SlotHeld, RequestInProgress, StoreUnavailable.
        """
        if booking_id == request.with_:
            raise InvalidRequest(Fault("with", "inconsistent", "Give with as the id of another booking."))
        swap_id, read = _swap_id(caller, idempotency), None
        for _ in range(MOST_ATTEMPTS):
            found = self._find(caller, booking_id), self._find(caller, request.with_)
            made = _made_before(found, swap_id)
            if made:
                return made
            both = self._reservations.current(found[0]), self._reservations.current(found[1])
            crews = [each.technician_ids for each in both]
            if crews != (read or crews):
                raise VersionConflict
            read = crews
            self._require_possible(both)
            try:
                swapped = self._attempt(caller, both, swap_id, request.override)
            except (SlotHeld, SlotBooked):
                if self._are_current(both):
                    raise
                continue  # another change came first, and may be what was in the way
            if swapped:
                return swapped
        raise VersionConflict

    def first_answer(self, caller: Caller, with_id: str, idempotency: IdempotencyClaim | None) -> Both:
        """What the request with this idempotency key was answered, by the booking that it named as `with`. Raises
        BookingNotFound, StoreUnavailable."""
        other = self._find(caller, with_id)
        swap = swapped_at(other, _swap_id(caller, idempotency))
        if swap is None:
            raise BookingNotFound
        return as_of(self._find(caller, swap.with_id), swap.with_version), as_of(other, swap.version)

    def _find(self, caller: Caller, booking_id: str) -> Booking:
        booking = self._store.find(caller.org, booking_id)
        if booking is None:
            raise BookingNotFound(f"There is no booking {booking_id}.")
        return booking

    def _are_current(self, both: Both) -> bool:
        found = [self._store.find(each.org, each.booking_id) for each in both]
        return [each and each.version for each in found] == [each.version for each in both]

    def _require_possible(self, both: Both) -> None:
        for booking in both:
            if not booking.active:
                status = booking.status.replace("_", " ")
                raise InvalidTransition(f"Booking {booking.booking_id} is {status}, so it keeps its technicians.")
            if booking.end <= self._clock():
                raise TooLate(f"The visit of booking {booking.booking_id} is over, so it keeps its technicians.")
            if booking.version > MOST_CHANGES:
                raise InvalidTransition(f"Booking {booking.booking_id} was changed too often.")
        if {*both[0].technician_ids} == {*both[1].technician_ids}:
            raise InvalidRequest(Fault("with", "inconsistent", "Give with as a booking with other technicians."))

    def _attempt(self, caller: Caller, both: Both, swap_id: str, override: Sequence[Override]) -> Both | None:
        """The swap of these very versions. None if MongoDB no longer has one of them."""
        self._show(both)
        pins = self._pins.pin(caller, both, override)
        self._crash("after_swap_claims")
        try:
            swapped = self._exchange(caller, pins, swap_id, override)
        except (NothingSent, WriteRefused, SlotBooked, SlotHeld):
            self._pins.give_back(pins)
            raise
        if swapped:
            self._crash("after_swap")
        self._conclude(pins, swapped)
        return swapped

    def _show(self, both: Both) -> None:
        """Lets Redis show both as they were read, as long as a pin lasts: the marks of one protect the other too."""
        versions = self._mirror.versions([(booking.org, booking.booking_id) for booking in both])
        if any(seen < booking.version for seen, booking in zip(versions, both, strict=True)):
            self._mirror.settle(*both)
        for booking in both:
            if booking.status == "pending":
                self._reservations.keep(booking, PIN_BACKSTOP_MS)

    def _exchange(self, caller: Caller, pins: list[Pinned], swap_id: str, override: Sequence[Override]) -> Both | None:
        first, second = pins
        changes = _change(caller, first, second, swap_id, override), _change(caller, second, first, swap_id, override)
        for _ in range(MOST_UPDATES):
            try:
                return self._exchanging.exchange(*changes)
            except ClaimsTaken:
                # The mirror had missed a booking. If none is in the way, it was cancelled in between.
                self._require_free(caller, pins)
        raise NothingSent

    def _require_free(self, caller: Caller, pins: list[Pinned]) -> None:
        """Mirrors what only MongoDB has in the way of the visits. Raises the refusal of the slot if there is any."""
        own = {pinned.booking.booking_id for pinned in pins}
        for booking, _, visit, _ in pins:
            found = self._placing.mirror_blockers(booking.org, visit)
            obstacles = [obstacle for obstacle in found if obstacle.mark.owner not in own]
            if obstacles:
                asker, wish = Asker(caller.role), Wish.exactly(visit)
                raise self._placing.refusal(booking.org, asker, wish, visit.technician_ids, obstacles)

    def _conclude(self, pins: list[Pinned], swapped: Both | None) -> None:
        """Mirrors what the bookings are now, then gives the pins back. These versions cannot change any more.

        In this order, because the pins alone protect the swap until the mirror shows it. If a step fails, the relay
        does it and the pins stay until then.
        """
        try:
            now = swapped or [self._store.find(each.booking.org, each.booking.booking_id) for each in pins]
            self._mirror.settle(*filter(None, now))
        except StoreUnavailable:
            for each in pins:
                log.warning("mirror_left_to_relay", org=each.booking.org, booking_id=each.booking.booking_id)
            return
        if swapped:
            self._crash("after_swap_mirrored")
        self._pins.give_back(pins)


def _swap_id(caller: Caller, idempotency: IdempotencyClaim | None) -> str:
    """The id of the swap that a request asks for: the same for a repeat under its idempotency key."""
    return digest(caller.key_id, idempotency.key, idempotency.fingerprint) if idempotency else attempt_name()


def _made_before(both: Both, swap_id: str) -> Both | None:
    """Both bookings as this very swap made them, if it was made before."""
    swap = swapped_at(both[0], swap_id)
    return (as_of(both[0], swap.version), as_of(both[1], swap.with_version)) if swap else None


def _change(caller: Caller, mine: Pinned, other: Pinned, swap_id: str, override: Sequence[Override]) -> Change:
    booking = mine.booking
    swapped = assigned(booking, other.booking.technician_ids).changed(claims=tuple(mine.visit.claims()))
    fields, changes = difference(booking, swapped)
    changes |= swap_noted(other.booking, swap_id)
    if override:
        changes["override"] = (None, list(override))
    return Change(booking, fields, noted(caller.name, SWAP, changes))
