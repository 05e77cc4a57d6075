"""Which slots are free: the rules of timetable.rules over whole days, minus what Redis has marked.

The slots of a local date are all its grid ticks, each as the start of a visit of the given length. A slot is
- closed: the rules forbid it to every technician in question, or property or technician are unavailable;
- free: the property and at least one technician who fits are free; `technician_ids` names all of those, by id;
- held: not free, but waiting could free it: only holds are in the way of the property and one fitting technician;
- booked: anything else. `technician_ids` is empty unless the slot is free.
To a stranger (see models.access) time off looks like bookings, and a technician who is unavailable like a booked one.
A date that clocks skip wholly has no slots, and neither has one outside the calendar of timetable.grid.

A slot that is offered as free can be held at that moment: the rules are those of Candidates, the marks those that the
script of a hold reads, and both belong to one epoch of the catalogue. While the mirror is cold (see claims.mirror) the
catalogue is read again, and MongoDB says what is booked. Must not write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar

from models.access import STRANGERS, Role
from models.availability import AvailabilityQuery, SlotState
from models.errors import Refusal, StoreUnavailable
from models.slot import PROPERTY, TECHNICIAN, Opening, Wish
from services.availability.candidates import Candidates
from services.availability.masks import Masks, masks_of
from services.catalogue.reader import Catalogue, Snapshot
from services.claims.keys import Mark
from services.claims.mirror import Mirror
from services.clock import Clock
from services.ledger.store import BookingStore
from services.timetable.grid import FIRST_DAY, LAST_DAY, Grid, Span, day_span, local_day, ones, runs
from services.timetable.rules import Extent, Rules

MOST_READINGS = 3
"""How often an answer is worked out if the catalogue changes meanwhile. The last one was true a moment ago."""
OPENING_DAYS = 7
"""How many local dates a refusal looks ahead for other slots."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Starts:
    """The starts of a span in masks: open by the rules, free, free but for holds, and free per technician by id."""

    open: int
    free: int
    bearable: int
    free_for: list[tuple[str, int]]

    def state(self, at: int) -> SlotState:
        if self.free >> at & 1:
            return "free"
        if self.bearable >> at & 1:
            return "held"
        return "booked" if self.open >> at & 1 else "closed"

    def who(self, at: int) -> list[str]:
        """The ids of all technicians who are free for a start."""
        return [technician_id for technician_id, mask in self.free_for if mask >> at & 1]


CLOSED = Starts(0, 0, 0, [])


class Reading:
    """One answer's view: a snapshot of the catalogue, one moment, and marks whose epochs it remembers."""

    def __init__(self, snapshot: Snapshot, marks: Mirror, store: BookingStore, now: datetime) -> None:
        self.snapshot = snapshot
        self.now = now
        self._marks = marks
        self._store = store
        self._epochs: set[str | None] = set()
        self._ahead: tuple[list[str], int, int] | None = None
        self._known: dict[str, list[Mark]] | None = None

    def read_ahead(self, resources: list[str], from_tick: int, to_tick: int) -> None:
        """Lets the first use of `masks` read all that later uses will need, in one round trip."""
        self._ahead = (resources, from_tick, to_tick)

    def masks(self, resources: list[str], from_tick: int, to_tick: int) -> dict[str, Masks]:
        """What is taken of some resources over the ticks [from_tick, to_tick), in one round trip to Redis at most."""
        if self._ahead and self._known is None:
            self._known = self._taken(*self._ahead)
        taken = self._known or self._taken(resources, from_tick, to_tick)
        return {resource: masks_of(taken[resource], from_tick, to_tick) for resource in resources}

    def _taken(self, resources: list[str], from_tick: int, to_tick: int) -> dict[str, list[Mark]]:
        org = self.snapshot.org
        spans = self._marks.read_spans(org, resources, from_tick, to_tick)
        self._epochs.add(spans.epoch)
        if spans.epoch is None:
            for resource, tick in self._store.active_claims(org, resources, from_tick, to_tick):
                spans.taken[resource].append(Mark("booked", "", tick, tick + 1))
        return spans.taken

    def epochs(self) -> set[str | None]:
        """The epochs of all marks that were read; if none had to be read, the present epoch."""
        return self._epochs or {self._marks.epoch(self.snapshot.org)}


class Availability:
    """Free slots for calendars and for refusals that name alternatives."""

    def __init__(
        self,
        catalogue: Catalogue,
        candidates: Candidates,
        grid: Grid,
        marks: Mirror,
        store: BookingStore,
        *,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._candidates = candidates
        self._grid = grid
        self._marks = marks
        self._store = store
        self._clock = clock

    def days(self, org: str, query: AvailabilityQuery, role: Role) -> dict[str, Any]:
        """The members of an AvailabilityReply, times as aware UTC. role: of the caller, as in Candidates.wish.

        Raises PropertyNotFound, TechnicianNotFound, InvalidRequest (as Candidates.wish does), StoreUnavailable.
        """
        return self._on_current_catalogue(org, lambda reading: self._days(query, role, reading))

    def openings(self, org: str, wish: Wish, count: int) -> list[Opening]:
        """The first free visits from the wished start on, at most `count` and within seven local dates.

        One per start: with the wished technician, else the first free one. Raises what `days` raises.
        """
        return self._on_current_catalogue(org, lambda reading: list(islice(self._openings_from(wish, reading), count)))

    def first_openings(self, org: str, wish: Wish, until_tick: int, count: int) -> list[Opening]:
        """As `openings`, for visits that end by a tick, over as many dates as that takes."""
        latest = until_tick - wish.length
        return self._on_current_catalogue(
            org, lambda reading: list(islice(self._openings_from(wish, reading, latest), count))
        )

    def _on_current_catalogue(self, org: str, answer: Callable[[Reading], T]) -> T:
        """The answer as of one epoch: if marks and catalogue have different epochs, all is worked out again."""
        reloaded = False
        for _ in range(MOST_READINGS):
            reading = Reading(self._catalogue.snapshot(org), self._marks, self._store, self._clock())
            epoch, found, seen = reading.snapshot.epoch, _attempt(answer, reading), reading.epochs()
            # Without an epoch no change is published, so only a catalogue that was read for this answer is good.
            if seen == {epoch} and (epoch is not None or reloaded):
                break
            self._catalogue.forget(org, next(iter(seen)) if len(seen) == 1 else None)
            reloaded = True
        if isinstance(found, Refusal):
            raise found
        return found

    def _days(self, query: AvailabilityQuery, role: Role, reading: Reading) -> dict[str, Any]:
        snapshot, now = reading.snapshot, reading.now
        extent = self._candidates.extent(snapshot.policy, query, role)
        rules = self._candidates.rules(
            snapshot, now, query.property_id, query.technician_id, extent, discreet=role in STRANGERS
        )
        slots: list[dict[str, Any]] = []
        spans = [day_span(day, rules.site.timezone, self._grid) for day in _dates(query.from_, query.days)]
        if spans:
            first, last = spans[0][0] - extent.before, spans[-1][1] + extent.length + extent.after
            technicians = [f"{TECHNICIAN}:{each.id}" for each in rules.technicians]
            reading.read_ahead([f"{PROPERTY}:{rules.site.id}", *technicians], first, last)
        for span in spans:
            slots += self._slots(self._starts(rules, span, reading), span, extent.length)
        return {"timezone": rules.site.timezone, "grid_minutes": self._grid.minutes, "slots": slots}

    def _slots(self, starts: Starts, span: Span, length: int) -> list[dict[str, Any]]:
        from_tick, to_tick = span
        moments = [self._grid.moment(tick) for tick in range(from_tick, to_tick + length)]
        changes = 0
        for _, mask in starts.free_for:
            changes |= mask ^ mask << 1
        slots, who = [], starts.who(0)
        for at in range(to_tick - from_tick):
            # Neighbouring slots mostly have the same technicians: they share a list until that changes.
            if changes >> at & 1:
                who = starts.who(at)
            slot = {"start": moments[at], "end": moments[at + length], "state": starts.state(at), "technician_ids": who}
            slots.append(slot)
        return slots

    def _openings_from(self, wish: Wish, reading: Reading, latest: int | None = None) -> Iterator[Opening]:
        """Reads a date's marks only when it comes to that date, so a caller that has enough reads no more.

        latest: the last start that is wanted; if None, OPENING_DAYS bound the search.
        """
        extent, snapshot = Extent(wish.length, wish.before, wish.after), reading.snapshot
        rules = self._candidates.rules(
            snapshot, reading.now, wish.property_id, wish.technician_id, extent, discreet=wish.discreet
        )
        zone, last = rules.site.timezone, rules.latest if latest is None else min(latest, rules.latest)
        if wish.start > last:
            return
        first, days = local_day(wish.start, zone, self._grid), OPENING_DAYS
        if latest is not None:
            days = (local_day(last, zone, self._grid) - first).days + 1
        for day in _dates(first, days):
            from_tick, to_tick = day_span(day, zone, self._grid)
            from_tick, to_tick = max(from_tick, wish.start), min(to_tick, last + 1)
            starts = self._starts(rules, (from_tick, to_tick), reading)
            for at in range(starts.free.bit_length()):
                if starts.free >> at & 1:
                    begin, end = self._grid.moment(from_tick + at), self._grid.moment(from_tick + at + wish.length)
                    yield Opening(begin, end, starts.who(at)[0])

    def _starts(self, rules: Rules, span: Span, reading: Reading) -> Starts:
        """The starts of a span under the rules and the marks. Marks are read only if the rules leave a start."""
        if span[0] >= span[1]:
            return CLOSED
        fits = rules.fitting(*span)
        if not fits:
            return CLOSED
        open_ = 0
        for _, mask in fits:
            open_ |= mask
        # Everything below counts from the first open start, `skip` ticks into the span.
        skip = (open_ & -open_).bit_length() - 1
        length, before, after = rules.extent
        from_tick, to_tick = span[0] + skip - before, span[0] + open_.bit_length() - 1 + length + after
        site, names = f"{PROPERTY}:{rules.site.id}", [f"{TECHNICIAN}:{who}" for who, _ in fits]
        masks, every = reading.masks([site, *names], from_tick, to_tick), ones(to_tick - from_tick)
        site_free = runs(every & ~masks[site].taken, length) >> before << skip
        site_bearable = runs(every & ~masks[site].booked, length) >> before << skip
        free, bearable, free_for, width = 0, 0, [], before + length + after
        hidden = rules.hidden(from_tick, to_tick)
        for (who, mask), name in zip(fits, names, strict=True):
            shown = masks[name].with_booked(hidden.get(who, 0))
            mine = mask & site_free & runs(every & ~shown.taken, width) << skip
            bearable |= mask & site_bearable & runs(every & ~shown.booked, width) << skip
            free |= mine
            free_for.append((who, mine))
        return Starts(open_, free, bearable, free_for)


def _attempt(answer: Callable[[Reading], T], reading: Reading) -> T | Refusal:
    """The answer, or its refusal: an outdated catalogue may be the reason for that, unless a store is away."""
    try:
        return answer(reading)
    except StoreUnavailable:
        raise
    except Refusal as refusal:
        return refusal


def _dates(first: date, count: int) -> Iterator[date]:
    begin = max(first.toordinal(), FIRST_DAY.toordinal())
    end = min(first.toordinal() + count, LAST_DAY.toordinal() + 1)
    return map(date.fromordinal, range(begin, end))
