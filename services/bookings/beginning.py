"""The first step of a booking: its claims pinned in Redis, of a hold or of a slot that is claimed directly."""

from __future__ import annotations

from dataclasses import replace

import structlog

from models.errors import (
    HoldExpired,
    HoldNotFound,
    HoldReleased,
    Refusal,
    RequestInProgress,
    StoreUnavailable,
)
from models.slot import SlotFields, Wish
from services.bookings.confirming import Begun, Confirmed, Confirming, Draft
from services.bookings.named_slots import NamedSlots
from services.bookings.without_redis import BookingWithoutRedis
from services.claims.claims import Claims
from services.claims.hold_records import HoldRecord
from services.claims.placements import (
    DIRECT_LIFETIME_SECONDS,
    REQUEST_MS,
    Asker,
    ClaimRequest,
    NotPinned,
    Obstacle,
    Pinned,
)
from services.claims.quotas import address_of
from services.clock import Clock
from services.crash_points import CrashPoints
from services.holds.placing import MOST_ATTEMPTS, Placing
from services.ids import HoldIds
from services.ledger.store import BookingStore
from services.stores.faults import RedisUnavailable

log = structlog.get_logger()


class Beginning:
    """Pins the claims of drafts, and takes pins back."""

    def __init__(
        self,
        *,
        claims: Claims,
        placing: Placing,
        confirming: Confirming,
        without_redis: BookingWithoutRedis,
        store: BookingStore,
        hold_ids: HoldIds,
        named: NamedSlots,
        clock: Clock,
        crash: CrashPoints,
    ) -> None:
        self._claims = claims
        self._placing = placing
        self._confirming = confirming
        self._without_redis = without_redis
        self._store = store
        self._hold_ids = hold_ids
        self._named = named
        self._clock = clock
        self._crash = crash

    def begin(self, draft: Draft) -> Begun | Confirmed:
        """Pins the claims; or gives the booking, if it exists already or MongoDB alone has made it.

        Raises what Bookings.book raises.
        """
        try:
            return self._begin_hold(draft) if draft.slot is None else self.begin_slot(draft, draft.slot)
        except RedisUnavailable:
            if draft.slot is None and draft.request.slot is None:
                raise
            return self._without_redis.book(draft)

    def take_back(self, begun: Begun, *, restore: bool) -> None:
        """Takes back a pin of which MongoDB definitely has no booking. restore: a live hold goes back to its owner."""
        draft = begun.draft
        if not begun.first:
            return
        try:
            self._claims.abort(draft.caller.org, draft.pin, deadline_ms=begun.record.deadline_ms, restore=restore)
        except StoreUnavailable:
            log.warning("unpin_left_to_relay", org=draft.caller.org)

    def refusal(self, draft: Draft, record: HoldRecord, obstacles: list[Obstacle]) -> Refusal:
        """Why a hold's slot can no longer be had, with other free slots if the request asks for them."""
        caller, suggest = draft.caller, draft.request.suggest
        wish = Wish.exactly(record.visit, suggest=suggest, service_id=record.service_id or None)
        asker = Asker(caller.role, record.holder_digest)
        return self._placing.refusal(caller.org, asker, wish, record.visit.technician_ids, obstacles)

    def _begin_hold(self, draft: Draft) -> Begun | Confirmed:
        self._crash("before_begin")
        found = self._pin(draft)
        self._crash("after_begin")
        if isinstance(found, NotPinned):
            return self._begin_no_more(draft, found)
        begun = _joined(draft, found)
        try:
            self._named.require_same(draft, found.record)
        except Refusal:
            self.take_back(begun, restore=True)
            raise
        return begun

    def _pin(self, draft: Draft) -> Pinned | NotPinned:
        caller = draft.caller
        daily = draft.policy.public_bookings_per_address_per_day if caller.is_public else None
        return self._claims.begin(
            caller.org, draft.pin, caller.key_id, draft.booking_id, draft.idempotency, daily=daily
        )

    def _begin_no_more(self, draft: Draft, found: NotPinned) -> Begun | Confirmed:
        """For a hold that is not live: its booking, or its slot claimed anew if the request wants that."""
        caller, request = draft.caller, draft.request
        existing = self._store.find(caller.org, draft.booking_id)
        if existing and existing.made_by == caller.key_id:
            self._named.require_same_as_booked(draft, existing)
            answer = self._confirming.answer(draft, existing)
            return replace(answer, replayed=answer.replayed or found.repeated)
        record, anew = found.record, None
        if record is None:
            if self._hold_ids.issued_at_ms(caller.org, caller.key_id, draft.pin) is None:
                raise HoldNotFound
            anew = self._named.proven(draft)
        else:
            self._named.require_same(draft, record)
            if found.why == "overtaken":
                raise self._overtaken(draft, record)
            if found.why != "expired":
                raise HoldReleased
            anew = self._named.anew(draft, record)
        if anew is None or request.if_expired != "book_if_free":
            raise HoldExpired
        return self.begin(anew)

    def begin_slot(self, draft: Draft, slot: SlotFields) -> Begun | Confirmed:
        """Claims a slot and pins it in one step. Raises what `begin` raises, and RedisUnavailable."""
        for _ in range(MOST_ATTEMPTS):
            try:
                placed = self._placing.claim(self._direct_claim(draft, slot))
            except RedisUnavailable:
                raise
            except Refusal:
                answered = self._confirming.first_answer(draft)
                if answered is None:
                    raise
                return answered
            self._crash("after_begin")
            begun = _begun(draft, placed.record) if placed.how == "new" else self._resume(draft)
            if begun:
                return begun
        raise StoreUnavailable

    def _direct_claim(self, draft: Draft, slot: SlotFields) -> ClaimRequest:
        return ClaimRequest(
            org=draft.caller.org,
            hold_id=draft.pin,
            key_id=draft.caller.key_id,
            role=draft.caller.role,
            slot=slot,
            now=self._clock(),
            lifetime_seconds=DIRECT_LIFETIME_SECONDS,
            holder_digest=draft.owner.partition(" ")[2],
            address_digest=address_of(draft.caller),
            idempotency=draft.idempotency,
            state="confirming",
            booking_id=draft.booking_id,
            standing=draft.standing,
        )

    def _resume(self, draft: Draft) -> Begun | Confirmed | None:
        """The same request pinned these claims before: its pin taken over, or its booking; None if both are gone."""
        caller = draft.caller
        found = self._pin(draft)
        if isinstance(found, Pinned):
            return _joined(draft, found)
        existing = self._store.find(caller.org, draft.booking_id) if draft.hold_id else None
        return self._confirming.answer(draft, existing) if existing else self._confirming.first_answer(draft)

    def _overtaken(self, draft: Draft, record: HoldRecord) -> Refusal:
        """Why a hold is gone over which a booking was mirrored. What is left of its claims protects nothing."""
        obstacles = self._placing.mirror_blockers(draft.caller.org, record.visit)
        self._claims.release(draft.caller.org, record.hold_id, record.key_id, staff=False)
        return self.refusal(draft, record, obstacles) if obstacles else HoldReleased()


def _joined(draft: Draft, found: Pinned) -> Begun:
    """The pin, unless a request under the same idempotency key may still be at work on it: RequestInProgress."""
    if not found.first and found.repeated and found.now_ms - found.record.begun_ms < REQUEST_MS:
        raise RequestInProgress(retry_after_seconds=1)
    return Begun(draft, found.record, first=found.first, now_ms=found.now_ms)


def _begun(draft: Draft, record: HoldRecord) -> Begun:
    return Begun(draft, record, first=True, now_ms=record.created_ms)
