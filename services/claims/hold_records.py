"""The record of a hold in Redis, and what clients see of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.hold import Hold, HoldStatus
from models.slot import Visit
from services.timetable.grid import Grid


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A hold as Redis has it. Spans are in ticks, times in milliseconds since the epoch by Redis' own clock.

    status is the stored word: a hold whose time is over still says `held`; see `standing`.
    owner is the key id, followed by the holder's digest where one was given.
    deadline_ms names the attempt to confirm it: only who began that one may take it back.
    attempt: the name of the last attempt to place or confirm it.
    found: the first answer to an idempotency key was a hold that its holder had already.
    moves: not a hold, but the pin of what a booking is to move to.
    cold: placed while the mirror was not whole, and MongoDB has not been asked yet.
    """

    hold_id: str
    status: HoldStatus
    owner: str
    visit: Visit
    requested: int
    lifetime_ms: int
    created_ms: int
    expires_ms: int
    begun_ms: int
    booking_id: str
    direct: bool
    deadline_ms: int = 0
    cold: bool = False
    attempt: str = ""
    found: bool = False
    moves: bool = False

    @property
    def key_id(self) -> str:
        return self.owner.partition(" ")[0]

    def standing(self, now_ms: int) -> HoldStatus:
        """What the hold is at this moment."""
        if self.status == "held" and self.expires_ms <= now_ms:
            return "expired"
        return self.status


def parse_hold(fields: dict[str, str]) -> HoldRecord:
    """Reads the hash that `place_hold` wrote."""
    start, end = int(fields["start"]), int(fields["end"])
    return HoldRecord(
        hold_id=fields["hold_id"],
        status=fields["status"],  # type: ignore[arg-type]  # written by our scripts alone
        owner=fields["owner"],
        visit=Visit(
            fields["property_id"], fields["technician_id"], start, end, int(fields["before"]), int(fields["after"])
        ),
        requested=int(fields["requested"]),
        lifetime_ms=int(fields["lifetime_ms"]),
        created_ms=int(fields["created_ms"]),
        expires_ms=int(fields["expires_ms"]),
        begun_ms=int(fields["begun_ms"]),
        booking_id=fields["booking_id"],
        direct=fields["direct"] == "1",
        deadline_ms=int(fields["deadline_ms"]),
        cold=fields["cold"] == "1",
        attempt=fields["attempt"],
        found=fields.get("found") == "1",
        moves=fields.get("moves") == "1",
    )


def pairs(flat: list[str]) -> dict[str, str]:
    """A flat field, value, field, value reply as a dict."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def moment_of_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def slot_fields(visit: Visit, grid: Grid) -> dict[str, Any]:
    """A visit in the words of a request."""
    return {
        "property_id": visit.property_id,
        "technician_id": visit.technician_id,
        "start": grid.moment(visit.start),
        "duration_minutes": grid.minutes_of(visit.end - visit.start),
        "buffer_before_minutes": grid.minutes_of(visit.before),
        "buffer_after_minutes": grid.minutes_of(visit.after),
    }


def hold_view(record: HoldRecord, grid: Grid, now_ms: int) -> Hold:
    """The hold as the rest of the product knows it."""
    visit = record.visit
    status = record.standing(now_ms)
    return Hold(
        hold_id=record.hold_id,
        property_id=visit.property_id,
        technician_id=visit.technician_id,
        visit=visit,
        status=status,
        start=grid.moment(visit.start),
        end=grid.moment(visit.end),
        duration_minutes=grid.minutes_of(visit.end - visit.start),
        buffer_before_minutes=grid.minutes_of(visit.before),
        buffer_after_minutes=grid.minutes_of(visit.after),
        ttl_seconds=round(record.lifetime_ms / 1000),
        created_at=moment_of_ms(record.created_ms),
        expires_at=moment_of_ms(record.expires_ms),
        requested_start=grid.moment(record.requested),
        fallback_used=record.requested != visit.start,
        owner=record.owner,
        booking_id=record.booking_id if status == "booked" else None,
    )
