"""Changes of a booking's visit and details: the old booking stands whole until the new one does.

One script pins the claims that are not the booking's own, one update by id and version decides, then the mirror shows
the change and the pin goes. A repeat meets its own pin, whose name comes from the booking and the version it changes.
After a failure that leaves the outcome open nothing is undone: the pin stays until the client asks again or the relay
finds out.

While Redis is down no visit is moved, because a hold might be in the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from models.access import Caller, Role
from models.booking import Booking
from models.details import Override
from models.errors import RequestInProgress, SlotBooked, SlotHeld, StoreUnavailable
from models.slot import SlotFields, Visit, Wish
from services.availability.lengths import LENGTHS
from services.claims.claims import Claims
from services.claims.hold_records import HoldRecord
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.claims.placements import DIRECT_LIFETIME_SECONDS, REQUEST_MS, Asker, ClaimRequest, Pinned
from services.clock import Clock
from services.crash_points import CrashPoints
from services.holds.placing import MOST_ATTEMPTS, Blocked, Placing
from services.ids import move_pin, version_moved
from services.ledger.documents import difference, noted
from services.ledger.outcomes import ClaimsTaken, NothingSent, WriteRefused
from services.ledger.persons import are_alike
from services.ledger.store import BookingStore
from services.stores.connections import Document
from services.timetable.grid import SLOT, Grid

log = structlog.get_logger()

MOST_UPDATES = 3
SLOT_FIELDS = ("property_id", "technician_ids", "start", *LENGTHS, "service_id")


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claims of a visit that a booking is to have, pinned under a name until the deadline of this attempt.

    first: this attempt pinned them. A later attempt takes them back only when the change is decided.
    """

    name: str
    visit: Visit
    deadline_ms: int
    first: bool


class Rescheduling:
    """Makes the next version of a booking."""

    def __init__(
        self,
        *,
        claims: Claims,
        placing: Placing,
        mirror: Mirror,
        store: BookingStore,
        grid: Grid,
        clock: Clock,
        crash: CrashPoints,
    ) -> None:
        self._claims = claims
        self._placing = placing
        self._mirror = mirror
        self._store = store
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def change(
        self, caller: Caller, booking: Booking, given: dict[str, Any], override: Sequence[Override] = ()
    ) -> Booking | None:
        """The booking after a change of the given fields; the same booking if none of them is new. Another phone or
        e-mail address ends the manage tokens, unless the customer gives it with one of them. Another service brings its
        own lengths, where none are given. override: the rules that staff lift for the new visit.

        None if MongoDB no longer has the version that was read. Raises the refusals of Placing.claim, SlotBooked,
        SlotHeld, RequestInProgress (another change of this version is under way), StoreUnavailable: the old booking
        stands.
        """
        wanted = booking.changed(**given)
        if caller.role is not Role.CUSTOMER and not are_alike(wanted.customer, booking.customer):
            wanted = wanted.changed(token_generation=booking.token_generation + 1)
        if any(getattr(wanted, name) != getattr(booking, name) for name in SLOT_FIELDS):
            brings_lengths = wanted.service_id not in (None, booking.service_id)
            left_open = frozenset(LENGTHS) - given.keys() if brings_lengths else frozenset()
            return self._move(caller, booking, wanted, left_open, override)
        fields, changes = difference(booking, wanted)
        if not fields:
            return booking
        changed = self._store.update(booking, fields, noted(caller.name, "edit", changes))
        if changed:
            self._mirror.settle_or_leave(changed)
        return changed

    def _move(
        self,
        caller: Caller,
        booking: Booking,
        wanted: Booking,
        left_open: frozenset[str],
        override: Sequence[Override],
    ) -> Booking | None:
        claimed = self._claim(caller, booking, wanted, left_open, override=override)
        fields, changes = difference(booking, self._moved(booking, wanted, claimed.visit))
        action = "edit" if changes.keys().isdisjoint({*SLOT_FIELDS, "technician_id"} - {"service_id"}) else "move"
        if override:
            changes["override"] = (None, list(override))
        return self._decide(caller, booking, fields, noted(caller.name, action, changes), claimed)

    def revive(self, caller: Caller, booking: Booking, fields: Document, entry: Document) -> Booking | None:
        """The booking, which has ended, active again where and when it was, if nothing else has its slot by now. No
        rule is asked again.

        fields: to change. entry: of its history. Gives and raises what `change` does.
        """
        visit = self._grid.visit_of({name: getattr(booking, name) for name in SLOT})
        claimed = self._claim(caller, booking, booking, exact=visit)
        # The units of a building may be others by now.
        claims, _ = difference(booking, booking.changed(claims=tuple(claimed.visit.claims())))
        return self._decide(caller, booking, {**fields, **claims}, entry, claimed)

    def _decide(
        self, caller: Caller, booking: Booking, fields: Document, entry: Document, claimed: Claimed
    ) -> Booking | None:
        """Writes what the claims are pinned for, mirrors it and gives the pin back."""
        self._crash("after_move_claim")
        try:
            moved = self._update(caller, booking, fields, entry, claimed.visit)
        except (NothingSent, WriteRefused, SlotBooked, SlotHeld):
            if claimed.first:
                self._give_back(booking, claimed)
            raise
        if moved:
            self._crash("after_move")
        self._conclude(booking, moved, claimed)
        return moved

    def _conclude(self, booking: Booking, moved: Booking | None, claimed: Claimed) -> None:
        """Mirrors what the booking is now, then gives the pin back. This version cannot change any more.

        In this order, because the pin alone protects the change until the mirror shows it, and another attempt may have
        made this very change. If a step fails, the relay does it and the pin stays until then.
        """
        try:
            current = moved or self._store.find(booking.org, booking.booking_id)
            if current:
                self._mirror.settle(current)
        except StoreUnavailable:
            log.warning("mirror_left_to_relay", org=booking.org, booking_id=booking.booking_id)
            return
        if moved:
            self._crash("after_move_mirrored")
        self._give_back(booking, claimed)

    def _claim(
        self,
        caller: Caller,
        booking: Booking,
        wanted: Booking,
        left_open: frozenset[str] = frozenset(),
        *,
        override: Sequence[Override] = (),
        exact: Visit | None = None,
    ) -> Claimed:
        """Pins what the new visit needs beyond the old one. left_open: the lengths that the service decides. exact: the
        visit that no rule is asked about."""
        fields: dict[str, Any] = {name: getattr(wanted, name) for name in SLOT_FIELDS} | dict.fromkeys(left_open)
        slot = SlotFields.model_construct(**fields, override=list(override))
        name = move_pin(booking.booking_id, booking.version, digest(*map(str, fields.values()))[:12])
        standing = {field for field, value in fields.items() if value == getattr(booking, field)}

        request = ClaimRequest(
            org=booking.org,
            hold_id=name,
            key_id=caller.key_id,
            role=caller.role,
            slot=slot,
            now=self._clock(),
            lifetime_seconds=DIRECT_LIFETIME_SECONDS,
            state="moving",
            booking_id=booking.booking_id,
            claimed=booking.claims,
            standing=standing,
            exact=exact,
        )
        for _ in range(MOST_ATTEMPTS):
            outcome = self._placing.attempt(request)
            if isinstance(outcome, Blocked):
                self._free_own_pins(caller, booking, outcome)
            elif outcome.how == "new":
                record = outcome.record
                return Claimed(name, record.visit, record.deadline_ms, first=True)
            else:
                joined = self._join(caller, booking, outcome.record)
                if joined:
                    return joined
        raise StoreUnavailable

    def _join(self, caller: Caller, booking: Booking, record: HoldRecord) -> Claimed | None:
        """Takes over the pin of the same change, whose worker is dead; None if the pin is gone by now."""
        known = self._claims.find(booking.org, record.hold_id)
        if known is None:
            return None
        if known.read_ms - known.begun_ms < REQUEST_MS or known.key_id != caller.key_id:
            raise RequestInProgress("The same change of this booking is being made.", retry_after_seconds=2)
        begun = self._claims.begin(booking.org, record.hold_id, caller.key_id, booking.booking_id, None)
        if not isinstance(begun, Pinned):
            return None
        return Claimed(record.hold_id, record.visit, begun.record.deadline_ms, first=False)

    def _update(
        self, caller: Caller, booking: Booking, fields: Document, entry: Document, visit: Visit
    ) -> Booking | None:
        """The one write that decides. None if MongoDB no longer has the version that was read."""
        for _ in range(MOST_UPDATES):
            try:
                return self._store.update(booking, fields, entry)
            except ClaimsTaken:
                # The mirror had missed a booking. If none is in the way, it was cancelled in between.
                obstacles = self._placing.mirror_blockers(booking.org, visit, besides=booking.booking_id)
            if obstacles:
                wish, asker = Wish.exactly(visit), Asker(caller.role)
                raise self._placing.refusal(booking.org, asker, wish, visit.technician_ids, obstacles)
        raise NothingSent

    def _moved(self, booking: Booking, wanted: Booking, visit: Visit) -> Booking:
        times = self._grid.times(visit, visit.start)
        lengths = {name: getattr(times, name) for name in LENGTHS}
        moved = wanted.changed(end=times.end, claims=tuple(visit.claims()), **lengths)
        if moved.start == booking.start:
            return moved
        return moved.changed(requested_start=moved.start, fallback_used=False)

    def _free_own_pins(self, caller: Caller, booking: Booking, blocked: Blocked) -> None:
        """Gives back pins in the way that the making of this booking or changes of its earlier versions left behind.

        All of that is decided, but a worker died before it gave its pin back.

        Raises RequestInProgress if only another change of this very version is in the way; the refusal of the slot if
        there is no such pin.
        """
        names = {obstacle.mark.owner for obstacle in blocked.obstacles}
        if all(version_moved(name, booking.booking_id) == booking.version for name in names):
            raise RequestInProgress("Another change of this booking is being made.", retry_after_seconds=2)
        freed = not names.isdisjoint({booking.hold_id, booking.placed_as}) and self._is_unmirrored(booking)
        if freed:
            self._mirror.settle(booking)
        for name in names:
            version = version_moved(name, booking.booking_id)
            record = self._claims.find(booking.org, name) if version and version < booking.version else None
            if record:
                self._mirror.settle(booking)
                self._claims.abort(booking.org, name, deadline_ms=record.deadline_ms, restore=False)
                freed = True
        if not freed:
            wish, asker = blocked.placement.wish, Asker(caller.role)
            raise self._placing.refusal(booking.org, asker, wish, blocked.tried, blocked.obstacles)

    def _is_unmirrored(self, booking: Booking) -> bool:
        (version,) = self._mirror.versions([(booking.org, booking.booking_id)])
        return version < booking.version

    def _give_back(self, booking: Booking, claimed: Claimed) -> None:
        try:
            self._claims.abort(booking.org, claimed.name, deadline_ms=claimed.deadline_ms, restore=False)
        except StoreUnavailable:
            log.warning("unpin_left_to_relay", org=booking.org)
