"""The middle of a booking: the one insert that decides, and the mirror after it.

Before the insert everything can be taken back. After it the booking exists, whatever dies next. After a failure
that leaves that open nothing is undone: the pin stays until somebody asks again or the relay finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from models.access import SOURCES, Caller, IdempotencyClaim
from models.booking import Booking, BookRequest
from models.errors import IdempotencyKeyReused, StoreUnavailable
from models.slot import Visit
from services.claims.claims import Claims
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.claims.placements import KEY_KEPT_MS
from services.crash_points import CrashPoints
from services.ids import booking_id_for
from services.ledger.documents import as_of, change
from services.ledger.store import BookingStore, NothingSent, WriteRefused
from services.timetable.grid import Grid, to_milliseconds

log = structlog.get_logger("holdfast.bookings")


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a booking will be, but for the visit.

    place_id: the name under which its claims are pinned in Redis; the hold's id where there is a hold.
    requested: the start tick that the customer asked for, where it is known from the hold.
    reserved_by, reserved_until: of a reservation, which is pending until then.
    """

    caller: Caller
    request: BookRequest
    booking_id: str
    place_id: str
    hold_id: str | None = None
    requested: int | None = None
    idempotency: IdempotencyClaim | None = None
    reserved_by: str | None = None
    reserved_until: datetime | None = None

    @property
    def fingerprint(self) -> str | None:
        """What tells a repeat from another request under the same idempotency key."""
        return digest(self.idempotency.key, self.idempotency.fingerprint) if self.idempotency else None

    def booking(self, visit: Visit, requested: int, now: datetime, grid: Grid) -> Booking:
        """The booking of this draft, version 1."""
        request, caller = self.request, self.caller
        action = "reserve" if self.reserved_until else "book"
        return Booking(
            booking_id=self.booking_id,
            org=caller.org,
            status="pending" if self.reserved_until else "confirmed",
            property_id=visit.property_id,
            technician_id=visit.technician_id,
            start=grid.moment(visit.start),
            end=grid.moment(visit.end),
            duration_minutes=grid.minutes_of(visit.end - visit.start),
            buffer_before_minutes=grid.minutes_of(visit.before),
            buffer_after_minutes=grid.minutes_of(visit.after),
            customer=request.customer.model_dump(exclude_none=True),
            **request.details(),
            source=SOURCES[caller.role],  # type: ignore[arg-type]  # the four words of Source
            version=1,
            created_at=now,
            updated_at=now,
            requested_start=grid.moment(requested),
            fallback_used=requested != visit.start,
            claims=tuple(visit.claims()),
            hold_id=self.hold_id,
            placed_as=None if self.hold_id else self.place_id,
            made_by=caller.key_id,
            fingerprint=self.fingerprint,
            history=[change(now, caller.name, action, {})],
            reserved_by=self.reserved_by,
            reserved_until=self.reserved_until,
        )


@dataclass(frozen=True, slots=True)
class Pin:
    """The pin on a draft's claims in Redis, by the deadline of this attempt.

    first: this attempt set it. A later one never takes it back, for the first may have a booking by now or get one yet.
    """

    deadline_ms: int
    first: bool


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A booking that exists. created: by this request (or its first answer again: replayed), not found already
    there."""

    booking: Booking
    created: bool
    replayed: bool = False


class Confirming:
    """Inserts drafts and mirrors what came of it."""

    def __init__(
        self,
        *,
        store: BookingStore,
        claims: Claims,
        mirror: Mirror,
        grid: Grid,
        clock: Callable[[], datetime],
        crash: CrashPoints,
    ) -> None:
        self._store = store
        self._claims = claims
        self._mirror = mirror
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def insert(self, draft: Draft, visit: Visit, requested: int, pin: Pin | None) -> Confirmed | None:
        """Books the visit, or finds the booking that a repeat of the same request made; None if it is taken.

        pin: of its claims in Redis; None where Redis did not answer.
        Raises IdempotencyKeyReused; StoreUnavailable, after which the outcome may be open.
        """
        booking = draft.booking(visit, requested, to_milliseconds(self._clock()), self._grid)
        try:
            insert = self._store.insert(booking)
        except (NothingSent, WriteRefused):
            self.unpin(draft, pin, restore=True)
            raise
        if insert.outcome == "taken":
            return None
        self._crash("after_insert")
        existing = insert.booking if insert.outcome == "repeated" else None
        if existing and self._is_forgotten(draft, existing):
            return self.insert(_renewed(draft), visit, requested, pin)
        if existing and draft.hold_id is None and existing.fingerprint != draft.fingerprint:
            self.unpin(draft, pin, restore=False)
            raise IdempotencyKeyReused
        self._mirror.settle_or_leave(existing or booking)
        self._crash("after_finish")
        return self.answer(draft, existing) if existing else Confirmed(booking, created=True)

    def first_answer(self, draft: Draft) -> Confirmed | None:
        """What this very request was answered when it came before under its idempotency key, if it did."""
        while draft.idempotency is not None:
            existing = self._store.find(draft.caller.org, draft.booking_id)
            if existing is None:
                return None
            if not self._is_forgotten(draft, existing):
                answer = self.answer(draft, existing)
                return answer if answer.replayed else None
            draft = _renewed(draft)
        return None

    def answer(self, draft: Draft, existing: Booking) -> Confirmed:
        """The answer to a request whose booking is there already: the first one again if it is the same request."""
        if draft.fingerprint is not None and existing.fingerprint == draft.fingerprint:
            return Confirmed(as_of(existing, 1), created=True, replayed=True)
        return Confirmed(existing, created=False)

    def _is_forgotten(self, draft: Draft, existing: Booking) -> bool:
        """Whether an idempotency key's time is over, so that using it again is a new request."""
        age = self._clock() - existing.created_at
        return draft.hold_id is None and draft.idempotency is not None and age > timedelta(milliseconds=KEY_KEPT_MS)

    def unpin(self, draft: Draft, pin: Pin | None, *, restore: bool) -> None:
        """Takes back a pin that MongoDB definitely has no booking for. restore: a live hold goes back to its owner."""
        if pin is None or not pin.first:
            return
        try:
            self._claims.abort(draft.caller.org, draft.place_id, deadline_ms=pin.deadline_ms, restore=restore)
        except StoreUnavailable:
            log.warning("unpin_left_to_relay", org=draft.caller.org)


def _renewed(draft: Draft) -> Draft:
    """The draft under its idempotency key's next id, since the time of the booking under this one is over."""
    return replace(draft, booking_id=booking_id_for(draft.caller.org, draft.booking_id, "renewed"))
