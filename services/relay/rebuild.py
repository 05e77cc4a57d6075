"""Makes the mirror whole again after Redis was lost, and resolves pins whose worker died."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from redis import Redis

from services.claims.claims import Claims
from services.claims.keys import OrgKeys
from services.claims.mirror import Mirror, new_epoch
from services.claims.scripts import Scripts
from services.ledger.store import BookingStore
from services.stores.faults import redis_faults

log = structlog.get_logger("holdfast.relay")

TOKEN_SECONDS = 60
LONGEST_VISIT = timedelta(days=3)
"""No visit with its buffers is longer; what started earlier is over."""
MOST_PINS = 500


class Rebuild:
    """Rebuilds one org's mirror from MongoDB."""

    def __init__(
        self, redis: Redis, scripts: Scripts, mirror: Mirror, store: BookingStore, clock: Callable[[], datetime]
    ) -> None:
        self._redis = redis
        self._scripts = scripts
        self._mirror = mirror
        self._store = store
        self._clock = clock

    def needed(self, orgs: list[str]) -> list[str]:
        """The orgs whose mirror is not whole. One round trip; raises StoreUnavailable."""
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org in orgs:
                pipeline.exists(OrgKeys(org).epoch)
            found = pipeline.execute()
        return [org for org, exists in zip(orgs, found, strict=True) if not exists]

    def distrust(self, org: str) -> None:
        """The mirror may have missed something: until it is rebuilt, every hold is checked in MongoDB."""
        with redis_faults():
            self._redis.delete(OrgKeys(org).epoch)

    def run(self, org: str) -> bool:
        """Mirrors every booking that is not over, by version, then sets a new epoch.

        Cancelled ones too: else a worker that is late with their first version would bring them back, and marks of
        them that are left stand for ever. They go first, since they make room.

        False if Redis was lost again meanwhile: its token is gone, and the rebuild has to start over.
        """
        names, token = OrgKeys(org), secrets.token_hex(8)
        with redis_faults():
            self._redis.set(names.rebuild, token, ex=TOKEN_SECONDS)
        mirrored = 0
        for booking in self._store.current_from(org, self._clock() - LONGEST_VISIT):
            self._mirror.settle(booking)
            mirrored += 1
            if mirrored % 1000 == 0:
                with redis_faults():
                    self._redis.expire(names.rebuild, TOKEN_SECONDS)
        with redis_faults():
            reply = self._scripts.run("finish_rebuild", [names.rebuild, names.epoch], [token, new_epoch()])
        log.info("mirror_rebuilt", org=org, bookings=mirrored, whole=reply[0] == "READY")
        return bool(reply[0] == "READY")


class Pins:
    """Finds out what became of confirmations whose worker never said."""

    def __init__(self, claims: Claims, mirror: Mirror, store: BookingStore) -> None:
        self._claims = claims
        self._mirror = mirror
        self._store = store

    def resolve_overdue(self, org: str) -> int:
        """Resolves the org's overdue pins: a booking there is mirrored, where there is none the pin is taken back.

        Gives how many were resolved. Raises StoreUnavailable.
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
        # Of a move what is left of its claims goes, whether it was made or not.
        # A repeat of the request may have begun anew since: its pin has another deadline and is left alone.
        outcome = self._claims.abort(org, hold_id, deadline_ms=deadline_ms, restore=True)
        log.info("pin_resolved", org=org, outcome=outcome)
        return outcome != "UNTOUCHED"
