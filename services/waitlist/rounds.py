"""The waitlist's background work: ends offers that ran out, and offers free slots to the oldest entries first.

No event says that a hold has run out, so each org with unsettled entries gets a round every second, and at once when
it has a new event. This module decides which entry gets an offer; `offers` makes one offer; `attention` knows for which
entries a search is not worth while. An org gets no offers while its mirror is not whole. An org with long rounds gets
fewer of them, so it does not delay other orgs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from models.errors import StoreUnavailable, TooManyHolds
from models.slot import Opening
from models.waitlist import WaitEntry
from services.claims.events import OfferEvents
from services.claims.mirror import Mirror
from services.claims.quotas import OF_ALL_STRANGERS
from services.clock import Clock
from services.ledger.expiry import SYSTEM
from services.observability import Metrics
from services.stores.leases import Leases
from services.timetable.grid import Grid
from services.waitlist.attention import Attention, Freed
from services.waitlist.offers import Offering
from services.waitlist.openings import Openings
from services.waitlist.store import OFFER_FIELDS, WaitlistStore

log = structlog.get_logger("holdfast.waitlist")

ROUND_EVERY = timedelta(seconds=1)
MOST_TRIES = 3
"""Openings to try for one entry, because other clients may be faster."""
MOST_STARTS = 5
"""How often one round may start over."""
REST = 4
LONGEST_REST = timedelta(minutes=1)
QUICK = timedelta(milliseconds=100)
"""After a round that was not quick, its org rests for REST times as long as the round took."""
LATE_OFFER = timedelta(minutes=1)
"""A relay that was making an offer when the entry was cancelled may still place its hold for this long."""


@dataclass(frozen=True, slots=True)
class LastRound:
    """An org's last round: when it began, the newest event before it, and when the next round may begin."""

    began: datetime
    newest: str
    rested_at: datetime


class Offers:
    """Makes the rounds. Any number of relays may: a lease gives each org to one of them, and two do no harm."""

    def __init__(
        self,
        *,
        store: WaitlistStore,
        events: OfferEvents,
        leases: Leases,
        offering: Offering,
        openings: Openings,
        mirror: Mirror,
        metrics: Metrics,
        grid: Grid,
        clock: Clock,
    ) -> None:
        self._store = store
        self._events = events
        self._leases = leases
        self._offering = offering
        self._openings = openings
        self._mirror = mirror
        self._metrics = metrics
        self._grid = grid
        self._clock = clock
        self._last_rounds: dict[str, LastRound] = {}
        self._attentions: dict[str, Attention] = {}

    def tend(self) -> None:
        """Makes a round for every org with unsettled entries that is due for one. Raises StoreUnavailable."""
        orgs = self._store.orgs()
        newest = self._events.newest(orgs) if orgs else {}
        self._last_rounds = {org: last for org, last in self._last_rounds.items() if org in newest}
        self._attentions = {org: attention for org, attention in self._attentions.items() if org in newest}
        for org in orgs:
            last, now = self._last_rounds.get(org), self._clock()
            if last and now < last.rested_at:
                continue
            if last and last.newest == newest[org] and now - last.began < ROUND_EVERY:
                continue
            if self._leases.hold(f"waitlist:{org}"):
                # Note the newest event of before the round, so that events during the round lead to another one.
                self._last_rounds[org] = LastRound(now, newest[org], now)
                self._guarded_round(org)
                self._last_rounds[org] = LastRound(now, newest[org], _rested_at(now, self._clock()))

    def _guarded_round(self, org: str) -> None:
        """Makes a round and logs any error of ours, so that other orgs get their rounds. Raises StoreUnavailable."""
        try:
            self.round(org, self._attentions.setdefault(org, self._new_attention(org)))
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("waitlist_round_failed", org=org, kind=type(error).__name__)
            self._metrics.relay.labels("failed").inc()

    def _new_attention(self, org: str) -> Attention:
        return Attention(org, self._events, self._grid, self._clock, self._openings.places)

    def round(self, org: str, attention: Attention | None = None) -> None:
        """Settles the entries that have ended, then makes offers, the oldest entry first. Raises StoreUnavailable.

        attention: what earlier rounds have found. Without it the round searches for every entry.
        """
        attention = attention or self._new_attention(org)
        for entry in self._store.unsettled(org):
            if entry.status == "offered":
                self._settle(entry)
            elif entry.status == "cancelled":
                self._clear_up(entry)
        for _ in range(MOST_STARTS):
            if self._mirror.epoch(org) is None or self._serve(org, attention):
                return

    def _serve(self, org: str, attention: Attention) -> bool:
        """Makes offers to waiting entries. False if the round must start over, because an older entry has openings."""
        searched_wishes: set[tuple[object, ...]] = set()
        full: set[str | None] = set()
        passed: list[WaitEntry] = []
        searched_now: set[str] = set()
        attention.read_events()
        entries = self._store.unsettled(org)
        attention.keep_only(entries)
        for each in entries:
            entry = self._offering.go_on(each) if each.status == "waiting" else None
            if entry is None or self._lapses(entry) or entry.wish in searched_wishes or entry.joined_from in full:
                continue
            openings = [] if attention.is_idle(entry) else self._search(entry, attention, searched_now)
            rivals = [one for one in passed if self._could_use(one, entry, openings)]
            if rivals and self._any_has_openings(rivals, attention, searched_now):
                return False
            try:
                if openings and self._offering.offer(entry, openings):
                    continue
            except TooManyHolds as refusal:  # it keeps its position, and entries from elsewhere are served
                of_all = refusal.limit == OF_ALL_STRANGERS
                full |= {each.joined_from for each in entries if each.joined_from} if of_all else {entry.joined_from}
                continue
            searched_wishes.add(entry.wish)
            if not openings:
                passed.append(entry)
        return True

    def _search(self, entry: WaitEntry, attention: Attention, searched_now: set[str]) -> list[Opening]:
        openings = self._openings.first(entry, MOST_TRIES)
        if openings:
            attention.forget(entry)
        else:
            attention.found_nothing(entry)
            searched_now.add(entry.waitlist_id)
        return openings

    def _any_has_openings(self, rivals: list[WaitEntry], attention: Attention, searched_now: set[str]) -> bool:
        """Whether a slot became free during this round for one of the older entries that the round has passed.

        An entry that was searched for in this round is searched for again only if a newer event concerns it.
        """
        attention.read_events()
        for one in rivals:
            known = one.waitlist_id in searched_now and attention.is_idle(one)
            if not known and self._search(one, attention, searched_now):
                return True
        return False

    def _could_use(self, one: WaitEntry, other: WaitEntry, openings: list[Opening]) -> bool:
        """Whether a visit for `one` could use any of the openings of another entry."""
        if not openings:
            return False
        mine, theirs = self._openings.places(one), self._openings.places(other)
        return any(
            Freed(theirs, tuple(each.technician_ids or [each.technician_id]), each.start, each.end).concerns(one, mine)
            for each in openings
        )

    def _lapses(self, entry: WaitEntry) -> bool:
        """Lapses an entry whose window is too short by now for its visit. True if it is."""
        if entry.to - timedelta(minutes=entry.duration_minutes) >= self._clock():
            return False
        self._end(entry, "lapse", status="lapsed")
        return True

    def _settle(self, entry: WaitEntry) -> None:
        """Ends an offer that was booked, released or lost, or that ran out. A live offer stays."""
        offer = self._events.announce(entry.org, entry.waitlist_id, entry.hold_id or "")
        if offer.state in ("announced", "cold", "confirming"):
            return
        in_redis = offer.record.booking_id if offer.record and offer.state == "booked" else None
        booking_id = in_redis or self._offering.booking_of(entry)
        if booking_id:
            self._end(entry, "book", status="booked", booking_id=booking_id)
        elif offer.state == "unknown" and entry.offered_until and self._clock() < entry.offered_until:
            # The hold was lost with Redis before its time was over, so the entry waits again in its old position.
            self._end(entry, "lose", status="waiting", **dict.fromkeys(OFFER_FIELDS))
        else:
            self._end(entry, "lapse", status="lapsed")

    def _clear_up(self, entry: WaitEntry) -> None:
        """Releases any hold that a relay placed for an entry while the client cancelled it."""
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
