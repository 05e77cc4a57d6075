"""Holds: a slot kept for a client until it books, lets go or its time is over."""

from __future__ import annotations

from dataclasses import dataclass

from models.access import Caller, IdempotencyClaim
from models.errors import Forbidden, HoldExpired, HoldNotFound, InvalidTransition, RequestInProgress
from models.hold import Hold, HoldRequest
from services.catalogue.reader import Catalogue
from services.claims.claims import NOT_YOURS, Claims
from services.claims.hold_records import HoldRecord, hold_view
from services.claims.keys import digest
from services.claims.placements import ClaimRequest
from services.claims.quotas import address_of
from services.clock import Clock
from services.crash_points import CrashPoints
from services.holds.placing import Placing
from services.ids import HoldIds, hold_name
from services.timetable.grid import Grid


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """A hold as answered. created: it is new, or its first answer again (replayed); else the holder had it already."""

    hold: Hold
    created: bool
    replayed: bool


class Holds:
    """Place, read, extend and release holds. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        claims: Claims,
        placing: Placing,
        catalogue: Catalogue,
        hold_ids: HoldIds,
        grid: Grid,
        clock: Clock,
        crash: CrashPoints,
    ) -> None:
        self._claims = claims
        self._placing = placing
        self._catalogue = catalogue
        self._hold_ids = hold_ids
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def place(self, caller: Caller, request: HoldRequest, idempotency: IdempotencyClaim | None = None) -> PlacedHold:
        """Holds the first visit that the request allows.

        Raises InvalidRequest, the refusals of Placing.claim, TooManyHolds, IdempotencyKeyReused; for a hold that cannot
        be replaced what Claims.place raises.
        """
        now = self._clock()
        placed = self._placing.claim(
            ClaimRequest(
                org=caller.org,
                hold_id=self._hold_ids.make(caller.org, caller.key_id, int(now.timestamp() * 1000)),
                key_id=caller.key_id,
                role=caller.role,
                slot=request,
                now=now,
                lifetime_seconds=request.ttl_seconds,
                bounded=True,
                holder_digest=digest("holder", caller.key_id, request.holder) if request.holder else "",
                address_digest=address_of(caller),
                idempotency=idempotency,
                replaces=self._own_name(caller, request.replaces) if request.replaces else "",
            )
        )
        self._crash("after_place")
        record = placed.record
        return PlacedHold(
            self._shown(caller.org, record),
            created=placed.how != "own" and not record.found,
            replayed=placed.how == "replay",
        )

    def get(self, caller: Caller, hold_id: str) -> Hold:
        """Reads a hold of the caller's API key; staff may read any of the org. Raises HoldNotFound, Forbidden."""
        org = caller.org
        record = self._claims.find(org, self._name(caller, hold_id))
        if record is None:
            raise HoldNotFound
        if record.key_id != caller.key_id and not caller.is_staff:
            raise Forbidden(NOT_YOURS)
        return self._shown(org, record)

    def extend(self, caller: Caller, hold_id: str, ttl_seconds: int) -> Hold:
        """Lets a live hold run for ttl_seconds from now, never shortening it.

        Raises HoldLimit past the org's longest total, HoldNotFound, Forbidden, HoldExpired, HoldReleased,
        InvalidTransition (it is booked), RequestInProgress (it is being booked).
        """
        name = self._name(caller, hold_id)
        longest_ms = self._catalogue.policy(caller.org).max_hold_seconds * 1000
        record = self._claims.extend(
            caller.org, name, caller.key_id, lifetime_ms=ttl_seconds * 1000, longest_ms=longest_ms
        )
        if record is None:
            self._require_issued(caller, name)
            raise HoldExpired
        return self._shown(caller.org, record)

    def release(self, caller: Caller, hold_id: str) -> None:
        """Lets a hold go; again is fine. Raises HoldNotFound, Forbidden, InvalidTransition, RequestInProgress."""
        name = self._name(caller, hold_id)
        by = caller.shown_id if caller.is_staff else caller.key_id  # staff need not own it, and the record names them
        released = self._claims.release(caller.org, name, by, staff=caller.is_staff)
        if released == "unknown":
            self._require_issued(caller, name)
        if released == "booked":
            raise InvalidTransition("This hold is booked already. Cancel the booking instead.")
        if released == "confirming":
            raise RequestInProgress("This hold is being booked at this moment.", retry_after_seconds=2)

    def _name(self, caller: Caller, hold_id: str) -> str:
        """The name of the hold that a client was given this id for. Raises HoldNotFound for any other id."""
        name = hold_name(hold_id)
        if name is None or not self._hold_ids.was_given(caller.org, hold_id):
            raise HoldNotFound
        return name

    def _own_name(self, caller: Caller, hold_id: str) -> str:
        """As `_name`, of a hold that this API key was given."""
        name = self._name(caller, hold_id)
        self._require_issued(caller, name)
        return name

    def _require_issued(self, caller: Caller, name: str) -> None:
        """Raises HoldNotFound unless this API key was given the hold, which Redis has forgotten."""
        if self._hold_ids.issued_at_ms(caller.org, caller.key_id, name) is None:
            raise HoldNotFound

    def _shown(self, org: str, record: HoldRecord) -> Hold:
        hold_id = self._hold_ids.seal(org, record.key_id, record.hold_id, record.visit)
        return hold_view(record, hold_id, self._grid)
