"""The insert that decides a booking, and the answers to requests that came before.

Before the insert everything can be taken back. After it the booking exists, whatever dies next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from models.access import SOURCES, Caller, IdempotencyClaim
from models.booking import Booking, BookRequest
from models.catalogue import Policy
from models.details import Details
from models.errors import HoldNotFound, IdempotencyKeyReused
from models.slot import SlotFields, Visit
from services.claims.hold_records import HoldRecord, moment_of_ms
from services.claims.keys import digest
from services.claims.placements import KEY_KEPT_MS
from services.clock import Clock
from services.crash_points import CrashPoints
from services.ids import booking_id_for
from services.ledger.documents import as_of, change
from services.ledger.store import BookingStore
from services.timetable.grid import Grid

DISCLOSED = timedelta(minutes=15)
"""How long after a booking the publishable key gets its customer and manage token again, for the same request."""


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a booking will be, except for its visit.

    policy: the org's, read once for the request.
    pin, hold_id: the name under which Redis has its claims, and that of its hold if there is one.
    slot: what to claim directly; None if a live hold has the slot. standing: its fields that a hold had already.
    requested: the start tick that the client asked for, if it is not that of the claims. owner: of its hold, as
    HoldRecord has it; '' if there is no hold. override: the words of the rules that staff lifted for its visit.
    service_id: of the slot that is claimed; '' for none.
    reserved_by, hours: of a reservation, which is pending for so many hours. series_id: of the series that it is in.
    """

    caller: Caller
    request: BookRequest
    policy: Policy
    booking_id: str
    pin: str
    hold_id: str | None = None
    slot: SlotFields | None = None
    standing: frozenset[str] = frozenset()
    requested: int | None = None
    owner: str = ""
    override: str = ""
    service_id: str = ""
    idempotency: IdempotencyClaim | None = None
    reserved_by: str | None = None
    hours: int | None = None
    series_id: str | None = None

    @property
    def fingerprint(self) -> str | None:
        """Tells a repeat from another request under the same idempotency key."""
        return digest(self.idempotency.key, self.idempotency.fingerprint) if self.idempotency else None

    def describes(self, booking: Booking) -> bool:
        """Whether the request says the same about its visit as a booking does."""
        said = {"customer": self._customer, **self._details}
        return all(getattr(booking, name) == value for name, value in said.items())

    @property
    def _details(self) -> dict[str, Any]:
        return {name: getattr(self.request, name) for name in Details.model_fields}

    @property
    def _customer(self) -> dict[str, Any]:
        return self.request.customer.record(self.policy.country)

    def booking(self, visit: Visit, requested: int, now: datetime, grid: Grid) -> Booking:
        """The booking of this draft, version 1. requested: the start tick that the client asked for. now: by the clock
        of a store, because a deadline must not depend on the server."""
        request, caller = self.request, self.caller
        times = grid.times(visit, requested)
        lifted = {"override": (None, self.override.split())} if self.override else {}
        made = change(now, caller.name, "reserve" if self.hours else "book", lifted)
        until = now.replace(microsecond=0) + timedelta(hours=self.hours) if self.hours else None
        return Booking(
            booking_id=self.booking_id,
            org=caller.org,
            status="pending" if self.hours else "confirmed",
            property_id=visit.property_id,
            technician_id=visit.technician_id,
            technician_ids=[visit.technician_id, *visit.crew],
            start=times.start,
            end=times.end,
            duration_minutes=times.duration_minutes,
            buffer_before_minutes=times.buffer_before_minutes,
            buffer_after_minutes=times.buffer_after_minutes,
            customer=self._customer,
            **self._details,
            source=SOURCES[caller.role],  # type: ignore[arg-type]  # the four words of Source
            version=1,
            created_at=made["at"],
            updated_at=made["at"],
            requested_start=times.requested_start,
            fallback_used=requested != visit.start,
            claims=tuple(visit.claims()),
            hold_id=self.hold_id,
            held_as=request.hold_id if self.hold_id else None,
            holder_digest=self.owner.partition(" ")[2] or None,
            placed_as=None if self.hold_id else self.pin,
            made_by=caller.key_id,
            fingerprint=self.fingerprint,
            history=[made],
            reserved_by=self.reserved_by,
            reserved_until=until,
            service_id=self.service_id or None,
            series_id=self.series_id,
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """A draft whose claims are pinned in Redis, under the deadline in the record.

    first: this attempt set the pin. A later attempt never takes it back, because the first one may have a booking by
    now or get one yet. now_ms: the time of this attempt, by Redis' clock.
    """

    draft: Draft
    record: HoldRecord
    first: bool
    now_ms: int

    def completed(self) -> Draft:
        """The draft with what its claims know of it."""
        draft, record = self.draft, self.record
        owner = draft.owner or record.owner
        return replace(draft, owner=owner, override=record.override, service_id=record.service_id)

    @property
    def requested(self) -> int:
        """The start tick that the client asked for."""
        return self.record.requested if self.draft.requested is None else self.draft.requested

    @property
    def now(self) -> datetime:
        """The time of this attempt."""
        return moment_of_ms(self.now_ms)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A booking that exists, as answered. created: this request made it, or its first answer is given again (replayed).

    stored: the booking as MongoDB has it now, which the mirror shows. disclosed: the answer may hold the customer and
    the manage token.
    """

    booking: Booking
    created: bool
    stored: Booking
    replayed: bool = False
    disclosed: bool = True


class Confirming:
    """Inserts drafts, and finds the bookings of requests that came before. Everything may raise StoreUnavailable."""

    def __init__(self, *, store: BookingStore, grid: Grid, clock: Clock, crash: CrashPoints) -> None:
        self._store = store
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def insert_begun(self, begun: Begun) -> Confirmed | None:
        """As `insert`, for what is pinned."""
        return self.insert(begun.completed(), begun.record.visit, begun.requested, begun.now)

    def insert(self, draft: Draft, visit: Visit, requested: int, now: datetime) -> Confirmed | None:
        """Books the visit, or finds the booking that the request made before. None if another booking has the slot.

        requested: the start tick that the client asked for. now: as in Draft.booking.
        Raises IdempotencyKeyReused; NothingSent or WriteRefused if the booking definitely does not exist;
        StoreUnavailable if that is open.
        """
        booking = draft.booking(visit, requested, now, self._grid)
        insert = self._store.insert(booking)
        if insert.outcome == "taken":
            return None
        self._crash("after_insert")
        existing = insert.booking if insert.outcome == "repeated" else None
        if existing is None:
            return Confirmed(booking, created=True, stored=booking)
        if self._is_forgotten(draft, existing):
            return self.insert(_renewed(draft), visit, requested, now)
        if draft.hold_id is None and existing.fingerprint != draft.fingerprint:
            raise IdempotencyKeyReused
        return self.answer(draft, existing)

    def first_answer(self, draft: Draft) -> Confirmed | None:
        """The answer that this very request had before under its idempotency key, if it came before."""
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
        """The answer to a request whose booking exists already: the first answer again if it is the same request.

        Raises HoldNotFound for an id that was not made for the hold of this booking.
        """
        if existing.held_as not in (None, draft.request.hold_id):
            raise HoldNotFound
        first = as_of(existing, 1)
        replayed = draft.fingerprint is not None and existing.fingerprint == draft.fingerprint
        same = replayed or draft.describes(first)
        disclosed = not draft.caller.is_public or self._may_disclose(existing, same)
        booking = first if replayed else existing
        return Confirmed(booking, created=replayed, stored=existing, replayed=replayed, disclosed=disclosed)

    def _may_disclose(self, existing: Booking, same: bool) -> bool:
        """Whether a request with the publishable key shows that it comes from the customer of a booking.

        The hold's id does not, because proxies write it down. Only the same request does, soon after the booking, while
        the first manage token is valid.
        """
        is_recent = self._clock() - existing.created_at < DISCLOSED
        return same and is_recent and existing.token_generation == 0

    def _is_forgotten(self, draft: Draft, existing: Booking) -> bool:
        """Whether an idempotency key's time is over, so that a request with it is a new one."""
        age = self._clock() - existing.created_at
        return draft.hold_id is None and draft.idempotency is not None and age > timedelta(milliseconds=KEY_KEPT_MS)


def _renewed(draft: Draft) -> Draft:
    """The draft under its idempotency key's next id, because the time of the booking under this id is over."""
    return replace(draft, booking_id=booking_id_for(draft.caller.org, draft.booking_id, "renewed"))
