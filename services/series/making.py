"""Makes a series: each visit is pinned as a direct booking is, one transaction inserts all, and each is mirrored.

A repeat meets itself, because all ids follow from the idempotency key. A worker that dies leaves all visits or none;
the relay resolves the pins by the derived ids of their bookings. Without Redis no series is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from models.access import Caller, IdempotencyClaim
from models.booking import Booking
from models.errors import IdempotencyKeyReused, OutsideWorkingHours, Refusal, StoreUnavailable
from models.series import Series, SeriesRequest
from services.availability.reading import Readings
from services.bookings.beginning import Beginning
from services.bookings.confirming import Begun, Draft
from services.catalogue.reader import Catalogue
from services.claims.keys import digest
from services.claims.mirror import Mirror
from services.claims.placements import KEY_KEPT_MS
from services.clock import Clock, now_ms
from services.crash_points import CrashPoints
from services.holds.placing import Placing
from services.ids import HoldIds, booking_id_for, direct_pin, series_id_for
from services.ledger.documents import as_of
from services.ledger.outcomes import NothingSent, WriteRefused
from services.ledger.series import SeriesStore
from services.series.occurrences import SKIPPED_TIME, Occurrence
from services.series.planning import Plan, Planning
from services.series.previewing import STATES
from services.timetable.grid import Grid

MOST_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class MadeSeries:
    """A series and its bookings by start, as answered first. replayed: an earlier request made it."""

    series_id: str
    bookings: list[Booking]
    replayed: bool = False


class SeriesMaking:
    """Makes series."""

    def __init__(
        self,
        *,
        store: SeriesStore,
        planning: Planning,
        readings: Readings,
        beginning: Beginning,
        placing: Placing,
        mirror: Mirror,
        catalogue: Catalogue,
        hold_ids: HoldIds,
        grid: Grid,
        clock: Clock,
        crash: CrashPoints,
    ) -> None:
        self._store = store
        self._planning = planning
        self._readings = readings
        self._beginning = beginning
        self._placing = placing
        self._mirror = mirror
        self._catalogue = catalogue
        self._hold_ids = hold_ids
        self._grid = grid
        self._clock = clock
        self._crash = crash

    def make(self, caller: Caller, request: SeriesRequest, claim: IdempotencyClaim | None) -> MadeSeries:
        """Books all visits that a request wants, or finds those that this very request booked before.

        Raises what Planning.plan raises; the refusal of the first visit that cannot be booked, with all such visits as
        `occurrences`; RequestInProgress, IdempotencyKeyReused, StoreUnavailable: then the outcome may be open, and a
        repeat of the request learns it.
        """
        series = self._series(caller, request, claim)
        if isinstance(series, MadeSeries):
            return series
        plan = self._readings.answer(caller.org, lambda reading: self._planning.plan(caller, request, reading))
        for _ in range(MOST_ATTEMPTS):
            made = self._insert(series, self._pin(self._drafts(caller, request, series, plan), plan))
            if made is not None:
                self._crash("after_series")
                return made
        raise StoreUnavailable

    def first(self, org: str, series_id: str) -> MadeSeries:
        """A series as it was answered first. Raises StoreUnavailable."""
        bookings = [as_of(booking, 1) for booking in self._store.bookings(org, series_id)]
        return MadeSeries(series_id, sorted(bookings, key=lambda each: each.start), replayed=True)

    def _series(self, caller: Caller, request: SeriesRequest, claim: IdempotencyClaim | None) -> Series | MadeSeries:
        """The series that is to be made; or the answer that this very request had before. Once the time of its
        idempotency key is over the request is a new one. Raises IdempotencyKeyReused."""
        made_from = claim.key if claim else self._hold_ids.make(caller.org, caller.key_id, now_ms(self._clock))
        series = Series(
            series_id=series_id_for(caller.org, caller.key_id, made_from),
            org=caller.org,
            property_id=request.property_id,
            rrule=request.rrule,
            start=request.start,
            created_at=self._clock(),
            made_by=caller.key_id,
            fingerprint=digest(claim.key, claim.fingerprint) if claim else None,
        )
        while claim and (known := self._store.find(series.org, series.series_id)):
            if series.created_at - known.created_at <= timedelta(milliseconds=KEY_KEPT_MS):
                if known.fingerprint != series.fingerprint:
                    raise IdempotencyKeyReused
                return self.first(series.org, series.series_id)
            series = replace(series, series_id=series_id_for(series.org, series.series_id, "renewed"))
        return series

    def _drafts(self, caller: Caller, request: SeriesRequest, series: Series, plan: Plan) -> list[Draft]:
        policy, name = self._catalogue.policy(caller.org), series.series_id
        visits = [request.visit(each.start) for each in plan.visits]
        return [
            Draft(
                caller,
                visit,
                policy,
                booking_id_for(caller.org, name, str(number)),
                direct_pin(digest(name, str(number))),
                slot=visit.slot,
                series_id=name,
            )
            for number, visit in enumerate(visits)
        ]

    def _pin(self, drafts: Sequence[Draft], plan: Plan) -> list[Begun]:
        """Pins the claims of all visits, or of none: then it raises why, with every visit that is refused."""
        begun, refused = list[Begun](), dict[Occurrence, Refusal]()
        try:
            for draft, visit in zip(drafts, plan.visits, strict=True):
                try:
                    begun.append(self._begin(draft, visit))
                except Refusal as refusal:
                    if refusal.code not in STATES:
                        raise
                    refused[visit] = refusal
        except BaseException:
            self._take_back(begun)
            raise
        if refused:
            self._take_back(begun)
            raise _refusal(refused, plan)
        self._crash("after_series_claim")
        return begun

    def _begin(self, draft: Draft, visit: Occurrence) -> Begun:
        if not visit.exists:
            raise OutsideWorkingHours(SKIPPED_TIME)
        begun = self._beginning.begin_slot(draft, draft.slot) if draft.slot else None
        if not isinstance(begun, Begun):
            raise StoreUnavailable  # the visit is booked already, and the series is not: it is being made
        return begun

    def _insert(self, series: Series, begun: Sequence[Begun]) -> MadeSeries | None:
        """Inserts what is pinned, and mirrors it. None if MongoDB has given a slot to another booking, of which Redis
        did not know: the mirror is mended."""
        bookings = [self._booking(each) for each in begun]
        try:
            outcome = self._store.make(replace(series, created_at=bookings[0].created_at), bookings)
        except (NothingSent, WriteRefused):
            self._take_back(begun)
            raise
        if outcome == "taken":
            for each in begun:
                self._placing.mirror_blockers(series.org, each.record.visit)
            self._take_back(begun)
            return None
        if outcome == "repeated":
            bookings = self._store.bookings(series.org, series.series_id)
        for booking in bookings:
            self._mirror.settle_or_leave(booking)
        return MadeSeries(series.series_id, bookings) if outcome == "made" else self.first(series.org, series.series_id)

    def _booking(self, begun: Begun) -> Booking:
        return begun.completed().booking(begun.record.visit, begun.requested, begun.now, self._grid)

    def _take_back(self, begun: Sequence[Begun]) -> None:
        for each in begun:
            self._beginning.take_back(each, restore=False)


def _refusal(refused: dict[Occurrence, Refusal], plan: Plan) -> Refusal:
    """The refusal of the first visit, which names all."""
    first = next(iter(refused.values()))
    first.members["occurrences"] = [
        {"start": visit.start, "end": visit.start + plan.length, "state": STATES[why.code], "code": why.code}
        for visit, why in refused.items()
    ]
    return first
