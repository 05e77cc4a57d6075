"""The scripts under test, called as their headers say. Keys and arguments are made here, not by services.claims.claims.

So a test of a script fails only if the script is wrong, and a change of a header shows here.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from models.slot import Visit
from services.claims.keys import OrgKeys, spans_text
from services.claims.scripts import Scripts
from tests.claim_keys import claim_names, end_claims, in_words, record_in_words
from tests.redis_dump import Dump, dump, keys_of

TICK_MS = 900_000
BASE = int(time.time()) // 900 + 96
"""A tick a day ahead, because marks of bookings expire with the visit."""

EPOCH = "epoch-1"
LIFETIME_MS = 300_000
REMEMBERED_MS = 3_600_000
KEPT_MS = 86_400_000
WINDOW_MS = 15_000
BACKSTOP_MS = 3_000_000
CHANGING_MS = 5_000
ALICE, BOB = "key-alice", "key-bob"
SLACK_MS = 5_000
"""How long a test may take from writing an expiry to looking at it."""


def visit(
    start: int = 0,
    *,
    at: str = "prop-1",
    by: str = "tech-1",
    length: int = 4,
    before: int = 0,
    after: int = 0,
    crew: tuple[str, ...] = (),
    units: tuple[str, ...] = (),
) -> Visit:
    """A visit that starts so many ticks after BASE."""
    return Visit(at, by, BASE + start, BASE + start + length, before, after, crew, units)


def granted(reply: list[Any]) -> dict[str, str]:
    """The record in a HELD reply of place_hold, in words."""
    word, _cold, *flat = reply
    assert word == "HELD", reply
    return record_of(flat)


def record_of(flat: list[Any]) -> dict[str, str]:
    """The flat field, value, … part of a reply, in words. A hold's id may stand before it."""
    names = ["hold_id", *flat] if len(flat) % 2 else flat
    return record_in_words({str(name): str(value) for name, value in zip(names[::2], names[1::2], strict=True)})


def place_argument(hold_id: str, visits: tuple[Visit, ...], state: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The argument of place_hold, with other values of some fields: its own, its record's or both."""
    first = visits[0]
    ask: dict[str, Any] = {
        "state": state,
        "epoch": EPOCH,
        "prefix": "",
        "limits": {},
        "daily": 0,
        "fingerprint": "",
        "replaces": "",
        "swaps_with": "",
        "hold_id": hold_id,
        "property_id": first.property_id,
        "before": first.before,
        "after": first.after,
        "requested": first.start,
        "length": first.end - first.start,
        "needed": len(first.technician_ids),
        "units": first.units,
        "lifetime_ms": LIFETIME_MS,
        "choices": [(each.start, each.technician_ids) for each in visits],
        "day": (first.start - 96, first.start + 96),
        "key_kept_ms": KEPT_MS,
        "window_ms": WINDOW_MS,
        "backstop_ms": BACKSTOP_MS,
    }
    record: dict[str, Any] = {
        "owner": ALICE,
        "booking_id": "",
        "direct": int(state != "held"),
        "moves": int(state == "moving"),
        "attempt": secrets.token_hex(6),
        "address": "",
        "source": "api",
        "remembered_ms": REMEMBERED_MS,
    }
    assert fields.keys() <= ask.keys() | record.keys()
    for part in (ask, record):
        part.update({name: value for name, value in fields.items() if name in part})
    return ask | {"record": {name: value for name, value in record.items() if value}}


@dataclass
class Board:
    """One org of its own on one Redis."""

    redis: Any  # a Redis with text replies, which redis-py's annotations do not know of
    scripts: Scripts
    org: str = field(default_factory=lambda: f"org-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self.names = OrgKeys(self.org)
        self.redis.set(self.names.epoch, EPOCH)

    def place(
        self,
        hold_id: str,
        *visits: Visit,
        confirming: bool = False,
        moving: bool = False,
        quota: int = 0,
        idempotency: str = "",
        **fields: Any,
    ) -> list[Any]:
        """Runs place_hold, each visit a choice; they share property, length and buffers. By default one visit at BASE.

        quota: of the owner's holder, if not 0. fields: of the argument and of its record, where they differ from those
        of `place_argument`.
        """
        keys = [
            *(self.names.hold(hold_id), self.names.epoch, self.names.pins, self.names.events),
            self.idempotency(idempotency) if idempotency else self.names.nothing,
        ]
        state = "moving" if moving else "confirming" if confirming else "held"
        ask = place_argument(hold_id, visits or (visit(),), state, fields | {"prefix": self.names.prefix})
        if quota:
            ask["limits"]["holds_per_holder"] = quota
        return self.scripts.run("place_hold", keys, [json.dumps(ask)])

    def begin(
        self,
        hold_id: str,
        *,
        key: str = ALICE,
        booking_id: str = "bk_1",
        fingerprint: str = "",
        idempotency: str = "",
        attempt: str = "",
        daily: int = 0,
    ) -> list[Any]:
        known = self.idempotency(idempotency) if idempotency else self.names.nothing
        keys = [self.names.hold(hold_id), self.names.pins, known]
        args = [hold_id, key, fingerprint, KEPT_MS, WINDOW_MS, BACKSTOP_MS, booking_id]
        args += [attempt or secrets.token_hex(6), daily]
        return self.scripts.run("begin_confirm", keys, args)

    def abort(self, hold_id: str, *, restore: bool = True, deadline_ms: int | None = None) -> list[Any]:
        """Runs abort_confirm. By default it names the deadline that the pin has now."""
        if deadline_ms is None:
            deadline_ms = int(self.redis.zscore(self.names.pins, hold_id) or 0)
        keys = [self.names.hold(hold_id), self.names.pins, self.names.events]
        return self.scripts.run("abort_confirm", keys, [hold_id, int(restore), deadline_ms])

    def extend(
        self, hold_id: str, lifetime_ms: int, *, key: str = ALICE, longest_ms: int = 3 * LIFETIME_MS
    ) -> list[Any]:
        args = [hold_id, key, lifetime_ms, longest_ms]
        return self.scripts.run("extend_hold", [self.names.hold(hold_id), self.names.events], args)

    def release(self, hold_id: str, *, key: str = ALICE, staff: bool = False, forget: bool = False) -> list[Any]:
        keys = [self.names.hold(hold_id), self.names.pins, self.names.events]
        return self.scripts.run("release_hold", keys, [hold_id, key, int(staff), int(forget)])

    def mirror(self, booking_id: str, version: int, where: Visit, **more: Any) -> list[Any]:
        """Runs mirror_booking for a booking of a visit. more: as in `mirrored`."""
        return self.mirror_all(self.mirrored(booking_id, version, where, **more))

    def mirrored(
        self,
        booking_id: str,
        version: int,
        where: Visit,
        *,
        active: bool = True,
        hold_id: str = "",
        kind: str = "book",
        ends_ms: int | None = None,
        pending: bool = False,
        holder: str = "",
        swaps: tuple[tuple[int, str, int], ...] = (),
    ) -> dict[str, Any]:
        """What mirror_booking is asked of one booking; its marks last until the visit is over, or until ends_ms."""
        over_ms = (where.end + where.after) * TICK_MS
        return {
            "booking_id": booking_id,
            "version": version,
            "active": active,
            "pending": pending,
            "ends_ms": over_ms if ends_ms is None else ends_ms,
            "visit_ends_ms": over_ms,
            "holder": holder,
            "hold_id": hold_id,
            "kind": kind,
            "status": "confirmed" if active else "cancelled",
            "source": "web",
            "replaces": hold_id,
            "expires_ms": ends_ms if pending else "",
            "spans": spans_text(where.spans()),
            "swaps": swaps,
        }

    def mirror_all(self, *bookings: dict[str, Any]) -> list[Any]:
        """Runs mirror_booking for several bookings in one call."""
        keys = self.names.mirror((each["booking_id"], each["hold_id"]) for each in bookings)
        ask = {
            "prefix": self.names.prefix,
            "remembered_ms": REMEMBERED_MS,
            "key_kept_ms": KEPT_MS,
            "bookings": bookings,
        }
        return self.scripts.run("mirror_booking", keys, [json.dumps(ask)])

    def keep(self, booking_id: str, *, deadline_ms: int, needed_ms: int = CHANGING_MS) -> list[Any]:
        """Runs keep_reservation for a reservation that is mirrored."""
        args = [booking_id, deadline_ms, needed_ms, self.names.prefix]
        return self.scripts.run("keep_reservation", [self.names.booking(booking_id)], args)

    def forget(self, booking_id: str) -> list[Any]:
        return self.scripts.run("forget_booking", [self.names.booking(booking_id)], [booking_id, self.names.prefix])

    def claim_names(self, *visits: Visit) -> list[str]:
        """Every claim key of the visits, each property's first."""
        return claim_names(self.names, *visits)

    def trust(self, hold_id: str, idempotency: str = "") -> list[Any]:
        known = self.idempotency(idempotency) if idempotency else self.names.nothing
        return self.scripts.run("trust_hold", [self.names.hold(hold_id), known], [])

    def overdue(self, most: int = 100) -> list[Any]:
        return self.scripts.run("overdue_pins", [self.names.pins], [most])

    def idempotency(self, key: str) -> str:
        return self.names.idempotency(ALICE, key)

    def record(self, hold_id: str) -> dict[str, str]:
        """A hold's record in words."""
        return record_in_words(self.redis.hgetall(self.names.hold(hold_id)))

    def marks(self, *visits: Visit) -> list[str | None]:
        """The mark on each claim of the visits, in words; the property's first."""
        return [in_words(self.redis.get(key) or "") or None for key in self.claim_names(*visits)]

    def owners(self, *visits: Visit) -> set[str | None]:
        """The owners of the visits' claims, as `state owner`; None for a free claim."""
        return {" ".join(mark.split("|")[:2]) if mark else None for mark in self.marks(*visits)}

    def all_claims(self) -> dict[str, str]:
        """Every claim key that exists, and its mark in words."""
        stems = tuple(f"{self.names.prefix}{letter}:" for letter in "pt")
        return {key: in_words(self.redis.get(key)) for key in self.keys() if key.startswith(stems)}

    def ttls(self, *visits: Visit) -> list[int]:
        """The time to live of each claim of the visits, ms."""
        return [self.redis.pttl(key) for key in self.claim_names(*visits)]

    def events(self) -> list[dict[str, str]]:
        return [fields for _, fields in self.redis.xrange(self.names.events)]

    def now_ms(self) -> int:
        seconds, micros = self.redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def lapse(self, hold_id: str) -> None:
        """Ends a hold's time without waiting: its claims are gone, and its record says when it ended."""
        record, over = self.record(hold_id), self.now_ms() - 1
        self.redis.hset(self.names.hold(hold_id), "expires_ms", over)
        for key in self.keys():
            if self.redis.type(key) == "zset" and self.redis.zscore(key, hold_id) == float(record["expires_ms"]):
                self.redis.zadd(key, {hold_id: over})
        end_claims(self.redis, self.names, hold_id)

    def make_overdue(self, hold_id: str) -> None:
        """Moves a pin's deadline into the past."""
        self.redis.zadd(self.names.pins, {hold_id: self.now_ms() - 1})

    def keys(self) -> list[str]:
        return keys_of(self.redis, self.org)

    def dump(self) -> Dump:
        """Everything that the org has in Redis."""
        return dump(self.redis, self.org)
