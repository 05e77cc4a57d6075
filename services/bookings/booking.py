"""Book: confirm a hold, or book a slot directly. Begin in Redis, insert in MongoDB, mirror in Redis.

A repeat meets itself: the booking's id is derived from the hold, or from the idempotency key. After a failure that
leaves the outcome open nothing is undone: the pin stays until the client asks again or the relay finds out. While Redis
is down, MongoDB alone decides direct bookings and holds that come with their slot: see bookings.without_redis.
"""

from __future__ import annotations

from dataclasses import replace

from models.access import Caller, IdempotencyClaim, Role
from models.booking import BookRequest, ReserveRequest
from models.contacts import e164
from models.errors import Forbidden, HoldNotFound, IdempotencyKeyReused, Refusal, StoreUnavailable
from services.bookings.beginning import Beginning
from services.bookings.confirming import Begun, Confirmed, Confirming, Draft
from services.catalogue.reader import Catalogue
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.clock import Clock, now_ms
from services.crash_points import CrashPoints
from services.holds.placing import MOST_ATTEMPTS, Placing
from services.ids import HoldIds, booking_id_for, booking_of_hold, direct_pin
from services.ledger.outcomes import NothingSent, WriteRefused

MAY_BOOK_DIRECTLY = frozenset({Role.BOT, Role.DESK, Role.ADMIN})
MOST_INSERTS = 3


class Bookings:
    """Makes bookings."""

    def __init__(
        self,
        *,
        beginning: Beginning,
        placing: Placing,
        confirming: Confirming,
        mirror: Mirror,
        catalogue: Catalogue,
        hold_ids: HoldIds,
        clock: Clock,
        crash: CrashPoints,
    ) -> None:
        self._beginning = beginning
        self._placing = placing
        self._confirming = confirming
        self._mirror = mirror
        self._catalogue = catalogue
        self._hold_ids = hold_ids
        self._clock = clock
        self._crash = crash

    def book(self, caller: Caller, request: BookRequest, idempotency: IdempotencyClaim | None = None) -> Confirmed:
        """Makes a booking, or finds the one that this very request made before.

        Raises InvalidRequest (a named slot is not that of the hold), HoldNotFound, HoldExpired, HoldReleased, Forbidden
        (another key's hold; a direct booking by the public key), the refusals of Placing.claim, RequestInProgress,
        IdempotencyKeyReused, and StoreUnavailable: then the outcome may be open, and a repeat of the request learns it.
        """
        hold_id = request.hold_id
        if hold_id is None:
            if caller.role not in MAY_BOOK_DIRECTLY:
                raise Forbidden("This key books only what it holds: POST /hold first.")
            return self._make(self._direct_draft(caller, request, idempotency))
        known = booking_of_hold(caller.org, hold_id)
        if known is None:
            raise HoldNotFound
        name, booking_id = known
        policy = self._catalogue.policy(caller.org)
        return self._make(Draft(caller, request, policy, booking_id, name, hold_id=name, idempotency=idempotency))

    def reserve(
        self, caller: Caller, request: ReserveRequest, idempotency: IdempotencyClaim | None = None
    ) -> Confirmed:
        """Makes a booking that is pending until it is confirmed or its hours are over.

        Raises what `book` raises for a direct booking.
        """
        draft = self._direct_draft(caller, request.as_booking, idempotency)
        return self._make(replace(draft, reserved_by=request.reserved_by, hours=request.hours))

    def _make(self, draft: Draft) -> Confirmed:
        """The way of every booking: begin (pin its claims), insert (MongoDB decides), mirror (show it in Redis).

        A slot that MongoDB has given to another booking is no longer free in Redis, so a direct booking begins again
        with the next one. Redis goes on to show it as free where its clock alone says that a reservation is over.
        """
        refused: Refusal | None = None
        for _ in range(MOST_ATTEMPTS):
            begun = self._beginning.begin(draft)
            if isinstance(begun, Confirmed):
                return begun
            made = self._insert(begun)
            if isinstance(made, Confirmed):
                self._mirror.settle_or_leave(made.stored)
                self._crash("after_finish")
                return made
            refused, draft = made, begun.draft
            if draft.slot is None:
                break
        raise refused or StoreUnavailable

    def _insert(self, begun: Begun) -> Confirmed | Refusal:
        """Inserts what is pinned. A refusal if MongoDB has given the slot to another booking, of which Redis did not
        know: the mirror is mended. If none is in the way, it was cancelled in between.
        """
        draft, record, beginning = begun.draft, begun.record, self._beginning
        for _ in range(MOST_INSERTS):
            try:
                confirmed = self._confirming.insert_begun(begun)
            except (NothingSent, WriteRefused, IdempotencyKeyReused):
                beginning.take_back(begun, restore=True)
                raise
            if confirmed:
                return confirmed
            obstacles = self._placing.mirror_blockers(draft.caller.org, record.visit)
            if obstacles:
                beginning.take_back(begun, restore=False)
                return beginning.refusal(draft, record, obstacles)
        beginning.take_back(begun, restore=True)
        raise StoreUnavailable

    def _direct_draft(self, caller: Caller, request: BookRequest, idempotency: IdempotencyClaim | None) -> Draft:
        """A direct booking. An idempotency key gives its ids, so that a repeat meets itself."""
        slot = request.slot
        if slot is None:
            raise ValueError("a request names a hold or a slot; its model sees to that")
        if idempotency is None:
            pin = self._hold_ids.make(caller.org, caller.key_id, now_ms(self._clock))
            booking_id = booking_id_for(caller.org, pin)
        else:
            pin = direct_pin(digest(caller.key_id, idempotency.key))
            booking_id = booking_id_for(caller.org, caller.key_id, idempotency.key)
        policy = self._catalogue.policy(caller.org)
        owner = _owner(caller, request, policy.country) if caller.role is Role.BOT else ""
        return Draft(caller, request, policy, booking_id, pin, slot=slot, owner=owner, idempotency=idempotency)


def _owner(caller: Caller, request: BookRequest, country: str | None) -> str:
    """The owner, as a hold's record has it, of what a bot books directly: the phone is the holder. So a second message
    from the same phone learns that the slot is its own. Nobody else does, because the bot's key is part of it."""
    phone = request.customer.phone
    return f"{caller.key_id} {digest('holder', caller.key_id, e164(phone, country) or phone)}" if phone else ""
