"""Holds: a slot kept for somebody while they make up their mind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from models.access import Caller, IdempotencyClaim, Role
from models.errors import (
    Fault,
    Forbidden,
    HoldExpired,
    HoldLimit,
    HoldNotFound,
    HoldReleased,
    InvalidTransition,
    RequestInProgress,
)
from models.hold import Hold, HoldRequest
from models.slot import Visit, Wish
from services.catalogue.reader import Catalogue
from services.claims.claims import Claims
from services.claims.hold_records import hold_view
from services.claims.keys import digest
from services.claims.placements import Placement
from services.crash_points import CrashPoints
from services.holds.placing import Placing
from services.ids import HoldIds, is_pin
from services.timetable.grid import Grid


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """A hold as answered. created: it is new (or the first answer again: replayed), not one's own found again."""

    hold: Hold
    created: bool
    replayed: bool


class Holds:
    """Place, read, extend and release holds."""

    def __init__(
        self,
        *,
        claims: Claims,
        placing: Placing,
        catalogue: Catalogue,
        hold_ids: HoldIds,
        grid: Grid,
        clock: Callable[[], datetime],
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

        Raises InvalidRequest, the refusals of Placing.claim, TooManyHolds, IdempotencyKeyReused, StoreUnavailable.
        """
        hold_id = self._hold_ids.make(caller.org, caller.key_id, self._now_ms())
        holder = _holder_digest(caller, request.holder)

        def prepare(wish: Wish, visits: list[Visit], epoch: str | None) -> Placement:
            policy = self._catalogue.policy(caller.org)
            return Placement(
                org=caller.org,
                hold_id=hold_id,
                owner=f"{caller.key_id} {holder}" if request.holder else caller.key_id,
                visits=visits,
                requested=wish.start,
                lifetime_ms=(request.ttl_seconds or policy.hold_seconds) * 1000,
                epoch=epoch,
                holder_digest=holder,
                quota=policy.holds_per_holder if holder else 0,
                idempotency=idempotency,
            )

        def faults() -> list[Fault]:
            most = self._catalogue.policy(caller.org).max_hold_seconds
            return [_too_long(most)] if (request.ttl_seconds or 0) > most else []

        repeat = (caller.key_id, idempotency) if idempotency else None
        placed = self._placing.claim(caller.org, request, prepare, faults, repeat)
        self._crash("after_place")
        now_ms = self._now_ms() if placed.how == "own" else placed.record.created_ms
        return PlacedHold(
            hold_view(placed.record, self._grid, now_ms),
            created=placed.how != "own" and not placed.record.found,
            replayed=placed.how == "replay",
        )

    def get(self, caller: Caller, hold_id: str) -> Hold:
        """Reads a hold of one's own; staff may read any of the org. Raises HoldNotFound, Forbidden,
        StoreUnavailable."""
        record = None if is_pin(hold_id) else self._claims.find(caller.org, hold_id)
        if record is None:
            raise HoldNotFound
        if record.key_id != caller.key_id and not caller.is_staff:
            raise Forbidden("This hold belongs to somebody else.")
        return hold_view(record, self._grid, self._now_ms())

    def extend(self, caller: Caller, hold_id: str, ttl_seconds: int) -> Hold:
        """Lets a live hold run for ttl_seconds from now, never shortening it.

        Raises HoldLimit past the org's longest total; HoldNotFound, Forbidden, HoldExpired, HoldReleased,
        InvalidTransition (booked already), RequestInProgress (being booked), StoreUnavailable.
        """
        if is_pin(hold_id):
            raise HoldNotFound
        longest_ms = self._catalogue.policy(caller.org).max_hold_seconds * 1000
        extended = self._claims.extend(
            caller.org, hold_id, caller.key_id, lifetime_ms=ttl_seconds * 1000, longest_ms=longest_ms
        )
        if extended.outcome == "LIMIT":
            raise HoldLimit(f"This hold can be kept for {extended.left_ms // 1000} more seconds at most.")
        if extended.outcome == "FOREIGN":
            raise Forbidden("This hold belongs to somebody else.")
        if extended.outcome == "BOOKED":
            raise InvalidTransition("This hold is booked already.")
        if extended.outcome == "CONFIRMING":
            raise RequestInProgress("This hold is being booked at this moment.", retry_after_seconds=2)
        if extended.outcome == "RELEASED":
            raise HoldReleased
        if extended.outcome == "EXPIRED" or (extended.record is None and self._was_ours(caller, hold_id)):
            raise HoldExpired
        if extended.record is None:
            raise HoldNotFound
        return hold_view(extended.record, self._grid, extended.now_ms)

    def release(self, caller: Caller, hold_id: str) -> None:
        """Lets a hold go; again is fine. Raises HoldNotFound, Forbidden, InvalidTransition, RequestInProgress."""
        if is_pin(hold_id):
            raise HoldNotFound
        word = self._claims.release(caller.org, hold_id, caller.key_id, staff=caller.is_staff)
        if word == "MISSING" and not self._was_ours(caller, hold_id):
            raise HoldNotFound
        if word == "FOREIGN":
            raise Forbidden("This hold belongs to somebody else.")
        if word == "BOOKED":
            raise InvalidTransition("This hold is booked already. Cancel the booking instead.")
        if word == "CONFIRMING":
            raise RequestInProgress("This hold is being booked at this moment.", retry_after_seconds=2)

    def _was_ours(self, caller: Caller, hold_id: str) -> bool:
        return self._hold_ids.issued_at_ms(caller.org, caller.key_id, hold_id) is not None

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _holder_digest(caller: Caller, holder: str | None) -> str:
    """Whose quota counts a hold: its holder, else for the public key the client's address, else nobody's."""
    if holder:
        return digest("holder", caller.key_id, holder)
    if caller.role is Role.CHECKOUT and caller.address:
        return digest("address", caller.key_id, caller.address)
    return ""


def _too_long(most: int) -> Fault:
    return Fault("ttl_seconds", "too_long", f"Give ttl_seconds as {most} or less.")
