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

from models.access import STRANGERS, Caller, IdempotencyClaim
from models.catalogue import Policy
from models.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    RequestInProgress,
    StoreUnavailable,
)
from models.waitlist import WaitEntry, WaitQuery, WaitRequest
from services.availability.candidates import Candidates
from services.availability.possible import BUILDING, not_eligible
from services.catalogue.reader import Catalogue
from services.claims.claims import Claims
from services.claims.hold_records import moment_of_ms
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.claims.placements import KEY_KEPT_MS
from services.claims.quotas import address_of
from services.clock import Clock
from services.ids import WaitlistIds, booking_id_for
from services.ledger.documents import change
from services.ledger.store import BookingStore
from services.stores.faults import RedisUnavailable
from services.timetable.grid import Grid, to_milliseconds
from services.timetable.rules import Extent
from services.waitlist.admission import Admission
from services.waitlist.rules import WaitRules
from services.waitlist.store import OFFER_FIELDS, WaitlistStore

MOST_ATTEMPTS = 5
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
        admission: Admission,
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
        self._admission = admission
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

        Raises InvalidRequest with all faults, PropertyNotFound, TechnicianNotFound, ServiceNotFound,
        TechnicianNotEligible (too few technicians in question are sent there for that), Forbidden (a stranger waits for
        a building), IdempotencyKeyReused, and what Admission.admit raises.
        """
        waitlist_id, answered = self._first_answer(caller, idempotency)
        if answered:
            return answered
        self._read_current_catalogue(caller.org)
        faults = self.rules.faults(caller, (request.from_, request.to), request.lengths)
        if faults:
            raise InvalidRequest(*faults)
        snapshot = self._catalogue.snapshot(caller.org)
        extent = self._candidates.extent(snapshot, request.lengths, caller.role)
        rules = self._candidates.rules(snapshot, self._clock(), request, extent, discreet=caller.role in STRANGERS)
        if caller.role in STRANGERS and rules.units:
            raise Forbidden(BUILDING)
        if not rules.eligible:
            raise not_eligible(request, for_staff=False)
        entry = self._new_entry(caller, request, waitlist_id, idempotency, extent)
        self.rules.require_hours_that_fit(entry, rules.site.timezone)
        if self._admission.admit(entry):
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

    def page(self, caller: Caller, query: WaitQuery) -> tuple[list[WaitEntry], str | None]:
        """One page of the org's entries as they were last written, the oldest first, and the cursor of the next page.

        Raises InvalidRequest for a cursor that no list gave.
        """
        return self._entries.page(caller.org, query)

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

    def _read_current_catalogue(self, org: str) -> None:
        """Drops this process's copy of the catalogue, unless its epoch shows that the copy is current."""
        epoch = None
        with suppress(RedisUnavailable):
            epoch = self._mirror.epoch(org)
        if epoch is None or epoch != self._catalogue.epoch(org):
            self._catalogue.forget(org, epoch)

    def _new_entry(
        self,
        caller: Caller,
        request: WaitRequest,
        waitlist_id: str,
        idempotency: IdempotencyClaim | None,
        extent: Extent,
    ) -> WaitEntry:
        now = to_milliseconds(self._clock())
        policy = self._catalogue.policy(caller.org)
        return WaitEntry(
            waitlist_id=waitlist_id,
            org=caller.org,
            made_by=caller.key_id,
            status="waiting",
            property_id=request.property_id,
            technician_id=request.named[0] if request.named else None,
            technician_ids=list(request.named) if len(request.named) > 1 else None,
            technicians=len(request.named) or request.technicians or 1,
            from_=to_milliseconds(request.from_),
            to=to_milliseconds(request.to),
            duration_minutes=self._grid.minutes_of(extent.length),
            hours=request.hours or [],
            offer_minutes=_offer_minutes(caller, request, policy),
            customer=request.customer.record(policy.country),
            version=1,
            created_at=now,
            updated_at=now,
            history=[change(now, caller.name, "join", {})],
            fingerprint=_fingerprint(idempotency) if idempotency else None,
            joined_from=address_of(caller) or None,
            service_id=request.service_id,
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
        standing = record.standing if record else None
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


def _offer_minutes(caller: Caller, request: WaitRequest, policy: Policy) -> int:
    """How long an offer is to last. With the publishable key not longer than a hold, at least a minute."""
    longest = max(1, policy.max_hold_seconds // 60)
    return min(request.offer_minutes, longest) if caller.is_public else request.offer_minutes


def _fingerprint(claim: IdempotencyClaim) -> str:
    return digest(claim.key, claim.fingerprint)


def _without_offer(entry: WaitEntry) -> WaitEntry:
    no_offer: dict[str, Any] = dict.fromkeys(OFFER_FIELDS)
    return replace(entry, status="waiting", **no_offer)


def _as_joined(entry: WaitEntry) -> WaitEntry:
    """The entry as it was answered first."""
    return replace(_without_offer(entry), booking_id=None)
