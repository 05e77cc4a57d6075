"""Keeps Redis' marks of booked slots equal to MongoDB, version by version, and reads them.

Every change of a booking (book, cancel, move, relay, rebuild) reaches Redis only through this module. MongoDB is the
truth: nothing in here can make or break a booking.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import structlog
from pydantic_core import to_json
from redis import Redis

from models.booking import ACTIVE_STATUSES, Booking
from models.dispatch import swaps_of
from models.errors import StoreUnavailable
from models.slot import PROPERTY, TECHNICIAN
from services.claims.keys import Mark, live_marks, org_keys, spans_text
from services.claims.placements import KEY_KEPT_MS, LOST_REQUEST_MS, REMEMBERED_MS
from services.claims.scripts import Scripts
from services.stores.faults import last_start, redis_faults
from services.timetable.grid import Grid
from services.timetable.rules import LONGEST_VISIT

log = structlog.get_logger()

EPOCH_AND_CLOCK = """
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]), tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)}
"""
MOST_CLASHES = 20
"""How often bookings that clash are read anew and mirrored."""

EVENT_KINDS = {"move": "move", "swap": "move", "cancel": "cancel"}
"""The kind of live event for the last action on a booking; for any other action it is change. A new booking is book."""


@dataclass(frozen=True, slots=True)
class Spans:
    """What Redis knows of some resources around some ticks.

    epoch: None while the mirror cannot be trusted. taken: for each resource what is taken of it, in any order. Some of
    it may lie outside of the ticks.
    """

    epoch: str | None
    taken: dict[str, list[Mark]]


class ClashUnsettled(RuntimeError):
    """Two bookings still claim one slot in the mirror, which MongoDB's unique index should make impossible."""


class Mirror:
    """The marks of bookings in Redis. `find` reads a booking from MongoDB by org and id.

    Every method may raise StoreUnavailable.
    """

    def __init__(self, redis: Redis, scripts: Scripts, grid: Grid, find: Callable[[str, str], Booking | None]) -> None:
        self._redis = redis
        self._scripts = scripts
        self._grid = grid
        self._find = find
        self._longest = int(LONGEST_VISIT.total_seconds()) // grid.seconds

    def apply(self, *bookings: Booking, gone: Set[str] = frozenset(), quiet: bool = False) -> str | None:
        """Mirrors these versions of some bookings of one org, all of them or none. Returns the id of another booking
        whose mark is in the way, or that has to come with them because of a swap, or None.

        gone: the ids of bookings that MongoDB does not have. quiet: as in `settle`.
        """
        keys, ask = self._ask(bookings, gone)
        if quiet:
            ask["quiet"] = True
        reply = self._scripts.run("mirror_booking", keys, [to_json(ask)])
        return str(reply[1]) if reply[0] == "CLASH" else None

    def settle(self, *bookings: Booking, quiet: bool = False) -> None:
        """Mirrors some bookings of one org. If another booking is in the way, all of them are read from MongoDB and
        mirrored in one call: those may have taken each other's slots, or each other's slots may be shown as they were.

        quiet: no live event is published, because the caller makes known at its end that all may have changed.
        Raises ClashUnsettled.
        """
        org, wanted, gone = bookings[0].org, {booking.booking_id: booking for booking in bookings}, set[str]()
        for _ in range(MOST_CLASHES):
            other = self.apply(*wanted.values(), gone=gone, quiet=quiet)
            if other is None:
                return
            found = {name: self._find(org, name) for name in (*wanted, other)}
            gone |= {name for name, booking in found.items() if booking is None}
            if other in gone:
                self._forget(org, other)
            wanted = {name: booking for name, booking in found.items() if booking is not None}
            if not wanted:
                return
        raise ClashUnsettled(" and ".join(wanted))

    def settle_or_leave(self, *bookings: Booking) -> None:
        """As `settle`, but if Redis does not answer, or the request has no time left, the relay does it later."""
        with suppress(StoreUnavailable):
            if monotonic() < last_start.get():
                self.settle(*bookings)
                return
        for booking in bookings:
            log.warning("mirror_left_to_relay", org=booking.org, booking_id=booking.booking_id)

    def keep(self, booking: Booking, needed_ms: int = LOST_REQUEST_MS) -> bool:
        """Lets the marks of a reservation stand for at least `needed_ms`. False if its deadline is over."""
        if booking.reserved_until is None:
            raise ValueError("only a reservation has a deadline")
        self.settle(booking)  # a later mirroring of this version would end its marks at the deadline after all
        names = org_keys(booking.org)
        args = [booking.booking_id, _milliseconds(booking.reserved_until), needed_ms, names.prefix]
        return bool(self._scripts.run("keep_reservation", [names.booking(booking.booking_id)], args)[0] == "KEPT")

    def _forget(self, org: str, booking_id: str) -> None:
        """Removes the marks of a booking that MongoDB does not have, because an older backup was restored."""
        names = org_keys(org)
        self._scripts.run("forget_booking", [names.booking(booking_id)], [booking_id, names.prefix])

    def versions(self, bookings: list[tuple[str, str]]) -> list[int]:
        """The mirrored version of each (org, booking id), 0 if none is. One round trip."""
        if not bookings:
            return []
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org, booking_id in bookings:
                pipeline.hget(org_keys(org).booking(booking_id), "version")
            return [int(version or 0) for version in pipeline.execute()]

    def read_spans(self, org: str, resources: list[str], from_tick: int, to_tick: int) -> Spans:
        """What is taken of some resources over the ticks [from_tick, to_tick), all at one moment, in one round trip."""
        names = org_keys(org)
        with redis_faults():
            # A transaction costs Redis a fifth of a script that reads the same, because Lua copies every member.
            pipeline = self._redis.pipeline(transaction=True)
            # A Cluster has no method for this, nor for TIME, but it passes the command on.
            pipeline.execute_command("EVAL", EPOCH_AND_CLOCK, 1, names.epoch)  # type: ignore[no-untyped-call]
            for resource in resources:
                pipeline.zrangebyscore(names.spans(resource), from_tick - self._longest, f"({to_tick}")
            (epoch, now_ms), *rows = pipeline.execute()
        taken = {resource: live_marks(row, now_ms) for resource, row in zip(resources, rows, strict=True)}
        return Spans(epoch, taken)

    def epoch(self, org: str) -> str | None:
        """The org's epoch; None while the mirror is not whole."""
        with redis_faults():
            value: str | None = self._redis.get(org_keys(org).epoch)  # type: ignore[assignment]  # sync client
        return value

    def announce_catalogue_change(self, org: str) -> None:
        """Gives the org a new epoch, so that every process reads its catalogue again at the next hold.

        An org without an epoch gets none: its mirror is being rebuilt, and no process trusts its memory meanwhile.
        """
        with redis_faults():
            self._redis.set(org_keys(org).epoch, new_epoch(), xx=True)

    def _ask(self, bookings: Sequence[Booking], gone: Set[str]) -> tuple[list[str], dict[str, Any]]:
        """The keys and the argument of mirror_booking, whose header explains them."""
        asked = [self._asked(booking, gone) for booking in bookings]
        names = org_keys(bookings[0].org)
        ask = {
            "prefix": names.prefix,
            "remembered_ms": REMEMBERED_MS,
            "key_kept_ms": KEY_KEPT_MS,
            "bookings": asked,
        }
        return names.mirror([(each["booking_id"], each["hold_id"]) for each in asked]), ask

    def _asked(self, booking: Booking, gone: Set[str]) -> dict[str, Any]:
        spans = _spans(booking)
        visit_ends_ms = max(to for _, to in spans.values()) * self._grid.seconds * 1000
        deadline = booking.reserved_until if booking.status == "pending" else None
        return {
            "booking_id": booking.booking_id,
            "version": booking.version,
            "active": booking.status in ACTIVE_STATUSES,
            "pending": deadline is not None,
            "ends_ms": min(visit_ends_ms, _milliseconds(deadline)) if deadline else visit_ends_ms,
            "visit_ends_ms": visit_ends_ms,
            "holder": booking.holder_digest or "",
            "hold_id": booking.hold_id or booking.placed_as or "",
            "kind": _event_kind(booking),
            "status": booking.status,
            "source": booking.source,
            "replaces": booking.hold_id or "",
            "expires_ms": _milliseconds(deadline) if deadline else "",
            "spans": spans_text([(resource, *span) for resource, span in spans.items()]),
            "swaps": [each for each in swaps_of(booking) if each.with_id not in gone] if booking.version > 1 else [],
        }


def _event_kind(booking: Booking) -> str:
    if booking.version == 1 or not booking.history:
        return "book"
    return EVENT_KINDS.get(booking.history[-1]["action"], "change")


def new_epoch() -> str:
    return secrets.token_hex(8)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _spans(booking: Booking) -> dict[str, tuple[int, int]]:
    """The span of a booking's claims on each resource, where they are one run of ticks: the property's, those of its
    units, then the technicians', as records have them."""
    ticks: dict[str, list[int]] = {}
    for resource, tick in booking.claims:
        ticks.setdefault(resource, []).append(tick)
    site, who = f"{PROPERTY}:{booking.property_id}", [f"{TECHNICIAN}:{each}" for each in booking.technician_ids]
    units = sorted(ticks.keys() - {site, *who})
    ordered = [name for name in (site, *units, *who) if name in ticks]
    return {name: (min(ticks[name]), max(ticks[name]) + 1) for name in ordered}
