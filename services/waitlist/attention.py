"""What a relay remembers of one org's line, so that nobody is looked for again in vain.

Who found nothing is idle until something may have become free for him: an event says so, or a hold that was placed is
over. Nothing tells of the rest (a horizon that moves on, an event that was lost), so now and then everybody is looked
for. It is only ever forgotten too much: who is not idle is looked for, and no harm done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from models.waitlist import WaitEntry
from services.claims.events import Event, OfferEvents
from services.timetable.grid import Grid

EVERYBODY_AFTER = timedelta(minutes=1)
NEARBY = timedelta(days=1)
"""What becomes free may, by its travel, matter to visits that much earlier or later."""
CLOCKS_DIFFER_MS = 2_000
"""For so long after its end a hold may still be live by Redis' clock."""
MOST_NEWS = 500
"""More than this and everybody is looked for: nearly everybody is concerned anyway, or events were lost."""

_TAKING = frozenset({"hold", "waitlist.offered", "book"})
"""Kinds of events by which, unless they say that a slot is free, nothing has become free."""


class Freed(NamedTuple):
    """What may have become free."""

    property_id: str
    technician_id: str
    start: datetime
    end: datetime

    def concerns(self, entry: WaitEntry) -> bool:
        """Whether one who waits could use it."""
        same_place = self.property_id == entry.property_id
        same_person = entry.technician_id in (None, self.technician_id)
        # Subtracted, since the sum of a time and a day may lie outside of what a datetime can say.
        near = entry.from_ - self.end < NEARBY and self.start - entry.to < NEARBY
        return near and (same_place or same_person)


class Line:
    """Who of an org's line is idle. For one relay, and one thread of it. `hear` may raise StoreUnavailable."""

    def __init__(self, org: str, events: OfferEvents, grid: Grid, clock: Callable[[], datetime]) -> None:
        self._org = org
        self._events = events
        self._grid = grid
        self._clock = clock
        self._idle: dict[str, WaitEntry] = {}
        self._ending: dict[Freed, int] = {}
        self._heard = ""
        self._epoch: str | None = None
        self._everybody_at = clock()

    def is_idle(self, entry: WaitEntry) -> bool:
        """Whether it is known that nothing is free for this very version of an entry, as of what was heard last."""
        known = self._idle.get(entry.waitlist_id)
        return known is not None and known.version == entry.version

    def found_nothing(self, entry: WaitEntry) -> None:
        """Notes what was looked up after what was heard last."""
        self._idle[entry.waitlist_id] = entry

    def forget(self, entry: WaitEntry) -> None:
        self._idle.pop(entry.waitlist_id, None)

    def keep_only(self, entries: list[WaitEntry]) -> None:
        """Forgets whoever is in line no longer."""
        present = {entry.waitlist_id for entry in entries}
        self._idle = {name: entry for name, entry in self._idle.items() if name in present}

    def hear(self) -> None:
        """Takes in what has happened since; whoever it concerns is no longer idle."""
        now = self._clock()
        epoch, news = self._events.since(self._org, self._heard)
        freed, anything = self._over(int(now.timestamp() * 1000)), False
        for event_id, event in news:
            self._heard = event_id
            anything = anything or event["kind"] == "move"  # where it was moved from is not told
            freed += self._read(event)
        if anything or epoch != self._epoch or len(freed) > MOST_NEWS or now - self._everybody_at >= EVERYBODY_AFTER:
            self._idle.clear()
            self._epoch, self._everybody_at = epoch, now
        elif freed:
            idle = self._idle.items()
            self._idle = {name: entry for name, entry in idle if not any(each.concerns(entry) for each in freed)}

    def _over(self, now_ms: int) -> list[Freed]:
        """What holds had whose time is over, for as long as that may be true by one clock only."""
        over = [held for held, ends_ms in self._ending.items() if ends_ms <= now_ms]
        self._ending = {held: ends_ms for held, ends_ms in self._ending.items() if ends_ms > now_ms - CLOCKS_DIFFER_MS}
        return over

    def _read(self, event: Event) -> list[Freed]:
        """What an event says has become free; of a hold it is remembered when it will be over, unless it is booked."""
        start, end = (self._grid.moment(int(event[name])) for name in ("start", "end"))
        freed = Freed(event["property_id"], event["technician_id"], start, end)
        if event["state"] == "held" and event["expires_ms"]:
            self._ending[freed] = int(event["expires_ms"])
            return []
        self._ending.pop(freed, None)
        return [] if event["kind"] in _TAKING and event["state"] != "free" else [freed]
