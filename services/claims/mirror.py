"""Keeps Redis' marks of booked slots equal to MongoDB, version by version, and reads them.

Everyone who changed a booking (book, cancel, move, relay, rebuild) mirrors it here and in no other way. MongoDB is
the truth: nothing in here can make or break a booking.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis import Redis

from models.booking import Booking
from models.errors import StoreUnavailable
from models.slot import Claim
from services.claims.keys import Mark, OrgKeys, booked_mark, parse_mark
from services.claims.placements import LOST_REQUEST_MS, REMEMBERED_MS
from services.claims.scripts import Scripts
from services.stores.faults import redis_faults
from services.timetable.grid import Grid

log = structlog.get_logger("holdfast.bookings")

READ_CHUNK = 2000
"""Claim keys that one call reads: a few milliseconds of Redis at the most."""
MOST_CLASHES = 20

EVENT_KINDS = {"move": "move", "cancel": "cancel", "expire": "release", "complete": "release", "no_show": "release"}
"""What readers of live events are told of the last action on a booking; of any other: book."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What Redis knows of some resources over some ticks.

    epoch: None while the mirror cannot be trusted. states: per resource one entry a tick, None where it is free.
    """

    epoch: str | None
    states: dict[str, list[Mark | None]]


class ClashUnsettled(RuntimeError):
    """Two bookings kept claiming one slot in the mirror; MongoDB's unique index should make that impossible."""


class Mirror:
    """The marks of bookings in Redis. `find` reads a booking from MongoDB by org and id."""

    def __init__(
        self,
        redis: Redis,
        scripts: Scripts,
        grid: Grid,
        clock: Callable[[], datetime],
        find: Callable[[str, str], Booking | None],
    ) -> None:
        self._redis = redis
        self._scripts = scripts
        self._grid = grid
        self._clock = clock
        self._find = find

    def apply(self, booking: Booking) -> str | None:
        """Mirrors this version of a booking; gives the id of another booking whose mark stands in the way, else
        None."""
        keys, args = self._arguments(booking)
        with redis_faults():
            reply = self._scripts.run("mirror_booking", keys, args)
        return str(reply[1]) if reply[0] == "CLASH" else None

    def settle(self, booking: Booking) -> None:
        """Mirrors a booking, and where another one's mark is in the way both as MongoDB has them, the inactive one
        first.

        Raises StoreUnavailable, ClashUnsettled.
        """
        clash = self.apply(booking)
        attempts = 0
        while clash:
            attempts += 1
            if attempts > MOST_CLASHES:
                raise ClashUnsettled(f"{booking.booking_id} and {clash}")
            both = [self._find(booking.org, name) for name in (booking.booking_id, clash)]
            if both[1] is None:
                self._forget(booking.org, clash)
            documents = sorted((found for found in both if found), key=lambda found: found.active)
            clashes = [self.apply(document) for document in documents]
            clash = next((name for name in clashes if name), None)

    def settle_or_leave(self, booking: Booking) -> None:
        """As `settle`, for what exists already: while Redis does not answer, the relay does it."""
        try:
            self.settle(booking)
        except StoreUnavailable:
            log.warning("mirror_left_to_relay", org=booking.org, booking_id=booking.booking_id)

    def keep(self, booking: Booking) -> bool:
        """Lets a reservation's marks stand while it is confirmed; False once its deadline is over. StoreUnavailable."""
        if booking.reserved_until is None:
            raise ValueError("only a reservation has a deadline")
        self.settle(booking)  # else whoever mirrors this version later would end its marks at the deadline after all
        keys = [_claim_key(OrgKeys(booking.org), claim) for claim in booking.claims]
        with redis_faults():
            args = [booking.booking_id, _milliseconds(booking.reserved_until), LOST_REQUEST_MS]
            reply = self._scripts.run("keep_reservation", keys, args)
        return bool(reply[0] == "KEPT")

    def _forget(self, org: str, booking_id: str) -> None:
        """Removes the marks of a booking that MongoDB does not have: it was restored from before that booking."""
        names = OrgKeys(org)
        with redis_faults():
            claims: str | None = self._redis.hget(names.booking(booking_id), "claims")  # type: ignore[assignment]
            self._redis.delete(names.booking(booking_id), *(claims or "").split())

    def versions(self, bookings: list[tuple[str, str]]) -> list[int]:
        """The version of each (org, booking id) that is mirrored, 0 where none is. One round trip. StoreUnavailable."""
        if not bookings:
            return []
        with redis_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for org, booking_id in bookings:
                pipeline.hget(OrgKeys(org).booking(booking_id), "version")
            return [int(version or 0) for version in pipeline.execute()]

    def read_marks(self, org: str, resources: list[str], from_tick: int, to_tick: int) -> Marks:
        """The marks on some resources over the ticks [from_tick, to_tick), with the epoch that they were read under."""
        names = OrgKeys(org)
        keys = [key for resource in resources for key in names.claims(resource, from_tick, to_tick)]
        with redis_faults():
            # The epoch with each, since Redis may be lost between two. No pipeline: a Cluster's takes no MGET.
            chunks: list[list[str | None]] = [
                self._redis.mget([names.epoch, *keys[at : at + READ_CHUNK]])  # type: ignore[misc]  # sync client
                for at in range(0, len(keys), READ_CHUNK)
            ]
        epochs = {chunk[0] for chunk in chunks}
        epoch = epochs.pop() if len(epochs) == 1 else None
        values = [value for chunk in chunks for value in chunk[1:]]
        width = to_tick - from_tick
        states = {
            resource: [parse_mark(value) if value else None for value in values[row * width : (row + 1) * width]]
            for row, resource in enumerate(resources)
        }
        return Marks(epoch, states)

    def epoch(self, org: str) -> str | None:
        """The org's epoch; None while the mirror is not whole."""
        with redis_faults():
            value: str | None = self._redis.get(OrgKeys(org).epoch)  # type: ignore[assignment]  # sync client
        return value

    def announce_catalogue_change(self, org: str) -> None:
        """Gives the org a new epoch, so that every process reads its catalogue again at the next hold.

        Where there is no epoch, the mirror is being rebuilt and nobody trusts what he remembers anyway.
        """
        with redis_faults():
            self._redis.set(OrgKeys(org).epoch, new_epoch(), xx=True)

    def _arguments(self, booking: Booking) -> tuple[list[str], list[str | int]]:
        names = OrgKeys(booking.org)
        of_property = [claim for claim in booking.claims if claim[0].startswith("property:")]
        of_technician = [claim for claim in booking.claims if not claim[0].startswith("property:")]
        visit_ends_ms = self._visit_ends_ms(booking)
        remember_ms = max(visit_ends_ms, _milliseconds(self._clock())) + REMEMBERED_MS
        deadline = booking.reserved_until if booking.status == "pending" else None
        ends_ms = min(visit_ends_ms, _milliseconds(deadline)) if deadline else visit_ends_ms
        action = booking.history[-1]["action"] if booking.history else "book"
        hold_id = booking.hold_id or booking.placed_as or ""
        keys = [
            names.booking(booking.booking_id),
            names.hold(hold_id) if hold_id else names.nothing,
            names.pins,
            names.events,
            *(_claim_key(names, claim) for claim in of_property + of_technician),
        ]
        args: list[str | int] = [
            booking.booking_id,
            booking.version,
            int(booking.active),
            ends_ms,
            remember_ms,
            hold_id,
            REMEMBERED_MS,
            EVENT_KINDS.get(action, "book"),
            booking.property_id,
            booking.technician_id,
            self._grid.tick(booking.start),
            self._grid.tick(booking.end),
            len(of_property),
            booked_mark(booking.booking_id, _span(of_property), booking.version, pending=deadline is not None),
            booked_mark(booking.booking_id, _span(of_technician), booking.version, pending=deadline is not None),
        ]
        return keys, args

    def _visit_ends_ms(self, booking: Booking) -> int:
        last = max((tick for _, tick in booking.claims), default=self._grid.tick(booking.end))
        return (last + 1) * self._grid.seconds * 1000


def new_epoch() -> str:
    return secrets.token_hex(8)


def _claim_key(names: OrgKeys, claim: Claim) -> str:
    resource, tick = claim
    return f"{names.prefix}claim:{resource}:{tick}"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _span(claims: list[tuple[str, int]]) -> tuple[int, int]:
    ticks = [tick for _, tick in claims]
    return (min(ticks), max(ticks) + 1) if ticks else (0, 0)
