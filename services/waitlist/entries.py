"""The waitlist as clients use it: join the line, see how it stands, leave it.

What is offered to whom is the relay's business: see services.offers. Between its rounds a reader is told how an offer
stands by its hold, and nothing is written for that.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from models.access import Caller, IdempotencyClaim, Role
from models.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    RateLimited,
    RequestInProgress,
    StoreUnavailable,
)
from models.slot import SlotOptions
from models.waitlist import WaitEntry, WaitRequest
from services.availability.candidates import Candidates
from services.catalogue.reader import Catalogue
from services.claims.claims import Claims
from services.claims.hold_records import moment_of_ms
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.claims.placements import KEY_KEPT_MS
from services.ids import WaitlistIds, booking_id_for
from services.ledger.documents import change
from services.ledger.store import BookingStore
from services.stores.faults import RedisUnavailable
from services.timetable.grid import Grid, to_milliseconds
from services.waitlist.rules import WaitRules
from services.waitlist.store import WaitlistStore

MOST_ATTEMPTS = 5

MOST_IN_LINE = 100
"""Places that one client address has at a time with the publishable key."""
MOST_UNSETTLED = 2_000
"""Places of one org that the relay has to look at."""
FULL_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Joined:
    """A place in line as answered. replayed: it is the first answer again."""

    entry: WaitEntry
    replayed: bool


class Waitlist:
    """Places in line. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        entries: WaitlistStore,
        ids: WaitlistIds,
        rules: WaitRules,
        bookings: BookingStore,
        claims: Claims,
        mirror: Mirror,
        catalogue: Catalogue,
        candidates: Candidates,
        grid: Grid,
        clock: Callable[[], datetime],
    ) -> None:
        self._entries = entries
        self._ids = ids
        self.rules = rules
        self._bookings = bookings
        self._claims = claims
        self._mirror = mirror
        self._catalogue = catalogue
        self._candidates = candidates
        self._grid = grid
        self._clock = clock

    def join(self, caller: Caller, request: WaitRequest, idempotency: IdempotencyClaim | None = None) -> Joined:
        """Takes a place at the end of the line; a repeat under an idempotency key finds the one that it has.

        Raises InvalidRequest with all faults, PropertyNotFound, TechnicianNotFound, RateLimited (the line, or this
        client's part of it, is full), IdempotencyKeyReused.
        """
        waitlist_id, answered = self._first_answer(caller, idempotency)
        if answered:
            return answered
        self._read_current_catalogue(caller.org)
        wish = (request.duration_minutes, request.offer_minutes)
        faults = self.rules.faults(caller, (request.from_, request.to), *wish)
        if faults:
            raise InvalidRequest(*faults)
        self._catalogue.property(caller.org, request.property_id)
        if request.technician_id is not None:
            self._catalogue.technician(caller.org, request.technician_id)
        entry = self._new_entry(caller, request, waitlist_id, idempotency)
        self._require_room(entry)
        if self._entries.insert(entry):
            return Joined(entry, replayed=False)
        _, answered = self._first_answer(caller, idempotency)
        if answered is None:
            raise StoreUnavailable
        return answered

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
                        self._claims.release(entry.org, entry.hold_id, caller.key_id, staff=caller.is_staff)
                return
        raise RequestInProgress("This place on the waitlist is changing at this moment.", retry_after_seconds=1)

    def _require_room(self, entry: WaitEntry) -> None:
        """Bounds what the relay has to look at, and what one who has only the publishable key can keep from others.

        Counted before the entry is written: those who join at one moment may pass together.
        """
        if self._entries.count_unsettled(entry.org, MOST_UNSETTLED) >= MOST_UNSETTLED:
            raise RateLimited("The waitlist is full at the moment.", retry_after_seconds=FULL_RETRY_SECONDS)
        if entry.joined_from is None:
            return
        taken = self._entries.count_in_line(entry.org, entry.made_by, entry.joined_from, MOST_IN_LINE)
        if taken >= MOST_IN_LINE:
            raise RateLimited(
                f"At most {MOST_IN_LINE} places on the waitlist can be had at a time. Leave one first.",
                retry_after_seconds=FULL_RETRY_SECONDS,
            )

    def _read_current_catalogue(self, org: str) -> None:
        """Forgets what this process remembers of the catalogue, unless it is known to be current."""
        epoch = None
        with suppress(RedisUnavailable):
            epoch = self._mirror.epoch(org)
        if epoch is None or epoch != self._catalogue.epoch(org):
            self._catalogue.forget(org, epoch)

    def _new_entry(
        self, caller: Caller, request: WaitRequest, waitlist_id: str, idempotency: IdempotencyClaim | None
    ) -> WaitEntry:
        now = to_milliseconds(self._clock())
        extent = self._candidates.extent(caller.org, SlotOptions(duration_minutes=request.duration_minutes))
        return WaitEntry(
            waitlist_id=waitlist_id,
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
            fingerprint=_fingerprint(idempotency) if idempotency else None,
            joined_from=_joined_from(caller),
        )

    def _first_answer(self, caller: Caller, idempotency: IdempotencyClaim | None) -> tuple[str, Joined | None]:
        """The id for a request, and what this very one made before under its idempotency key.

        The id is another one once that key's time is over. Raises IdempotencyKeyReused.
        """
        if idempotency is None:
            return f"wl_{secrets.token_hex(16)}", None
        waitlist_id = self._ids.derive(caller.org, caller.key_id, idempotency.key)
        while existing := self._entries.find(caller.org, waitlist_id):
            if self._clock() - existing.created_at <= timedelta(milliseconds=KEY_KEPT_MS):
                if existing.fingerprint != _fingerprint(idempotency):
                    raise IdempotencyKeyReused
                return waitlist_id, Joined(_as_joined(existing), replayed=True)
            waitlist_id = self._ids.derive(waitlist_id, str(existing.created_at))
        return waitlist_id, None

    def _of(self, caller: Caller, waitlist_id: str) -> WaitEntry:
        entry = self._entries.find(caller.org, waitlist_id)
        if entry is None:
            raise NotFound("There is no such place on the waitlist.")
        if entry.made_by != caller.key_id and not caller.is_staff:
            raise Forbidden("This place on the waitlist belongs to somebody else.")
        return entry

    def _as_its_hold_stands(self, entry: WaitEntry) -> WaitEntry:
        record, now = self._claims.find(entry.org, entry.hold_id or ""), self._clock()
        standing = record.standing(int(now.timestamp() * 1000)) if record else None
        if record and standing in ("held", "confirming"):
            return replace(entry, offered_until=moment_of_ms(record.expires_ms))
        booking_id = record.booking_id if record and standing == "booked" else self._booking_of(entry)
        if booking_id:
            return replace(entry, status="booked", booking_id=booking_id)
        if record is None and entry.offered_until and now < entry.offered_until:
            # Lost with Redis; the relay is about to give it its place in line back.
            return _without_offer(entry)
        return replace(entry, status="lapsed")

    def _let_go(self, caller: Caller, entry: WaitEntry) -> None:
        """Releases the hold of an offer, or refuses where it became a booking."""
        if entry.status == "booked":
            raise InvalidTransition("This place on the waitlist became a booking. Cancel the booking instead.")
        if entry.hold_id is None:
            return
        word = self._claims.release(entry.org, entry.hold_id, caller.key_id, staff=caller.is_staff)
        if word == "CONFIRMING":
            raise RequestInProgress("The offer is being booked at this moment.", retry_after_seconds=2)
        if word == "BOOKED" or self._booking_of(entry):
            raise InvalidTransition("This place on the waitlist became a booking. Cancel the booking instead.")

    def _booking_of(self, entry: WaitEntry) -> str | None:
        booking_id = booking_id_for(entry.org, entry.hold_id or "")
        return booking_id if self._bookings.find(entry.org, booking_id) else None


def _joined_from(caller: Caller) -> str | None:
    """Whose part of the line an entry counts for: with the publishable key the client's address, else nobody's."""
    if caller.role is Role.CHECKOUT and caller.address:
        return digest("waitlist", caller.key_id, caller.address)
    return None


def _fingerprint(claim: IdempotencyClaim) -> str:
    return digest(claim.key, claim.fingerprint)


def _without_offer(entry: WaitEntry) -> WaitEntry:
    offer: dict[str, Any] = dict.fromkeys(("hold_id", "start", "end", "offered_technician_id", "offered_until"))
    return replace(entry, status="waiting", **offer)


def _as_joined(entry: WaitEntry) -> WaitEntry:
    """What was answered first, whatever became of the entry since."""
    return replace(_without_offer(entry), booking_id=None)
