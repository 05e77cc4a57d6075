"""Per-org memory of waitlist entries for which nothing is free, so the relay does not search for them again.

An entry is idle until an event or an expiry may have freed a slot for it. Some changes have no event (the booking
horizon moves on, an event is lost), so now and then every entry counts as not idle. The memory may only forget too
much: a search for an entry that is not idle is always correct.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from models.waitlist import WaitEntry
from services.claims.events import Event, OfferEvents
from services.clock import Clock
from services.timetable.grid import Grid

SEARCH_ALL_AFTER = timedelta(minutes=1)
NEARBY = timedelta(days=1)
"""Travel makes a freed slot matter to visits that are up to this much earlier or later."""
CLOCKS_DIFFER_MS = 2_000
"""By the clock of Redis a hold may still be live this long after its end."""
MOST_FREED = 500
"""With more freed slots than this, forget every entry: the slots concern nearly all of them, or events were lost."""

_TAKING = frozenset({"hold", "waitlist.offered", "book", "change"})
"""Kinds of events that free nothing, unless their state is `free`."""


class Freed(NamedTuple):
    """A slot that may have become free, with all properties and technicians whom the visit took."""

    property_ids: tuple[str, ...]
    technician_ids: tuple[str, ...]
    start: datetime
    end: datetime

    def concerns(self, entry: WaitEntry, places: Collection[str]) -> bool:
        """Whether a visit for this entry, which takes these properties, could use the slot."""
        same_property = not set(places).isdisjoint(self.property_ids)
        same_technician = not entry.named or not set(entry.named).isdisjoint(self.technician_ids)
        # Subtract, because the sum of a time and a day may be later than datetime can say.
        near = entry.from_ - self.end < NEARBY and self.start - entry.to < NEARBY
        return near and (same_property or same_technician)


class Attention:
    """The idle entries of one org, for one relay and one thread.

    places(entry): the properties that a visit for an entry takes.
    """

    def __init__(
        self,
        org: str,
        events: OfferEvents,
        grid: Grid,
        clock: Clock,
        places: Callable[[WaitEntry], Collection[str]],
    ) -> None:
        self._org = org
        self._events = events
        self._grid = grid
        self._clock = clock
        self._places = places
        self._idle: dict[str, WaitEntry] = {}
        self._ending: dict[Freed, int] = {}
        self._last_event = ""
        self._epoch: str | None = None
        self._all_searched_at = clock()

    def is_idle(self, entry: WaitEntry) -> bool:
        """Whether nothing is free for exactly this version of the entry, as of the last `read_events`."""
        known = self._idle.get(entry.waitlist_id)
        return known is not None and known.version == entry.version

    def found_nothing(self, entry: WaitEntry) -> None:
        """Marks an entry idle, after a search that began after the last `read_events`."""
        self._idle[entry.waitlist_id] = entry

    def forget(self, entry: WaitEntry) -> None:
        """Marks an entry as not idle."""
        self._idle.pop(entry.waitlist_id, None)

    def keep_only(self, entries: list[WaitEntry]) -> None:
        """Forgets all entries that are not among these."""
        present = {entry.waitlist_id for entry in entries}
        self._idle = {name: entry for name, entry in self._idle.items() if name in present}

    def read_events(self) -> None:
        """Reads the org's new events and forgets the entries that they concern. Raises StoreUnavailable."""
        now = self._clock()
        epoch, events = self._events.since(self._org, self._last_event)
        freed, moved = self._holds_over(int(now.timestamp() * 1000)), False
        for event_id, event in events:
            self._last_event = event_id
            moved = moved or event["kind"] == "move"  # the event does not name the slot that the visit left
            freed += self._freed_by(event)
        if moved or epoch != self._epoch or len(freed) > MOST_FREED or now - self._all_searched_at >= SEARCH_ALL_AFTER:
            self._idle.clear()
            self._epoch, self._all_searched_at = epoch, now
        elif freed:
            idle = self._idle.items()
            self._idle = {name: entry for name, entry in idle if not self._is_concerned(entry, freed)}

    def _is_concerned(self, entry: WaitEntry, freed: list[Freed]) -> bool:
        places = self._places(entry)
        return any(each.concerns(entry, places) for each in freed)

    def _holds_over(self, now_ms: int) -> list[Freed]:
        """The slots of holds that have run out. Each is repeated until it has run out by every clock."""
        over = [held for held, ends_ms in self._ending.items() if ends_ms <= now_ms]
        self._ending = {held: ends_ms for held, ends_ms in self._ending.items() if ends_ms > now_ms - CLOCKS_DIFFER_MS}
        return over

    def _freed_by(self, event: Event) -> list[Freed]:
        """The slot that an event frees, if any. Of a new hold it notes the end, until the hold is booked."""
        start, end = (self._grid.moment(int(event[name])) for name in ("start", "end"))
        places = (event["property_id"], *event.get("units", "").split())
        freed = Freed(places, tuple(event["technician_ids"].split()), start, end)
        if event["state"] == "held" and event["expires_ms"]:
            self._ending[freed] = int(event["expires_ms"])
            return []
        self._ending.pop(freed, None)
        return [] if event["kind"] in _TAKING and event["state"] != "free" else [freed]
