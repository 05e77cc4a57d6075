"""The record of a hold in Redis, and the hold that clients see of it.

`HoldRecord` names the fields of the hash; holds.lua says which of them a hash may lack. The scripts write them,
`read_hold` reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from models.booking import Source
from models.hold import Hold, HoldStatus
from models.slot import Visit
from services.claims.keys import reference
from services.timetable.grid import Grid


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A hold as Redis has it. Spans are in ticks, times in milliseconds since the epoch by Redis' clock.

    hold_id: its name, which is the first part of the id that clients have. Stands in the name of the hash.
    status: the stored word; a hold whose time is over still says `held`, see `standing`.
    read_ms: when Redis read it; 0 in the reply of a script that acted on the hold, which then lived.
    owner: the API key's id, followed by the holder's digest if the request named a holder. key_id: the first of them.
    visit: stands in the hash as its spans, see keys.
    requested: the start that was asked for.
    deadline_ms: names the attempt to confirm the hold; only the worker that began this attempt may take it back.
    attempt: the name of the last attempt to place or confirm it.
    cold: placed while the mirror was not whole, and MongoDB has not been asked yet.
    found: the first answer to an idempotency key was a hold that its holder had already.
    direct: the pin of a direct booking or a move. moves: the pin of a move.
    source: of the request that placed it. override: the words of the rules that staff lifted for it. service_id: what
    is done there; '' if that was not said.
    now_ms: the time of the script that gave this record; 0 where the record was read.
    """

    hold_id: str
    status: HoldStatus
    owner: str
    visit: Visit
    requested: int
    created_ms: int
    expires_ms: int
    begun_ms: int = 0
    booking_id: str = ""
    direct: bool = False
    deadline_ms: int = 0
    cold: bool = False
    attempt: str = ""
    found: bool = False
    moves: bool = False
    read_ms: int = 0
    now_ms: int = 0
    source: Source = "api"
    override: str = ""
    service_id: str = ""
    key_id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key_id", self.owner.partition(" ")[0])

    @property
    def holder_digest(self) -> str:
        """Of the holder that the request named; '' if it named none."""
        return self.owner.partition(" ")[2]

    @property
    def lifetime_ms(self) -> int:
        """From its creation to its end."""
        return self.expires_ms - self.created_ms

    @property
    def remaining_seconds(self) -> int:
        """How long the hold would live from the time of this reply or read, in whole seconds, rounded up."""
        return max(0, -(((self.read_ms or self.now_ms or self.created_ms) - self.expires_ms) // 1000))

    @property
    def standing(self) -> HoldStatus:
        """The status at the time of the read."""
        if self.status == "held" and self.expires_ms <= self.read_ms:
            return "expired"
        return self.status


def _reader(annotation: str) -> Callable[[Any], Any]:
    readers: dict[str, Callable[[Any], Any]] = {"int": int, "bool": bool}  # a hash has no field that is false
    return readers.get(annotation, str)


_ELSEWHERE = ("hold_id", "visit", "requested")
_STORED = {
    each.name: _reader(str(each.type)) for each in fields(HoldRecord) if each.init and each.name not in _ELSEWHERE
}


def read_hold(hold_id: str, flat: list[Any] | dict[str, Any]) -> HoldRecord:
    """Reads a hold's hash, as a dict or as the flat field, value, … list of a script's reply."""
    stored = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
    visit = visit_of(stored["spans"])
    known = {name: _STORED[name](value) for name, value in stored.items() if name in _STORED}
    return HoldRecord(hold_id=hold_id, visit=visit, requested=int(stored.get("requested", visit.start)), **known)


def visit_of(spans: str) -> Visit:
    """The visit of a record, by its spans as text."""
    site, start, end, *others, technician, leaves, returns = spans.split(" ")
    begin, over = int(start), int(end)
    before, after = begin - int(leaves), int(returns) - over
    if not others:
        return Visit(site[2:], technician[2:], begin, over, before, after)
    names = [*others[::3], technician]
    who = [name[2:] for name in names if name[0] == "t"]
    units = tuple(name[2:] for name in names if name[0] == "p")
    return Visit(site[2:], who[0], begin, over, before, after, tuple(who[1:]), units)


def moment_of_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def hold_view(record: HoldRecord, hold_id: str, grid: Grid) -> Hold:
    """The hold as the rest of the product knows it. hold_id: the id that the holder gets, see ids.HoldIds."""
    visit, status = record.visit, record.standing
    times = grid.times(visit, record.requested)
    return Hold(
        hold_id=hold_id,
        ref=reference(record.hold_id),
        property_id=visit.property_id,
        technician_id=visit.technician_id,
        technician_ids=[visit.technician_id, *visit.crew],
        visit=visit,
        status=status,
        start=times.start,
        end=times.end,
        duration_minutes=times.duration_minutes,
        buffer_before_minutes=times.buffer_before_minutes,
        buffer_after_minutes=times.buffer_after_minutes,
        ttl_seconds=round(record.lifetime_ms / 1000),
        remaining_seconds=record.remaining_seconds if status == "held" else 0,
        source=record.source,
        created_at=moment_of_ms(record.created_ms),
        expires_at=moment_of_ms(record.expires_ms),
        requested_start=times.requested_start,
        fallback_used=record.requested != visit.start,
        owner=record.owner,
        booking_id=record.booking_id if status == "booked" else None,
        service_id=record.service_id or None,
    )
