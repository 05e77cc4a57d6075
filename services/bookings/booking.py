"""Book: confirm a hold, or book a slot directly. Begin in Redis, insert in MongoDB, mirror in Redis.

A repeat meets itself: the booking's id is derived from the hold, or from the idempotency key. Without Redis a direct
booking, and a hold that comes with its slot, go on with MongoDB alone: see services.bookings.without_redis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

from models.access import Caller, IdempotencyClaim, Role
from models.booking import BookRequest, ReserveRequest
from models.errors import (
    Fault,
    Forbidden,
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    InvalidRequest,
    Refusal,
    RequestInProgress,
    StoreUnavailable,
)
from models.slot import SlotFields, Visit, Wish
from services.bookings.confirming import Confirmed, Confirming, Draft, Pin
from services.bookings.without_redis import BookingWithoutRedis
from services.claims.claims import Claims
from services.claims.hold_records import HoldRecord, slot_fields
from services.claims.keys import digest
from services.claims.placements import DIRECT_LIFETIME_MS, REQUEST_MS, Begun, Obstacle, Placement
from services.crash_points import CrashPoints
from services.holds.placing import MOST_ATTEMPTS, Placing
from services.ids import HoldIds, booking_id_for, direct_pin, is_pin
from services.ledger.store import BookingStore
from services.stores.faults import RedisUnavailable
from services.timetable.grid import Grid

MAY_BOOK_DIRECTLY = frozenset({Role.BOT, Role.DESK, Role.ADMIN})
MOST_INSERTS = 3


class Bookings:
    """Makes bookings."""

    def __init__(
        self,
        *,
        claims: Claims,
        placing: Placing,
        confirming: Confirming,
        alone: BookingWithoutRedis,
        store: BookingStore,
        hold_ids: HoldIds,
        grid: Grid,
        clock: Callable[[], datetime],
        crash: CrashPoints,
    ) -> None:
        self._claims = claims
        self._placing = placing
        self._confirming = confirming
        self._alone = alone
        self._store = store
        self._hold_ids = hold_ids
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def book(self, caller: Caller, request: BookRequest, idempotency: IdempotencyClaim | None = None) -> Confirmed:
        """Makes a booking, or finds the one that this very request made before.

        Raises HoldNotFound, HoldExpired, HoldReleased, Forbidden (another's hold; a direct booking by the public key),
        the refusals of Placing.claim, RequestInProgress, IdempotencyKeyReused, and StoreUnavailable: then the outcome
        may be open, and repeating the request tells it.
        """
        if request.hold_id is not None:
            return self._confirm_hold(caller, request, request.hold_id, idempotency)
        if caller.role not in MAY_BOOK_DIRECTLY:
            raise Forbidden("This key books only what it holds: POST /hold first.")
        return self._book_directly(self._direct_draft(caller, request, idempotency), _slot_of(request))

    def reserve(
        self, caller: Caller, request: ReserveRequest, idempotency: IdempotencyClaim | None = None
    ) -> Confirmed:
        """Makes a booking that is pending until it is confirmed or its hours are over.

        Raises what `book` raises for a direct booking.
        """
        firm = request.as_booking
        until = self._clock().replace(microsecond=0) + timedelta(hours=request.hours)
        draft = self._direct_draft(caller, firm, idempotency)
        draft = replace(draft, reserved_by=request.reserved_by, reserved_until=until)
        return self._book_directly(draft, _slot_of(firm))

    def _confirm_hold(
        self, caller: Caller, request: BookRequest, hold_id: str, idempotency: IdempotencyClaim | None
    ) -> Confirmed:
        if is_pin(hold_id):
            raise HoldNotFound
        draft = Draft(
            caller, request, booking_id_for(caller.org, hold_id), hold_id, hold_id=hold_id, idempotency=idempotency
        )
        self._crash("before_begin")
        try:
            begun = self._claims.begin(caller.org, hold_id, caller.key_id, draft.booking_id, idempotency)
        except RedisUnavailable:
            if request.slot is None:
                raise
            return self._alone.book(draft, request.slot)
        self._crash("after_begin")
        if begun.outcome == "FOREIGN":
            raise Forbidden("This hold belongs to somebody else.")
        if begun.record and begun.outcome in ("BEGUN", "AGAIN"):
            return self._go_on(draft, begun, begun.record)
        existing = self._store.find(caller.org, draft.booking_id)
        if existing and existing.made_by == caller.key_id:
            answer = self._confirming.answer(draft, existing)
            return replace(answer, replayed=answer.replayed or begun.again)
        if begun.record is None:
            return self._book_forgotten(draft)
        if begun.outcome == "BLOCKED":
            self._overtaken(draft, begun.record)
        if begun.outcome == "EXPIRED":
            return self._book_expired(draft, begun.record)
        raise HoldReleased

    def _go_on(self, draft: Draft, begun: Begun, record: HoldRecord) -> Confirmed:
        """Inserts what is pinned; a request under the same idempotency key that may still run is left alone."""
        if begun.outcome == "AGAIN" and begun.again and begun.now_ms - record.begun_ms < REQUEST_MS:
            raise RequestInProgress(retry_after_seconds=1)
        pin = Pin(record.deadline_ms, first=begun.outcome == "BEGUN")
        slot = draft.request.slot if draft.hold_id else None
        if slot and not _same_place(slot, record, self._grid):
            self._confirming.unpin(draft, pin, restore=True)
            raise InvalidRequest(Fault("start", "not_the_hold", "Give the slot that hold_id holds, or hold_id alone."))
        for _ in range(MOST_INSERTS):
            confirmed = self._confirming.insert(draft, record.visit, record.requested, pin)
            if confirmed:
                return confirmed
            # MongoDB has given the slot to a booking that Redis had not known: mend the mirror and say so. None in the
            # way means that it was cancelled in between.
            obstacles = self._placing.mirror_blockers(draft.caller.org, record.visit)
            if obstacles:
                self._confirming.unpin(draft, pin, restore=False)
                raise self._refusal(draft, record, obstacles)
        self._confirming.unpin(draft, pin, restore=True)
        raise StoreUnavailable

    def _overtaken(self, draft: Draft, record: HoldRecord) -> NoReturn:
        """A booking went over this hold's claims; what is left of them protects nothing."""
        obstacles = self._placing.mirror_blockers(draft.caller.org, record.visit)
        self._claims.release(draft.caller.org, record.hold_id, record.key_id, staff=False)
        if obstacles:
            raise self._refusal(draft, record, obstacles)
        raise HoldReleased

    def _refusal(self, draft: Draft, record: HoldRecord, obstacles: list[Obstacle]) -> Exception:
        """Why a hold's slot can no longer be had, with what is free instead where that was asked for."""
        wish = Wish.exactly(record.visit, suggest=draft.request.suggest)
        return self._placing.refuse(draft.caller.org, wish, [record.visit], obstacles)

    def _book_forgotten(self, draft: Draft) -> Confirmed:
        """A hold that Redis does not know: never given out, or lost with Redis."""
        caller, request = draft.caller, draft.request
        if self._hold_ids.issued_at_ms(caller.org, caller.key_id, draft.place_id) is None:
            raise HoldNotFound
        if request.slot and request.if_expired == "book_if_free":
            return self._book_directly(draft, request.slot)
        raise HoldExpired

    def _book_expired(self, draft: Draft, record: HoldRecord) -> Confirmed:
        if draft.request.if_expired != "book_if_free":
            raise HoldExpired
        slot = SlotFields.model_construct(**slot_fields(record.visit, self._grid), suggest=draft.request.suggest)
        return self._book_directly(replace(draft, requested=record.requested), slot)

    def _direct_draft(self, caller: Caller, request: BookRequest, idempotency: IdempotencyClaim | None) -> Draft:
        """A direct booking's ids: derived from the idempotency key where there is one, so that a repeat meets
        itself."""
        if idempotency is None:
            place_id = self._hold_ids.make(caller.org, caller.key_id, int(self._clock().timestamp() * 1000))
            return Draft(caller, request, booking_id_for(caller.org, place_id), place_id)
        booking_id = booking_id_for(caller.org, caller.key_id, idempotency.key)
        return Draft(
            caller, request, booking_id, direct_pin(digest(caller.key_id, idempotency.key)), idempotency=idempotency
        )

    def _book_directly(self, draft: Draft, slot: SlotFields) -> Confirmed:
        """Claims and pins in one step, then inserts. Where the mirror had missed a booking it is mended and tried
        again."""
        caller = draft.caller

        def prepare(wish: Wish, visits: list[Visit], epoch: str | None) -> Placement:
            return Placement(
                org=caller.org,
                hold_id=draft.place_id,
                owner=caller.key_id,
                visits=visits,
                requested=wish.start,
                lifetime_ms=DIRECT_LIFETIME_MS,
                epoch=epoch,
                idempotency=draft.idempotency,
                state="confirming",
                booking_id=draft.booking_id,
            )

        for _ in range(MOST_ATTEMPTS):
            try:
                placed = self._placing.claim(caller.org, slot, prepare)
            except RedisUnavailable:
                return self._alone.book(draft, slot)
            except Refusal:
                answered = self._confirming.first_answer(draft)
                if answered is None:
                    raise
                return answered
            self._crash("after_begin")
            if placed.how != "new":
                resumed = self._resume(draft)
                if resumed:
                    return resumed
                continue
            record = placed.record
            visit, pin = record.visit, Pin(record.deadline_ms, first=True)
            requested = record.requested if draft.requested is None else draft.requested
            confirmed = self._confirming.insert(draft, visit, requested, pin)
            if confirmed:
                return confirmed
            self._placing.mirror_blockers(caller.org, visit)
            self._confirming.unpin(draft, pin, restore=False)
        raise StoreUnavailable

    def _resume(self, draft: Draft) -> Confirmed | None:
        """The same request was here before: its booking, or its insert taken over. None if it was taken back since."""
        caller = draft.caller
        begun = self._claims.begin(caller.org, draft.place_id, caller.key_id, draft.booking_id, draft.idempotency)
        if begun.record and begun.outcome == "AGAIN":
            return self._go_on(draft, begun, begun.record)
        existing = self._store.find(caller.org, draft.booking_id) if draft.hold_id else None
        return self._confirming.answer(draft, existing) if existing else self._confirming.first_answer(draft)


def _slot_of(request: BookRequest) -> SlotFields:
    if request.slot is None:
        raise ValueError("a request names a hold or a slot; its model sees to that")
    return request.slot


def _same_place(slot: SlotFields, record: HoldRecord, grid: Grid) -> bool:
    visit = record.visit
    return (
        slot.property_id == visit.property_id
        and grid.moment(visit.start) == slot.start
        and slot.technician_id in (None, visit.technician_id)
    )
