"""Rebuilds an org's mirror after Redis lost data, and resolves pins whose worker died."""

from __future__ import annotations

import structlog

from services.claims.claims import Claims
from services.claims.epochs import Epochs
from services.claims.mirror import Mirror
from services.clock import Clock
from services.ledger.store import BookingStore
from services.timetable.rules import LONGEST_VISIT

log = structlog.get_logger()

MOST_PINS = 500
PROGRESS_EVERY = 1000
"""Bookings between two reports of progress: a small part of the time that a rebuild may be silent."""


class Rebuild:
    """Rebuilds one org's mirror from MongoDB."""

    def __init__(self, epochs: Epochs, mirror: Mirror, store: BookingStore, clock: Clock) -> None:
        self._epochs = epochs
        self._mirror = mirror
        self._store = store
        self._clock = clock

    def run(self, org: str) -> bool:
        """Mirrors every booking that is not over, by version, then sets a new epoch.

        It mirrors cancelled bookings too, and first, because they free slots. Without them a slow worker could bring a
        cancelled booking back by mirroring its first version late, and marks that such a booking left would stay.

        False if Redis lost its data again meanwhile, or another rebuild began: this one must start over.
        Raises StoreUnavailable.
        """
        token = self._epochs.begin_rebuild(org)
        mirrored = 0
        for booking in self._store.current_from(org, self._clock() - LONGEST_VISIT):
            self._mirror.settle(booking, quiet=True)
            mirrored += 1
            if mirrored % PROGRESS_EVERY == 0:
                self._epochs.continue_rebuild(org)
        whole = self._epochs.finish_rebuild(org, token)
        log.info("mirror_rebuilt", org=org, bookings=mirrored, whole=whole)
        return whole


class Pins:
    """Finds out how a confirmation or a move ended whose worker died in the middle of it."""

    def __init__(self, claims: Claims, mirror: Mirror, store: BookingStore) -> None:
        self._claims = claims
        self._mirror = mirror
        self._store = store

    def of_orgs(self, orgs: list[str]) -> list[str]:
        """Those of some orgs that have pins: mostly none. Raises StoreUnavailable."""
        return self._claims.pinned(orgs)

    def resolve_overdue(self, org: str) -> int:
        """Mirrors the booking of each overdue pin of the org; where MongoDB has none, releases the pin.

        Gives how many pins it resolved. Raises StoreUnavailable.
        """
        overdue = self._claims.overdue(org, MOST_PINS)
        return sum(self._resolve(org, hold_id, deadline_ms) for hold_id, deadline_ms in overdue)

    def _resolve(self, org: str, hold_id: str, deadline_ms: int) -> bool:
        record = self._claims.find(org, hold_id)
        booking = self._store.find_for_certain(org, record.booking_id) if record else None
        if booking:
            self._mirror.settle(booking)
            if record and not record.moves:
                return True
        # The pin of a move goes in either case: if the move was made, the mirror has its claims by now.
        # A repeated request may have begun again since: its pin has another deadline, and abort leaves it alone.
        outcome = self._claims.abort(org, hold_id, deadline_ms=deadline_ms, restore=True)
        log.info("pin_resolved", org=org, outcome=outcome)
        return outcome != "untouched"
