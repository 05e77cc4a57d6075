"""The waitlist as clients use it: join it, read an entry, leave it.

The relay makes the offers: see `rounds`. Between two of its rounds a reader sees an offer as its hold is now. A read
writes nothing.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
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
from services.clock import Clock, now_ms
from services.ids import WaitlistIds, booking_id_for
from services.ledger.documents import change
from services.ledger.store import BookingStore
from services.stores.faults import RedisUnavailable
from services.timetable.grid import Grid, to_milliseconds
from services.waitlist.rules import WaitRules
from services.waitlist.store import OFFER_FIELDS, WaitlistStore

MOST_ATTEMPTS = 5

MOST_PER_ADDRESS = 100
"""Live entries of one client address with the publishable key. Many customers of one office share an address."""
MOST_UNSETTLED = 2_000
"""Unsettled entries of one org, because the relay reads all of them in each round."""
FULL_RETRY_SECONDS = 60
BECAME_A_BOOKING = "This waitlist entry became a booking. Please cancel the booking instead."


@dataclass(frozen=True, slots=True)
class Joined:
    """An entry as answered. replayed: this is the first answer again, for a repeat under its idempotency key."""

    entry: WaitEntry
    replayed: bool


class Waitlist:
    """The entries of all orgs. Everything may raise StoreUnavailable."""

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
        clock: Clock,
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
        """Makes an entry that is served after all others. A repeat under an idempotency key gets the first entry.

        Raises InvalidRequest with all faults, PropertyNotFound, TechnicianNotFound, IdempotencyKeyReused, RateLimited
        (the org or the client address has as many entries as it may have).
        """
        waitlist_id, answered = self._first_answer(caller, idempotency)
        if answered:
            return answered
        self._read_current_catalogue(caller.org)
        minutes = (request.duration_minutes, request.offer_minutes)
        faults = self.rules.faults(caller, (request.from_, request.to), *minutes)
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
        """The entry as it is now. Staff may read any entry of the org. Raises NotFound, Forbidden."""
        entry = self._of(caller, waitlist_id)
        if entry.status != "offered":
            return entry
        with suppress(RedisUnavailable):  # without Redis, answer the entry as it was last written
            return self._as_its_hold_is(entry)
        return entry

    def leave(self, caller: Caller, waitlist_id: str) -> None:
        """Cancels an entry and releases the hold of its offer. A repeat changes nothing.

        The hold is released first: in one script either the release succeeds, and the hold can no longer be booked, or
        the hold is being booked, and the entry stays. A crash after this step leaves an unaccepted offer.
        Raises NotFound, Forbidden, InvalidTransition (booked), RequestInProgress (being booked, or offered just now).
        """
        for _ in range(MOST_ATTEMPTS):
            entry = self._of(caller, waitlist_id)
            if entry.status == "cancelled":
                return
            self._release(caller, entry)
            # A relay that is making an offer may still place its hold after this. The entry stays unsettled, so the
            # relay finds and releases that hold.
            left = self._entries.change(
                entry, self._clock(), caller.name, "cancel", status="cancelled", unsettled=entry.hold_id is not None
            )
            if left:
                if entry.hold_id and entry.status == "waiting":
                    with suppress(StoreUnavailable):
                        self._claims.release(entry.org, entry.hold_id, caller.key_id, staff=caller.is_staff)
                return
        raise RequestInProgress("This waitlist entry is changing. Please try again.", retry_after_seconds=1)

    def _require_room(self, entry: WaitEntry) -> None:
        """Bounds the work of the relay, and how many slots a client with only the publishable key can keep from others.

        The count comes before the write, so clients that join at the same moment may exceed the bound together.
        Raises RateLimited.
        """
        if self._entries.count_unsettled(entry.org, MOST_UNSETTLED) >= MOST_UNSETTLED:
            raise RateLimited("The waitlist is full. Please try again later.", retry_after_seconds=FULL_RETRY_SECONDS)
        if entry.joined_from is None:
            return
        if self._entries.count_live(entry.org, entry.made_by, entry.joined_from, MOST_PER_ADDRESS) >= MOST_PER_ADDRESS:
            raise RateLimited(
                f"You can wait for at most {MOST_PER_ADDRESS} visits at a time. Please cancel one first.",
                retry_after_seconds=FULL_RETRY_SECONDS,
            )

    def _read_current_catalogue(self, org: str) -> None:
        """Drops this process's copy of the catalogue, unless its epoch shows that the copy is current."""
        epoch = None
        with suppress(RedisUnavailable):
            epoch = self._mirror.epoch(org)
        if epoch is None or epoch != self._catalogue.epoch(org):
            self._catalogue.forget(org, epoch)

    def _new_entry(
        self, caller: Caller, request: WaitRequest, waitlist_id: str, idempotency: IdempotencyClaim | None
    ) -> WaitEntry:
        now = to_milliseconds(self._clock())
        policy = self._catalogue.policy(caller.org)
        extent = self._candidates.extent(policy, SlotOptions(duration_minutes=request.duration_minutes))
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
        """The id for a request's entry, and the first answer if the request is a repeat under its idempotency key.

        A key is kept for KEY_KEPT_MS; after that it leads to a new id. Raises IdempotencyKeyReused.
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
            raise NotFound("There is no such waitlist entry.")
        if entry.made_by != caller.key_id and not caller.is_staff:
            raise Forbidden("This waitlist entry belongs to somebody else.")
        return entry

    def _as_its_hold_is(self, entry: WaitEntry) -> WaitEntry:
        record = self._claims.find(entry.org, entry.hold_id or "")
        standing = record.standing(now_ms(self._clock)) if record else None
        if record and standing in ("held", "confirming"):
            return replace(entry, offered_until=moment_of_ms(record.expires_ms))
        booking_id = record.booking_id if record and standing == "booked" else self._booking_of(entry)
        if booking_id:
            return replace(entry, status="booked", booking_id=booking_id)
        if record is None and entry.offered_until and self._clock() < entry.offered_until:
            # The hold was lost with Redis, and the relay is about to make the entry wait again.
            return _without_offer(entry)
        return replace(entry, status="lapsed")

    def _release(self, caller: Caller, entry: WaitEntry) -> None:
        """Releases the hold of an offer. Raises InvalidTransition (booked), RequestInProgress (being booked)."""
        if entry.status == "booked":
            raise InvalidTransition(BECAME_A_BOOKING)
        if entry.hold_id is None:
            return
        released = self._claims.release(entry.org, entry.hold_id, caller.key_id, staff=caller.is_staff)
        if released == "confirming":
            raise RequestInProgress("The offered slot is being booked. Please try again.", retry_after_seconds=2)
        if released == "booked" or self._booking_of(entry):
            raise InvalidTransition(BECAME_A_BOOKING)

    def _booking_of(self, entry: WaitEntry) -> str | None:
        booking_id = booking_id_for(entry.org, entry.hold_id or "")
        return booking_id if self._bookings.find(entry.org, booking_id) else None


def _joined_from(caller: Caller) -> str | None:
    """A digest of the address for which the entry counts; None with keys other than the publishable one."""
    if caller.role is Role.CHECKOUT and caller.address:
        return digest("waitlist", caller.key_id, caller.address)
    return None


def _fingerprint(claim: IdempotencyClaim) -> str:
    return digest(claim.key, claim.fingerprint)


def _without_offer(entry: WaitEntry) -> WaitEntry:
    no_offer: dict[str, Any] = dict.fromkeys(OFFER_FIELDS)
    return replace(entry, status="waiting", **no_offer)


def _as_joined(entry: WaitEntry) -> WaitEntry:
    """The entry as it was answered first."""
    return replace(_without_offer(entry), booking_id=None)
