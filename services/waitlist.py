"""The waitlist as clients use it: join the line, see how it stands, leave it.

What is offered to whom is the relay's business: see services.offers. Between its rounds a reader is told how an offer
stands by its hold, and nothing is written for that.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from models.access import Caller, IdempotencyClaim
from models.errors import (
    Fault,
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    RequestInProgress,
    StoreUnavailable,
)
from models.slot import SlotOptions
from models.waitlist import WaitEntry, WaitRequest
from services.booking_records import change
from services.candidates import Candidates
from services.catalogue import Catalogue
from services.faults import RedisUnavailable
from services.hold_records import moment_of_ms
from services.keys import digest
from services.mirror import Mirror
from services.placement import KEY_KEPT_MS
from services.slots import Slots
from services.store import BookingStore
from services.timegrid import Grid, to_milliseconds
from services.tokens import booking_id_for
from services.waitlist_store import WaitlistStore

LONGEST_WINDOW = timedelta(days=62)
MOST_ATTEMPTS = 5


class Waitlist:
    """Places in line. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        entries: WaitlistStore,
        bookings: BookingStore,
        slots: Slots,
        mirror: Mirror,
        catalogue: Catalogue,
        candidates: Candidates,
        grid: Grid,
        clock: Callable[[], datetime],
    ) -> None:
        self._entries = entries
        self._bookings = bookings
        self._slots = slots
        self._mirror = mirror
        self._catalogue = catalogue
        self._candidates = candidates
        self._grid = grid
        self._clock = clock

    def join(self, caller: Caller, request: WaitRequest, idempotency: IdempotencyClaim | None = None) -> WaitEntry:
        """Takes a place at the end of the line; a repeat under an idempotency key finds the one that it has.

        Raises InvalidRequest with all faults, PropertyNotFound, TechnicianNotFound, IdempotencyKeyReused.
        """
        self._read_current_catalogue(caller.org)
        faults = self.faults(caller.org, request.from_, request.to, request.duration_minutes)
        if faults:
            raise InvalidRequest(*faults)
        self._catalogue.property(caller.org, request.property_id)
        if request.technician_id is not None:
            self._catalogue.technician(caller.org, request.technician_id)
        entry = self._new_entry(caller, request, idempotency)
        if self._entries.insert(entry):
            return entry
        return self._first_answer(entry)

    def get(self, caller: Caller, waitlist_id: str) -> WaitEntry:
        """The entry as it stands; staff may read any of the org. Raises NotFound, Forbidden."""
        entry = self._of(caller, waitlist_id)
        if entry.status != "offered":
            return entry
        with suppress(RedisUnavailable):  # then what was noted last has to do
            return self._as_its_hold_stands(entry)
        return entry

    def leave(self, caller: Caller, waitlist_id: str) -> None:
        """Gives a place in line up, and the hold that is offered; again is fine.

        The hold goes first: by one script either it is released, and nobody can book it any more, or it is being
        booked, and the entry stays. Whoever dies after it leaves an offer that was not taken.
        Raises NotFound, Forbidden, InvalidTransition (booked), RequestInProgress (being booked, or offered just now).
        """
        for _ in range(MOST_ATTEMPTS):
            entry = self._of(caller, waitlist_id)
            if entry.status == "cancelled":
                return
            self._let_go(caller, entry)
            # Who leaves while an offer is being made may have its hold placed after this: the relay clears that up.
            left = self._entries.change(
                entry, self._clock(), caller.name, "cancel", status="cancelled", unsettled=entry.hold_id is not None
            )
            if left:
                if entry.hold_id and entry.status == "waiting":
                    with suppress(StoreUnavailable):
                        self._slots.release(entry.org, entry.hold_id, caller.key_id, staff=caller.is_staff)
                return
        raise RequestInProgress("This place on the waitlist is changing at this moment.", retry_after_seconds=1)

    def faults(self, org: str, begin: datetime, end: datetime, duration_minutes: int | None) -> list[Fault]:
        """What is wrong with a window and the visit that is to fit into it, beyond what the request's model sees."""
        found, now = [], self._clock()
        if end <= now:
            found.append(Fault("to", "window_over", "the window should not be over."))
        if end - begin > LONGEST_WINDOW:
            text = f"the window should be {LONGEST_WINDOW.days} days long at the most."
            found.append(Fault("to", "too_long", text))
        try:
            length = self._candidates.extent(org, SlotOptions(duration_minutes=duration_minutes)).length
        except InvalidRequest as refusal:
            return [*found, *refusal.faults]
        first = self._grid.tick_from(max(begin, now) if end > now else begin)
        if first + length > self._grid.tick(end):
            found.append(Fault("to", "no_visit_fits", "the window should have room for a visit of that length."))
        return found

    def _read_current_catalogue(self, org: str) -> None:
        """Forgets what this process remembers of the catalogue, unless it is known to be current."""
        epoch = None
        with suppress(RedisUnavailable):
            epoch = self._mirror.epoch(org)
        if epoch is None or epoch != self._catalogue.epoch(org):
            self._catalogue.forget(org, epoch)

    def _new_entry(self, caller: Caller, request: WaitRequest, idempotency: IdempotencyClaim | None) -> WaitEntry:
        now = to_milliseconds(self._clock())
        extent = self._candidates.extent(caller.org, SlotOptions(duration_minutes=request.duration_minutes))
        name = secrets.token_hex(16)
        if idempotency:
            name = digest("waitlist", caller.org, caller.key_id, idempotency.key)
        return WaitEntry(
            waitlist_id=f"wl_{name}",
            org=caller.org,
            made_by=caller.key_id,
            status="waiting",
            property_id=request.property_id,
            technician_id=request.technician_id,
            from_=to_milliseconds(request.from_),
            to=to_milliseconds(request.to),
            duration_minutes=self._grid.minutes_of(extent.length),
            offer_minutes=request.offer_minutes,
            customer=request.customer.model_dump(exclude_none=True),
            version=1,
            created_at=now,
            updated_at=now,
            history=[change(now, caller.name, "join", {})],
            fingerprint=digest(idempotency.key, idempotency.fingerprint) if idempotency else None,
        )

    def _first_answer(self, entry: WaitEntry) -> WaitEntry:
        """What this very request made before under its idempotency key; a new place where that key's time is over."""
        existing = self._entries.find(entry.org, entry.waitlist_id)
        if existing is None:
            raise StoreUnavailable
        if entry.created_at - existing.created_at > timedelta(milliseconds=KEY_KEPT_MS):
            again = replace(entry, waitlist_id=f"wl_{digest(entry.waitlist_id, str(existing.created_at))}")
            return again if self._entries.insert(again) else self._first_answer(again)
        if existing.fingerprint != entry.fingerprint:
            raise IdempotencyKeyReused
        return existing

    def _of(self, caller: Caller, waitlist_id: str) -> WaitEntry:
        entry = self._entries.find(caller.org, waitlist_id)
        if entry is None:
            raise NotFound("There is no such place on the waitlist.")
        if entry.made_by != caller.key_id and not caller.is_staff:
            raise Forbidden("This place on the waitlist belongs to somebody else.")
        return entry

    def _as_its_hold_stands(self, entry: WaitEntry) -> WaitEntry:
        record, now = self._slots.find(entry.org, entry.hold_id or ""), self._clock()
        standing = record.standing(int(now.timestamp() * 1000)) if record else None
        if record and standing in ("held", "confirming"):
            return replace(entry, offered_until=moment_of_ms(record.expires_ms))
        booking_id = record.booking_id if record and standing == "booked" else self._booking_of(entry)
        if booking_id:
            return replace(entry, status="booked", booking_id=booking_id)
        if record is None and entry.offered_until and now < entry.offered_until:
            # Lost with Redis; the relay is about to give it its place in line back.
            return replace(
                entry,
                status="waiting",
                hold_id=None,
                start=None,
                end=None,
                offered_technician_id=None,
                offered_until=None,
            )
        return replace(entry, status="lapsed")

    def _let_go(self, caller: Caller, entry: WaitEntry) -> None:
        """Releases the hold of an offer, or refuses where it became a booking."""
        if entry.status == "booked":
            raise InvalidTransition("This place on the waitlist became a booking. Cancel the booking instead.")
        if entry.hold_id is None:
            return
        word = self._slots.release(entry.org, entry.hold_id, caller.key_id, staff=caller.is_staff)
        if word == "CONFIRMING":
            raise RequestInProgress("The offer is being booked at this moment.", retry_after_seconds=2)
        if word == "BOOKED" or self._booking_of(entry):
            raise InvalidTransition("This place on the waitlist became a booking. Cancel the booking instead.")

    def _booking_of(self, entry: WaitEntry) -> str | None:
        booking_id = booking_id_for(entry.org, entry.hold_id or "")
        return booking_id if self._bookings.find(entry.org, booking_id) else None
