"""The only owner of slot keys: placing, confirming, extending and releasing holds, each in one round trip.

Every method builds keys, runs one script and gives a typed answer; nobody else sees Lua. What is kept, under which
name and how long, stands in services/claims/keys.py. Errors of Redis come out as StoreUnavailable.
"""

from __future__ import annotations

import math
from typing import Any

from redis import Redis

from models.access import IdempotencyClaim
from models.errors import IdempotencyKeyReused, TooManyHolds
from models.slot import Visit
from services.claims.hold_records import HoldRecord, pairs, parse_hold
from services.claims.keys import OrgKeys, parse_mark, resource_of
from services.claims.placements import (
    KEY_KEPT_MS,
    PIN_BACKSTOP_MS,
    REMEMBERED_MS,
    Begun,
    Extended,
    Obstacle,
    Placed,
    Placement,
    Stale,
    Taken,
    attempt_name,
)
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults


class Claims:
    """Holds in Redis."""

    def __init__(self, redis: Redis, scripts: Scripts, *, confirm_window_ms: int) -> None:
        self._redis = redis
        self._scripts = scripts
        self._confirm_window_ms = confirm_window_ms

    def place(self, placement: Placement) -> Placed | Stale | Taken:
        """Claims the first visit that is wholly free, or says what stands in the way.

        Raises IdempotencyKeyReused, TooManyHolds (with the seconds until one of them ends), StoreUnavailable.
        """
        keys, args = _place_arguments(placement, self._confirm_window_ms)
        with redis_faults():
            word, *rest = self._scripts.run("place_hold", keys, args)
        if word == "HELD":
            index, created_ms, expires_ms, cold, deadline_ms = rest
            record = _new_record(placement, index - 1, created_ms, expires_ms, deadline_ms)
            return Placed(record, "new", cold=bool(cold))
        if word == "TAKEN":
            return Taken([_obstacle(*row) for row in rest])
        if word == "STALE":
            return Stale(rest[0])
        if word == "REUSED":
            raise IdempotencyKeyReused
        if word == "QUOTA":
            raise TooManyHolds(retry_after_seconds=max(1, math.ceil(int(rest[0]) / 1000)))
        record = parse_hold(pairs(rest))
        if record.attempt == placement.attempt:
            return Placed(record, "new", cold=record.cold)  # the same call, sent twice
        return Placed(record, "own" if word == "OWN" else "replay", cold=record.cold)

    def recall(self, org: str, key_id: str, idempotency: IdempotencyClaim) -> Placed | None:
        """The hold that this idempotency key placed, if it did. Raises IdempotencyKeyReused, StoreUnavailable."""
        with redis_faults():
            fields: dict[str, str] = self._redis.hgetall(OrgKeys(org).idempotency(key_id, idempotency.key))  # type: ignore[assignment]
        if "status" not in fields or "hold_id" not in fields:
            return None
        if fields["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyKeyReused
        record = parse_hold(fields)
        return Placed(record, "replay", cold=record.cold)

    def begin(
        self, org: str, hold_id: str, key_id: str, booking_id: str, idempotency: IdempotencyClaim | None
    ) -> Begun:
        """Pins a live, owned hold for its confirmation. Raises IdempotencyKeyReused, StoreUnavailable."""
        names = OrgKeys(org)
        keys = [names.hold(hold_id), names.pins, _idempotency_key(names, key_id, idempotency)]
        fingerprint = idempotency.fingerprint if idempotency else ""
        args = [hold_id, key_id, fingerprint, KEY_KEPT_MS, self._confirm_window_ms, PIN_BACKSTOP_MS, REMEMBERED_MS]
        with redis_faults():
            word, *rest = self._scripts.run("begin_confirm", keys, [*args, booking_id, attempt_name()])
        if word == "REUSED":
            raise IdempotencyKeyReused
        if not rest:
            return Begun(word)
        return Begun(word, parse_hold(pairs(rest[2:])), again=bool(rest[0]), now_ms=rest[1])

    def abort(self, org: str, hold_id: str, *, deadline_ms: int, restore: bool) -> str:
        """Takes an attempt to confirm back that MongoDB definitely does not have.

        deadline_ms: the attempt's own, as `place`, `begin` or `overdue` gave it; a later attempt is left alone.
        restore: give the hold back to its owner if its time is not over. Returns HELD, RELEASED or UNTOUCHED.
        """
        names = OrgKeys(org)
        keys = [names.hold(hold_id), names.pins, names.events]
        with redis_faults():
            reply = self._scripts.run("abort_confirm", keys, [hold_id, REMEMBERED_MS, int(restore), deadline_ms])
        return str(reply[0])

    def extend(self, org: str, hold_id: str, key_id: str, *, lifetime_ms: int, longest_ms: int) -> Extended:
        """Gives a hold lifetime_ms from now, never less than it has nor past longest_ms in all."""
        names = OrgKeys(org)
        args = [hold_id, key_id, lifetime_ms, longest_ms, REMEMBERED_MS]
        with redis_faults():
            word, *rest = self._scripts.run("extend_hold", [names.hold(hold_id), names.events], args)
        if word == "LIMIT":
            return Extended(word, left_ms=rest[0])
        if not rest:
            return Extended(word)
        return Extended(word, parse_hold(pairs(rest[1:])), now_ms=rest[0])

    def release(self, org: str, hold_id: str, key_id: str, *, staff: bool, forget: bool = False) -> str:
        """Lets a hold go. Returns MISSING, FOREIGN, RELEASED, CONFIRMING or BOOKED.

        forget: as if it had never been granted, for a hold that MongoDB shows to be doomed.
        """
        names = OrgKeys(org)
        keys = [names.hold(hold_id), names.pins, names.events]
        with redis_faults():
            reply = self._scripts.run("release_hold", keys, [hold_id, key_id, int(staff), REMEMBERED_MS, int(forget)])
        return str(reply[0])

    def trust(self, org: str, record: HoldRecord, idempotency: IdempotencyClaim | None) -> None:
        """Notes that MongoDB has nothing in the way of a hold that was placed while the mirror was not whole."""
        names = OrgKeys(org)
        keys = [names.hold(record.hold_id), _idempotency_key(names, record.key_id, idempotency)]
        with redis_faults():
            self._scripts.run("trust_hold", keys, [])

    def overdue(self, org: str, most: int) -> list[tuple[str, int]]:
        """The ids and deadlines of pins whose deadline is over, at most so many."""
        with redis_faults():
            reply = self._scripts.run("overdue_pins", [OrgKeys(org).pins], [most])
        return [(hold_id, int(float(deadline))) for hold_id, deadline in pairs(reply[1:]).items()]

    def find(self, org: str, hold_id: str) -> HoldRecord | None:
        """Reads a hold's record; None when no such hold is remembered."""
        with redis_faults():
            fields: dict[str, str] = self._redis.hgetall(OrgKeys(org).hold(hold_id))  # type: ignore[assignment]
        return parse_hold(fields) if fields else None


def _idempotency_key(names: OrgKeys, key_id: str, claim: IdempotencyClaim | None) -> str:
    return names.idempotency(key_id, claim.key) if claim else names.nothing


def _place_arguments(placement: Placement, confirm_window_ms: int) -> tuple[list[str], list[Any]]:
    names = OrgKeys(placement.org)
    claim = placement.idempotency
    first = placement.visits[0]
    claims, candidates = _lay_out(names, placement.visits)
    keys = [
        names.hold(placement.hold_id),
        names.epoch,
        names.pins,
        names.events,
        names.holder(placement.holder_digest) if placement.quota else names.nothing,
        _idempotency_key(names, placement.owner.partition(" ")[0], claim),
        *claims,
    ]
    args: list[Any] = [
        placement.state,
        placement.hold_id,
        placement.epoch or "",
        placement.lifetime_ms,
        REMEMBERED_MS,
        placement.owner,
        placement.quota,
        claim.fingerprint if claim else "",
        KEY_KEPT_MS,
        confirm_window_ms,
        names.prefix,
        placement.booking_id,
        PIN_BACKSTOP_MS,
        first.property_id,
        first.end - first.start,
        first.before,
        first.after,
        placement.requested,
        placement.attempt,
        *candidates,
    ]
    return keys, args


def _lay_out(names: OrgKeys, visits: list[Visit]) -> tuple[list[str], list[Any]]:
    """The claim keys of all candidates, each once, and per candidate where its own begin among them (from 1)."""
    spans: dict[str, tuple[int, int]] = {}
    for visit in visits:
        for resource, start, end in visit.spans():
            known = spans.get(resource)
            spans[resource] = (min(start, known[0]), max(end, known[1])) if known else (start, end)
    keys: list[str] = []
    offsets: dict[str, int] = {}
    for resource, (start, end) in spans.items():
        offsets[resource] = len(keys) + 1 - start
        keys += names.claims(resource, start, end)
    candidates: list[Any] = []
    for visit in visits:
        property_at = offsets[visit.property_resource] + visit.start
        technician_at = offsets[visit.technician_resource] + visit.start - visit.before
        candidates += [visit.technician_id, visit.start, property_at, technician_at]
    return keys, candidates


def _new_record(placement: Placement, index: int, created_ms: int, expires_ms: int, deadline_ms: int) -> HoldRecord:
    return HoldRecord(
        hold_id=placement.hold_id,
        status="held" if placement.state == "held" else "confirming",
        owner=placement.owner,
        visit=placement.visits[index],
        requested=placement.requested,
        lifetime_ms=placement.lifetime_ms,
        created_ms=created_ms,
        expires_ms=expires_ms,
        begun_ms=0 if placement.state == "held" else created_ms,
        booking_id=placement.booking_id,
        direct=placement.state != "held",
        deadline_ms=deadline_ms,
        moves=placement.state == "moving",
    )


def _obstacle(key: str, mark: str, expires_in_ms: int) -> Obstacle:
    kind, resource_id = resource_of(key)
    return Obstacle(kind, resource_id, parse_mark(mark, expires_in_ms))
