"""The only owner of claim keys: placing, confirming, extending and releasing holds, each in one round trip.

Each method builds keys, runs one script, and gives a typed answer or raises a refusal of models.errors. The words that
the scripts reply are known here alone. keys.py says what Redis keeps, under which name and for how long. Every method
may raise StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pydantic_core import to_json
from redis import Redis

from models.access import IdempotencyClaim
from models.errors import (
    Forbidden,
    HoldExpired,
    HoldLimit,
    HoldNotFound,
    HoldReleased,
    IdempotencyKeyReused,
    InvalidTransition,
    Refusal,
    RequestInProgress,
)
from services.claims import quotas
from services.claims.asking import asked
from services.claims.hold_records import HoldRecord, read_hold
from services.claims.keys import org_keys, read_mark, resource_of
from services.claims.placements import (
    KEY_KEPT_MS,
    PIN_BACKSTOP_MS,
    Aborted,
    NotPinned,
    Obstacle,
    Pinned,
    Placed,
    Placement,
    Released,
    Stale,
    Taken,
    WhyNot,
    attempt_name,
)
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults

_WHY_NOT: Final[dict[str, WhyNot]] = {
    "BOOKED": "booked",
    "RELEASED": "released",
    "EXPIRED": "expired",
    "BLOCKED": "overtaken",
}
_ABORTED: Final[dict[str, Aborted]] = {"HELD": "held", "RELEASED": "released", "UNTOUCHED": "untouched"}
_RELEASED: Final[dict[str, Released]] = {
    "RELEASED": "released",
    "CONFIRMING": "confirming",
    "BOOKED": "booked",
    "MISSING": "unknown",
}
_KEPT: Final[dict[str, Callable[[], Refusal]]] = {
    "MISSING": HoldExpired,  # its id shows that this key had it
    "FOREIGN": HoldNotFound,
    "CONFIRMING": lambda: RequestInProgress("The hold to be replaced is being booked.", retry_after_seconds=2),
    "BOOKED": lambda: InvalidTransition("The hold to be replaced is booked already."),
    "RELEASED": HoldReleased,
    "EXPIRED": HoldExpired,
}
NOT_YOURS = "This hold belongs to somebody else."


class Claims:
    """Holds and pins in Redis. confirm_window_ms: how long a confirmation may take before the relay looks after it."""

    def __init__(self, redis: Redis, scripts: Scripts, *, confirm_window_ms: int) -> None:
        self._redis = redis
        self._scripts = scripts
        self._confirm_window_ms = confirm_window_ms

    def place(self, placement: Placement) -> Placed | Stale | Taken:
        """Claims the visit of the first choice that can be had, or says what stands in the way.

        Raises IdempotencyKeyReused, TooManyHolds (with the seconds until one of them ends), RateLimited; where the hold
        to be replaced cannot be: HoldNotFound, HoldExpired, HoldReleased, InvalidTransition, RequestInProgress.
        """
        request, names = placement.request, org_keys(placement.request.org)
        hold, known = names.hold_and_idempotency(request.hold_id, request.key_id, request.idempotency)
        keys, ask = [hold, names.epoch, names.pins, names.events, known], asked(placement, self._confirm_window_ms)
        word, *rest = self._scripts.run("place_hold", keys, [to_json(ask)])
        if word == "HELD":
            return Placed(read_hold(placement.request.hold_id, rest[1:]), "new", cold=rest[0] == 1)
        if word == "TAKEN":
            return Taken([_obstacle(*row) for row in rest[1:]], cold=rest[0] == 1)
        if word == "STALE":
            return Stale(rest[0])
        if word == "KEPT" and rest[0] == "COLD":
            return Stale(None)
        if word == "REUSED":
            raise IdempotencyKeyReused
        if word == "FULL":
            raise quotas.refusal(*rest)
        if word == "KEPT":
            raise _KEPT[rest[0]]()
        record = read_hold(rest[0], rest[1:])
        if record.attempt == placement.attempt:
            return Placed(record, "new", cold=record.cold)  # the client sent this very call twice
        return Placed(record, "own" if word == "OWN" else "replay", cold=record.cold)

    def recall(self, org: str, key_id: str, idempotency: IdempotencyClaim) -> Placed | None:
        """The hold that this idempotency key placed, if it did. Raises IdempotencyKeyReused."""
        with redis_faults():
            fields: dict[str, str] = self._redis.hgetall(org_keys(org).idempotency(key_id, idempotency.key))  # type: ignore[assignment]
        if "status" not in fields or "hold_id" not in fields:
            return None
        if fields["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyKeyReused
        record = read_hold(fields["hold_id"], fields)
        return Placed(record, "replay", cold=record.cold)

    def begin(
        self,
        org: str,
        hold_id: str,
        key_id: str,
        booking_id: str,
        idempotency: IdempotencyClaim | None,
        *,
        daily: int | None = None,
    ) -> Pinned | NotPinned:
        """Pins a live hold that this API key owns, to be confirmed.

        daily: how many bookings the hold's client address may make on a UTC day; None for any number.
        Raises IdempotencyKeyReused, Forbidden, RateLimited.
        """
        names = org_keys(org)
        hold, known = names.hold_and_idempotency(hold_id, key_id, idempotency)
        fingerprint = idempotency.fingerprint if idempotency else ""
        args = [hold_id, key_id, fingerprint, KEY_KEPT_MS, self._confirm_window_ms, PIN_BACKSTOP_MS]
        keys = [hold, names.pins, known]
        word, *rest = self._scripts.run("begin_confirm", keys, [*args, booking_id, attempt_name(), daily or 0])
        if word == "REUSED":
            raise IdempotencyKeyReused
        if word == "FULL":
            raise quotas.day_refusal(*rest)
        if word == "FOREIGN":
            raise Forbidden(NOT_YOURS)
        if word == "MISSING":
            return NotPinned("unknown")
        repeated, now_ms, *fields = rest
        record = read_hold(hold_id, fields)
        if word in ("BEGUN", "AGAIN"):
            return Pinned(record, first=word == "BEGUN", now_ms=now_ms, repeated=repeated == 1)
        return NotPinned(_WHY_NOT[word], record, repeated=repeated == 1)

    def abort(self, org: str, hold_id: str, *, deadline_ms: int, restore: bool) -> Aborted:
        """Takes back an attempt to confirm, of which MongoDB definitely has no booking.

        deadline_ms: the attempt's own; the pin of a later attempt stays. restore: a hold that is still live goes back
        to its owner.
        """
        names = org_keys(org)
        keys = [names.hold(hold_id), names.pins, names.events]
        reply = self._scripts.run("abort_confirm", keys, [hold_id, int(restore), deadline_ms])
        return _ABORTED[reply[0]]

    def extend(self, org: str, hold_id: str, key_id: str, *, lifetime_ms: int, longest_ms: int) -> HoldRecord | None:
        """Gives a live hold lifetime_ms from now, never less than it has, nor more than longest_ms in all. None if
        Redis does not remember it.

        Raises HoldLimit, Forbidden, HoldExpired, HoldReleased, InvalidTransition (it is booked),
        RequestInProgress (it is being booked).
        """
        names = org_keys(org)
        args = [hold_id, key_id, lifetime_ms, longest_ms]
        word, *rest = self._scripts.run("extend_hold", [names.hold(hold_id), names.events], args)
        match word:
            case "LIMIT":
                raise HoldLimit(f"This hold can be kept for {rest[0] // 1000} more seconds at most.")
            case "MISSING":
                return None
            case "FOREIGN":
                raise Forbidden(NOT_YOURS)
            case "EXPIRED":
                raise HoldExpired
            case "RELEASED":
                raise HoldReleased
            case "BOOKED":
                raise InvalidTransition("This hold is booked already.")
            case "CONFIRMING":
                raise RequestInProgress("This hold is being booked at this moment.", retry_after_seconds=2)
        return read_hold(hold_id, ["now_ms", *rest])

    def release(self, org: str, hold_id: str, key_id: str, *, staff: bool, forget: bool = False) -> Released:
        """Lets a hold go. Raises Forbidden if neither this API key owns it nor staff asks.

        forget: as if the hold had never been granted, because MongoDB shows that its slot is booked.
        """
        names = org_keys(org)
        keys = [names.hold(hold_id), names.pins, names.events]
        reply = self._scripts.run("release_hold", keys, [hold_id, key_id, int(staff), int(forget)])
        if reply[0] == "FOREIGN":
            raise Forbidden(NOT_YOURS)
        return _RELEASED[reply[0]]

    def trust(self, org: str, record: HoldRecord, idempotency: IdempotencyClaim | None) -> None:
        """Notes that MongoDB has nothing in the way of a hold that was placed while the mirror was not whole."""
        keys = org_keys(org).hold_and_idempotency(record.hold_id, record.key_id, idempotency)
        self._scripts.run("trust_hold", list(keys), [])

    def overdue(self, org: str, most: int) -> list[tuple[str, int]]:
        """The ids and deadlines of pins whose deadline is over, at most so many."""
        reply = self._scripts.run("overdue_pins", [org_keys(org).pins], [most])[1:]
        return [(hold_id, int(float(deadline))) for hold_id, deadline in zip(reply[::2], reply[1::2], strict=True)]

    def pinned(self, orgs: list[str]) -> list[str]:
        """Those of some orgs that have pins, overdue or not. One round trip."""
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org in orgs:
                pipeline.exists(org_keys(org).pins)
            found = pipeline.execute()
        return [org for org, exists in zip(orgs, found, strict=True) if exists]

    def find(self, org: str, hold_id: str) -> HoldRecord | None:
        """Reads a hold's record, with the time of this read; None if Redis remembers no such hold."""
        word, *fields = self._scripts.run("read_hold", [org_keys(org).hold(hold_id)], [])
        return read_hold(hold_id, fields) if word == "FOUND" else None

    def identified(self, org: str, obstacles: list[Obstacle]) -> list[Obstacle]:
        """Obstacles that were only seen in the spans, with what Redis knows of their holds and bookings. One round
        trip."""
        names, owners = org_keys(org), list({each.mark.owner: each.mark.state for each in obstacles}.items())
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for owner, state in owners:
                if state == "held":
                    pipeline.hgetall(names.hold(owner))
                else:
                    pipeline.hget(names.booking(owner), "holder")
            found = dict(zip(owners, pipeline.execute(), strict=True)) if owners else {}
        return [_known(each, found[each.mark.owner, each.mark.state]) for each in obstacles]


def _obstacle(resource: str, mark: str, known: list[str] | str, *span_and_expiry: int) -> Obstacle:
    return _known(Obstacle(*resource_of(resource), read_mark(mark, *span_and_expiry)), known)


def _known(obstacle: Obstacle, known: dict[str, str] | list[str] | str | None) -> Obstacle:
    """An obstacle with the record of its hold, or with the holder of its booking; either may be unknown."""
    if isinstance(known, str):
        return replace(obstacle, holder_digest=known)
    hold = read_hold(obstacle.mark.owner, known) if known else None
    return replace(obstacle, hold=hold, holder_digest=hold.holder_digest if hold else "")
