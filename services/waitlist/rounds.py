"""The waitlist's background work: ends offers that were not taken, and offers what is free to the first in line.

Nothing tells that a hold has run out, so an org with anybody in line is looked at every second; and at once when its
events say that something changed. Who offers what, and in which order, is settled here; how one offer is made, in
services.offering. While an org's mirror is not whole it gets no offers. Whom it is worth looking for is known to
services.line; and an org for which a round takes long gets fewer rounds, so that it costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from models.errors import Refusal, StoreUnavailable
from models.slot import Opening, SlotOptions, Wish
from models.waitlist import WaitEntry
from services.availability.candidates import Candidates
from services.availability.slots import Availability
from services.claims.events import OfferEvents
from services.claims.mirror import Mirror
from services.ledger.expiry import SYSTEM
from services.observability import Metrics
from services.stores.leases import Leases
from services.timetable.grid import Grid
from services.waitlist.attention import Freed, Line
from services.waitlist.offers import Offering
from services.waitlist.store import WaitlistStore

log = structlog.get_logger("holdfast.waitlist")

LOOK_AGAIN = timedelta(seconds=1)
MOST_TRIES = 3
"""Openings that are tried for one entry, should others be faster."""
MOST_STARTS = 5
REST = 4
LONGEST_REST = timedelta(minutes=1)
QUICK = timedelta(milliseconds=100)
"""After a round its org is left alone for REST times as long as it took, unless it was quick."""
LATE_OFFER = timedelta(minutes=1)
"""For so long a relay that was about to place a hold when its entry was cancelled may still do so."""


@dataclass(frozen=True, slots=True)
class Look:
    """When an org was last looked at, the newest event that it had then, and from when on it may be looked at again."""

    at: datetime
    newest: str
    rested_at: datetime


class Offers:
    """Tends the waitlist. Any number may: each org belongs to one of them for a while, and two do no harm."""

    def __init__(
        self,
        *,
        store: WaitlistStore,
        events: OfferEvents,
        leases: Leases,
        offering: Offering,
        availability: Availability,
        candidates: Candidates,
        mirror: Mirror,
        metrics: Metrics,
        grid: Grid,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._events = events
        self._leases = leases
        self._offering = offering
        self._availability = availability
        self._candidates = candidates
        self._mirror = mirror
        self._metrics = metrics
        self._grid = grid
        self._clock = clock
        self._looks: dict[str, Look] = {}
        self._lines: dict[str, Line] = {}

    def tend(self) -> None:
        """A round for every org where somebody is in line and something may have changed. Raises StoreUnavailable."""
        orgs = self._store.orgs()
        newest = self._events.newest(orgs) if orgs else {}
        self._looks = {org: look for org, look in self._looks.items() if org in newest}
        self._lines = {org: line for org, line in self._lines.items() if org in newest}
        for org in orgs:
            look, now = self._looks.get(org), self._clock()
            if look and now < look.rested_at:
                continue
            if look and look.newest == newest[org] and now - look.at < LOOK_AGAIN:
                continue
            if self._leases.hold(f"waitlist:{org}"):
                # The event of before the round: what happens during it is looked at again.
                self._looks[org] = Look(now, newest[org], now)
                self._guarded_round(org)
                self._looks[org] = Look(now, newest[org], _rested_at(now, self._clock()))

    def _guarded_round(self, org: str) -> None:
        """A fault of ours in one org's round keeps no other org waiting. Raises StoreUnavailable."""
        try:
            self.round(org, self._lines.setdefault(org, self._new_line(org)))
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("waitlist_round_failed", org=org, kind=type(error).__name__)
            self._metrics.relay.labels("failed").inc()

    def _new_line(self, org: str) -> Line:
        return Line(org, self._events, self._grid, self._clock)

    def round(self, org: str, line: Line | None = None) -> None:
        """Settles what has ended, then offers what is free to those who wait, in order. Raises StoreUnavailable.

        line: what former rounds have found; without it everybody is looked for.
        """
        line = line or self._new_line(org)
        for entry in self._store.unsettled(org):
            if entry.status == "offered":
                self._settle(entry)
            elif entry.status == "cancelled":
                self._clear_up(entry)
        for _ in range(MOST_STARTS):
            if self._mirror.epoch(org) is None or self._serve(org, line):
                return

    def _serve(self, org: str, line: Line) -> bool:
        """Offers what is free to those in line; False when it has to begin anew, lest somebody be passed over."""
        looked: set[tuple[object, ...]] = set()
        passed: list[WaitEntry] = []
        sure: set[str] = set()  # of those, who was looked for in this round
        line.hear()
        entries = self._store.unsettled(org)
        line.keep_only(entries)
        for each in entries:
            entry = self._offering.go_on(each) if each.status == "waiting" else None
            if entry is None or self._lapses(entry) or entry.wish in looked:
                continue
            openings = [] if line.is_idle(entry) else self._look_for(entry, line, sure)
            rivals = [one for one in passed if _could_use(one, entry, openings)]
            if rivals and self._is_for(rivals, line, sure):
                return False
            if openings and self._offering.offer(entry, openings):
                continue
            looked.add(entry.wish)
            if not openings:
                passed.append(entry)
        return True

    def _look_for(self, entry: WaitEntry, line: Line, sure: set[str]) -> list[Opening]:
        openings = self._openings(entry)
        if openings:
            line.forget(entry)
        else:
            line.found_nothing(entry)
            sure.add(entry.waitlist_id)
        return openings

    def _is_for(self, rivals: list[WaitEntry], line: Line, sure: set[str]) -> bool:
        """Whether something became free while this round went on for one of those whom it has passed.

        Who found nothing in this very round is looked for again only if something that concerns him has happened since.
        """
        line.hear()
        for one in rivals:
            known = one.waitlist_id in sure and line.is_idle(one)
            if not known and self._look_for(one, line, sure):
                return True
        return False

    def _openings(self, entry: WaitEntry) -> list[Opening]:
        """The first openings that would do. None where the catalogue has no place for such a visit any more."""
        start = self._grid.tick_from(max(entry.from_, self._clock()))
        try:
            extent = self._candidates.extent(entry.org, SlotOptions(duration_minutes=entry.duration_minutes))
            wish = Wish(entry.property_id, entry.technician_id, start, *extent)
            return self._availability.first_openings(entry.org, wish, self._grid.tick(entry.to), MOST_TRIES)
        except StoreUnavailable:
            raise
        except Refusal:
            return []

    def _lapses(self, entry: WaitEntry) -> bool:
        """Ends the waiting of one for whom no visit can begin in time any more."""
        if entry.to - timedelta(minutes=entry.duration_minutes) >= self._clock():
            return False
        self._end(entry, "lapse", status="lapsed")
        return True

    def _settle(self, entry: WaitEntry) -> None:
        """Finds out what became of an offer. While its hold lives, or is being booked, nothing has."""
        told = self._events.tell(entry.org, entry.waitlist_id, entry.hold_id or "")
        if told.word in ("TOLD", "AGAIN", "COLD", "CONFIRMING"):
            return
        in_redis = told.record.booking_id if told.record and told.word == "BOOKED" else None
        booking_id = in_redis or self._offering.booking_of(entry)
        if booking_id:
            self._end(entry, "book", status="booked", booking_id=booking_id)
        elif told.word == "MISSING" and entry.offered_until and self._clock() < entry.offered_until:
            # Lost with Redis: nobody let the time run out, so the place in line is as it was.
            nothing: dict[str, Any] = dict.fromkeys(("hold_id", "start", "end", "offered_technician_id"))
            self._end(entry, "lose", status="waiting", offered_until=None, **nothing)
        else:
            self._end(entry, "lapse", status="lapsed")

    def _clear_up(self, entry: WaitEntry) -> None:
        """Sees to it that nothing stays held for one who left while an offer was being made to him."""
        if entry.hold_id:
            self._offering.release(entry)
        if entry.hold_id is None or self._clock() - entry.updated_at >= LATE_OFFER:
            self._store.change(entry, self._clock(), SYSTEM, "settle", unsettled=False)

    def _end(self, entry: WaitEntry, action: str, **changed: Any) -> None:
        if self._store.change(entry, self._clock(), SYSTEM, action, **changed):
            self._metrics.relay.labels("waitlist_settled").inc()
            log.info("waitlist_settled", org=entry.org, waitlist_id=entry.waitlist_id, status=changed["status"])


def _rested_at(began: datetime, ended: datetime) -> datetime:
    took = ended - began
    return ended + min(REST * took, LONGEST_REST) if took > QUICK else ended


def _could_use(one: WaitEntry, other: WaitEntry, openings: list[Opening]) -> bool:
    """Whether what some openings of another entry are made of could be an opening for this one, too."""
    return any(
        Freed(other.property_id, opening.technician_id, opening.start, opening.end).concerns(one)
        for opening in openings
    )
