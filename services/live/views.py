"""What a client watches, and which events concern it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from services.live.events import LiveEvent, Shape
from services.live.stream import Stream


@dataclass(frozen=True, slots=True)
class View:
    """What a stream shows: of a property, of a technician, or of the whole org. digests: as in Shape."""

    org: str
    property_id: str | None = None
    technician_id: str | None = None
    digests: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """The events of a property's view: those at these places, and those of these technicians anywhere."""

    places: frozenset[str]
    technicians: frozenset[str]


@dataclass(frozen=True, slots=True)
class Watcher:
    """The client of a stream. left: called when the stream has closed. key: the org and id of its API key or session;
    None for a manage token. booking_id: of a manage token; when the booking changes the stream ends, and the client
    comes again if it still may."""

    left: Callable[[], None]
    key: tuple[str, str] | None = None
    booking_id: str | None = None


@dataclass(slots=True)
class Group:
    """The streams of one view. reach: of the view of a property. ahead: the last event of those streams that had more
    than the other streams of their org when they were opened."""

    view: View
    reach: Reach | None
    streams: dict[Stream, Watcher] = field(default_factory=dict)
    ahead: dict[Stream, str] = field(default_factory=dict)

    def shape(self, event: LiveEvent) -> Shape | None:
        """How an event is shown here; None if it does not concern the view."""
        view = self.view
        if self.reach is not None:
            return self._nearby(event, self.reach)
        if view.technician_id is None or view.technician_id in event.technicians:
            return Shape(view.digests)
        return None

    def _nearby(self, event: LiveEvent, reach: Reach) -> Shape | None:
        hides = reach.places.isdisjoint(event.place.places)
        hides_before = event.before is None or reach.places.isdisjoint(event.before.places)
        if hides and hides_before and reach.technicians.isdisjoint(event.technicians):
            return None
        return Shape(self.view.digests, hides, hides_before)


def ticks(event_id: str) -> tuple[int, int]:
    """The order of event ids."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number)


def is_behind(event_id: str, other: str) -> bool:
    """Whether an event came before another one."""
    return ticks(event_id) < ticks(other)


def newer(events: Iterable[tuple[str, bytes]], than: str) -> bytes:
    """The texts of the events behind an id."""
    behind = ticks(than)
    return b"".join(text for event_id, text in events if ticks(event_id) > behind)
