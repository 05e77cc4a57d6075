"""One answer's view of the catalogue and of what is taken, both of one epoch of the catalogue.

While the mirror is cold (see claims.mirror) the catalogue is read again, and MongoDB says what is booked. Must not
write.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from models.errors import Refusal, StoreUnavailable
from services.availability.masks import Masks, masks_of
from services.catalogue.reader import Catalogue, Snapshot
from services.claims.keys import Mark
from services.claims.mirror import Mirror
from services.clock import Clock
from services.ledger.store import BookingStore

MOST_READINGS = 3
"""How often an answer is worked out if the catalogue changes meanwhile. The last one was true a moment ago."""

T = TypeVar("T")


class Reading:
    """One answer's view: a snapshot of the catalogue, one moment, and marks whose epochs it remembers.

    besides: the id of a booking whose marks do not count.
    """

    def __init__(
        self, snapshot: Snapshot, marks: Mirror, store: BookingStore, now: datetime, besides: str | None
    ) -> None:
        self.snapshot = snapshot
        self.now = now
        self._besides = besides
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
            for resource, marks in self._store.active_marks(org, resources, from_tick, to_tick).items():
                spans.taken[resource] += marks
        if self._besides is None:
            return spans.taken
        return {name: [mark for mark in marks if mark.owner != self._besides] for name, marks in spans.taken.items()}

    def epochs(self) -> set[str | None]:
        """The epochs of all marks that were read; if none had to be read, the present epoch."""
        return self._epochs or {self._marks.epoch(self.snapshot.org)}


class Readings:
    """Gives answers that need a reading."""

    def __init__(self, catalogue: Catalogue, marks: Mirror, store: BookingStore, clock: Clock) -> None:
        self._catalogue = catalogue
        self._marks = marks
        self._store = store
        self._clock = clock

    def answer(self, org: str, work_out: Callable[[Reading], T], *, besides: str | None = None) -> T:
        """The answer as of one epoch: if marks and catalogue have different epochs, all is worked out again.

        besides: as in Reading. Raises what `work_out` raises, and StoreUnavailable.
        """
        reloaded = False
        for _ in range(MOST_READINGS):
            reading = Reading(self._catalogue.snapshot(org), self._marks, self._store, self._clock(), besides)
            epoch, found, seen = reading.snapshot.epoch, _attempt(work_out, reading), reading.epochs()
            # Without an epoch no change is published, so only a catalogue that was read for this answer is good.
            if seen == {epoch} and (epoch is not None or reloaded):
                break
            self._catalogue.forget(org, next(iter(seen)) if len(seen) == 1 else None)
            reloaded = True
        if isinstance(found, Refusal):
            raise found
        return found


def _attempt(answer: Callable[[Reading], T], reading: Reading) -> T | Refusal:
    """The answer, or its refusal: an outdated catalogue may be the reason for that, unless a store is away."""
    try:
        return answer(reading)
    except StoreUnavailable:
        raise
    except Refusal as refusal:
        return refusal
