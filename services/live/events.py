"""One live event, and how it looks to those who may see it. Nothing in it tells who a visit is for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from services.claims.hold_records import moment_of_ms, visit_of
from services.claims.keys import reference
from services.claims.live_events import Row
from services.timetable.grid import Grid

KINDS: Final = frozenset({"hold", "release", "book", "cancel", "move", "change"})
REBUILT: Final = "rebuilt"
"""Says that all may have changed. Other kinds are for the waitlist, and no client sees them."""
_STATUSES: Final = {"hold": "held", "release": "released"}


class Shape(NamedTuple):
    """How much of an event is shown. digests: a booking by the digest of its id. hides, hides_before: the property
    where the visit is, or was, is another one than the client watches, so only the technicians' times count."""

    digests: bool = False
    hides: bool = False
    hides_before: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a visit is. places: its property and the units that it takes. taken: when technicians are away for
    it, with their travel. Spans are in ticks."""

    property_id: str
    technician_ids: tuple[str, ...]
    places: frozenset[str]
    span: tuple[int, int]
    taken: tuple[int, int]

    def shown(self, grid: Grid, *, hides: bool) -> dict[str, Any]:
        """The members that say so."""
        start, end = self.taken if hides else self.span
        return {
            "technician_ids": self.technician_ids,
            "property_id": None if hides else self.property_id,
            "start": grid.moment(start),
            "end": grid.moment(end),
        }


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One change of a hold or of a booking. name: the hold's, or the booking's id. before: where a moved visit was.
    technicians: all whose times it changes."""

    id: str
    kind: str
    name: str
    place: Place
    before: Place | None
    state: str
    status: str
    source: str
    version: int | None
    expires_ms: int | None
    replaces: str
    technicians: frozenset[str] = field(init=False)
    _texts: dict[Shape, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        then = self.before.technician_ids if self.before else ()
        object.__setattr__(self, "technicians", frozenset((*self.place.technician_ids, *then)))

    def text(self, shape: Shape, grid: Grid) -> bytes:
        """The event as a client reads it. Made once for each shape."""
        known = self._texts.get(shape)
        if known is None:
            body = to_json(self._shown(shape, grid)).decode()
            known = self._texts[shape] = message(self.kind, body, self.id)
        return known

    def _shown(self, shape: Shape, grid: Grid) -> dict[str, Any]:
        expires = moment_of_ms(self.expires_ms).replace(microsecond=0) if self.expires_ms else None
        is_booking = self.version is not None
        shown = {
            "kind": self.kind,
            "ref": self.name if is_booking and not shape.digests else reference(self.name),
            **self.place.shown(grid, hides=shape.hides),
            "state": self.state,
            "status": self.status,
            "source": self.source,
            "version": self.version,
            "expires_at": expires,
        }
        if self.before:
            shown["from"] = self.before.shown(grid, hides=shape.hides_before)
        if self.replaces:
            shown["replaces"] = reference(self.replaces)
        return shown


def read_event(row: Row) -> LiveEvent | None:
    """The event of a row; None if it is of a kind that no client sees."""
    event_id, fields = row
    kind = fields["kind"]
    if kind not in KINDS:
        return None
    before = fields.get("from")
    return LiveEvent(
        id=event_id,
        kind=kind,
        name=fields["id"],
        place=_place_of(fields),
        before=_place_of_spans(before) if before else None,
        state=fields["state"],
        status=fields.get("status") or _STATUSES.get(kind, ""),
        source=fields.get("source", "api"),
        version=int(fields["version"]) if "version" in fields else None,
        expires_ms=int(fields["expires_ms"]) if fields["expires_ms"] else None,
        replaces=fields.get("replaces", ""),
    )


def _place_of(fields: dict[str, str]) -> Place:
    start, end, leaves, returns = (int(fields[name]) for name in ("start", "end", "leaves", "returns"))
    places = frozenset({fields["property_id"], *fields.get("units", "").split()})
    who = tuple(fields["technician_ids"].split())
    return Place(fields["property_id"], who, places, (start, end), (leaves, returns))


def _place_of_spans(spans: str) -> Place:
    visit = visit_of(spans)
    places = frozenset({visit.property_id, *visit.units})
    return Place(visit.property_id, visit.technician_ids, places, (visit.start, visit.end), visit.technician_span)


def message(kind: str, body: str, event_id: str = "") -> bytes:
    """One event of a stream of Server-Sent Events."""
    place = f"id: {event_id}\n" if event_id else ""
    return f"{place}event: {kind}\ndata: {body}\n\n".encode()
