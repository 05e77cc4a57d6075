"""Booking while Redis does not answer: MongoDB's unique index is the only guard.

Then the remembered catalogue cannot be trusted either, so it is read again. Only the mirror tries Redis, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from models.access import Caller
from models.errors import HoldExpired, HoldNotFound, SlotBooked, StoreUnavailable
from models.slot import Choice, Visit, Wish
from services.availability.candidates import Candidates
from services.availability.search import free_in_mongo
from services.bookings.confirming import Confirmed, Confirming, Draft
from services.bookings.daily_share import DailyShare
from services.bookings.named_slots import NamedSlots
from services.catalogue.reader import Catalogue, Snapshot
from services.claims.mirror import Mirror
from services.claims.placements import Asker
from services.clock import Clock
from services.holds.conflicts import conflicts, obstacles_of, with_time_off
from services.ids import HoldIds
from services.ledger.expiry import Reservations
from services.ledger.store import BookingStore
from services.timetable.choices import Choices
from services.timetable.grid import Grid


class BookingWithoutRedis:
    """Books with MongoDB alone. is_offered(org, hold id, moment): whether the hold is a live offer of the waitlist."""

    def __init__(
        self,
        *,
        confirming: Confirming,
        reservations: Reservations,
        store: BookingStore,
        candidates: Candidates,
        catalogue: Catalogue,
        mirror: Mirror,
        hold_ids: HoldIds,
        named: NamedSlots,
        share: DailyShare,
        is_offered: Callable[[str, str, datetime], bool],
        grid: Grid,
        clock: Clock,
        mongo_clock: Clock,
    ) -> None:
        self._confirming = confirming
        self._reservations = reservations
        self._store = store
        self._candidates = candidates
        self._catalogue = catalogue
        self._mirror = mirror
        self._hold_ids = hold_ids
        self._named = named
        self._share = share
        self._is_offered = is_offered
        self._grid = grid
        self._clock = clock
        self._mongo_clock = mongo_clock

    def book(self, draft: Draft) -> Confirmed:
        """Books the first visit that has no booking in its way, or finds what a repeat of the request made.

        Raises HoldNotFound and HoldExpired for a hold that cannot have been live, InvalidRequest for one of another
        slot, the refusals of Candidates, SlotBooked, RateLimited, IdempotencyKeyReused, StoreUnavailable; also for a
        hold whose slot the request names in part, because Redis may know the rest again soon.
        """
        caller = draft.caller
        existing = self._store.find(caller.org, draft.booking_id) if draft.hold_id else None
        if existing and existing.made_by == caller.key_id:
            self._named.require_same_as_booked(draft, existing)
            return self._confirming.answer(draft, existing)
        answered = self._confirming.first_answer(draft)
        if answered:
            return answered
        self._catalogue.forget(caller.org, None)
        snapshot, now = self._catalogue.snapshot(caller.org), self._clock()
        if draft.hold_id:
            self._vouch_for(caller, draft.hold_id, snapshot, now)
        known = draft if draft.slot else self._named.proven(draft)
        if known is None or known.slot is None:
            raise StoreUnavailable
        draft = replace(draft, override=" ".join(known.slot.override), service_id=known.slot.service_id or "")
        wish = self._candidates.wish(snapshot, now, known.slot, caller.role, standing=known.standing)
        found = self._candidates.choices(snapshot, now, wish)
        wish = found.wish
        self._share.take(caller, snapshot.policy)
        confirmed = self._book_first(draft, wish, found)
        if confirmed is None or not confirmed.created:
            self._share.give_back(caller)
        if confirmed:
            self._mirror.settle_or_leave(confirmed.stored)
            return confirmed
        start, technicians = found.choices[0]
        first = wish.at(start, technicians[: wish.needed])
        wished, obstacles = Wish.exactly(first), obstacles_of(first, self._store.blockers(caller.org, first))
        obstacles = with_time_off(obstacles, wished, first.technician_ids, found.hidden)
        raise SlotBooked(
            conflicts=conflicts(obstacles, wished, Asker(caller.role, draft.owner.partition(" ")[2]), self._grid)
        )

    def _book_first(self, draft: Draft, wish: Wish, found: Choices) -> Confirmed | None:
        # One read: an insert for each visit would take too long.
        now, free = self._mongo_clock(), free_in_mongo(self._store, draft.caller.org, wish, found)
        attempts = (self._insert(draft, visit, wish.start, now) for choice in free for visit in _visits(wish, choice))
        return next((confirmed for confirmed in attempts if confirmed), None)

    def _insert(self, draft: Draft, visit: Visit, requested: int, now: datetime) -> Confirmed | None:
        confirmed = self._confirming.insert(draft, visit, requested, now)
        if confirmed or self._reservations.blockers(draft.caller.org, visit, redis_answers=False):
            return confirmed
        return self._confirming.insert(draft, visit, requested, now)  # an overdue reservation was in the way

    def _vouch_for(self, caller: Caller, hold_id: str, snapshot: Snapshot, now: datetime) -> None:
        """Raises HoldNotFound unless the hold was granted to this API key, HoldExpired if its age rules out that it
        lives."""
        issued_ms = self._hold_ids.issued_at_ms(caller.org, caller.key_id, hold_id)
        if issued_ms is None:
            raise HoldNotFound
        longest_ms = snapshot.policy.max_hold_seconds * 1000
        if now.timestamp() * 1000 - issued_ms > longest_ms and not self._is_offered(caller.org, hold_id, now):
            raise HoldExpired  # an offer of the waitlist may last longer than any other hold


def _visits(wish: Wish, choice: Choice) -> Iterator[Visit]:
    """The visits that a choice may become, the preferred one first, each with another technician in the lead."""
    start, who = choice
    return (wish.at(start, who[at : at + wish.needed]) for at in range(len(who) - wish.needed + 1))
