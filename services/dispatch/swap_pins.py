"""Pins what two visits need that are to swap their technicians, beyond the claims that the two have.

Each visit has a pin of its own, as a move has, and its name says which versions of both bookings swap. The marks of
both stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from models.access import Caller
from models.booking import Booking
from models.details import Override
from models.dispatch import SWAP, assigned
from models.errors import RequestInProgress, StoreUnavailable
from models.slot import SlotFields, Visit
from services.bookings.rescheduling import SLOT_FIELDS
from services.claims.claims import Claims
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.claims.placements import DIRECT_LIFETIME_SECONDS, Asker, ClaimRequest
from services.clock import Clock
from services.holds.placing import MOST_ATTEMPTS, Blocked, Placing
from services.ids import move_pin, version_moved

log = structlog.get_logger()

Both = tuple[Booking, Booking]


class Pinned(NamedTuple):
    """The visit that a booking is to have, and the name and deadline of the pin on what it needs besides."""

    booking: Booking
    name: str
    visit: Visit
    deadline_ms: int


class SwapPins:
    """Places pins for swaps, and gives them back."""

    def __init__(self, *, placing: Placing, claims: Claims, mirror: Mirror, clock: Clock) -> None:
        self._placing = placing
        self._claims = claims
        self._mirror = mirror
        self._clock = clock

    def pin(self, caller: Caller, both: Both, override: Sequence[Override]) -> list[Pinned]:
        """Pins what both visits need: all of it or nothing.

        Raises the refusals of Placing.attempt, SlotHeld, SlotBooked, RequestInProgress (one of these versions is being
        changed), StoreUnavailable.
        """
        first, second = both
        pins: list[Pinned] = []
        try:
            for booking, other in ((first, second), (second, first)):
                pins.append(self._pin_one(caller, booking, other, override))
        except BaseException:
            self.give_back(pins)
            raise
        return pins

    def _pin_one(self, caller: Caller, booking: Booking, other: Booking, override: Sequence[Override]) -> Pinned:
        wanted = assigned(booking, other.technician_ids)
        fields = {name: getattr(wanted, name) for name in SLOT_FIELDS}
        target = digest(SWAP, other.booking_id, str(other.version))[:12]
        request = ClaimRequest(
            org=booking.org,
            hold_id=move_pin(booking.booking_id, booking.version, target),
            key_id=caller.key_id,
            role=caller.role,
            slot=SlotFields.model_construct(**fields, override=list(override)),
            now=self._clock(),
            lifetime_seconds=DIRECT_LIFETIME_SECONDS,
            state="moving",
            booking_id=booking.booking_id,
            swaps_with=other.booking_id,
            claimed=(*booking.claims, *other.claims),
            standing={field for field in SLOT_FIELDS if getattr(wanted, field) == getattr(booking, field)},
        )
        for _ in range(MOST_ATTEMPTS):
            outcome = self._placing.attempt(request)
            if isinstance(outcome, Blocked):
                self._free_own_pins(caller, (booking, other), outcome)
            elif outcome.how == "new":
                return Pinned(booking, request.hold_id, outcome.record.visit, outcome.record.deadline_ms)
            else:
                raise RequestInProgress("The same two bookings are being swapped.", retry_after_seconds=2)
        raise StoreUnavailable

    def _free_own_pins(self, caller: Caller, both: Both, blocked: Blocked) -> None:
        """Gives back pins in the way that changes of earlier versions of the two left behind: those are decided.

        Raises RequestInProgress if another change of one of these versions is in the way; else the refusal of the slot,
        if there is no such pin.
        """
        freed = False
        for name in {obstacle.mark.owner for obstacle in blocked.obstacles}:
            for booking in both:
                version = version_moved(name, booking.booking_id)
                if version == booking.version:
                    text = f"Another change of booking {booking.booking_id} is being made."
                    raise RequestInProgress(text, retry_after_seconds=2)
                record = self._claims.find(booking.org, name) if version and version < booking.version else None
                if record:
                    self._mirror.settle(booking)
                    self._claims.abort(booking.org, name, deadline_ms=record.deadline_ms, restore=False)
                    freed = True
        if not freed:
            wish, asker = blocked.placement.wish, Asker(caller.role)
            raise self._placing.refusal(both[0].org, asker, wish, blocked.tried, blocked.obstacles)

    def give_back(self, pins: list[Pinned]) -> None:
        """Releases what is left of pins whose outcome is decided. What fails is left to the relay."""
        for booking, name, _, deadline_ms in pins:
            try:
                self._claims.abort(booking.org, name, deadline_ms=deadline_ms, restore=False)
            except StoreUnavailable:
                log.warning("unpin_left_to_relay", org=booking.org)
