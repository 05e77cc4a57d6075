"""Gives the visits of a technician who is away to others, at the same times: each by a move of its own, or not at all.

The earliest visit comes first. What was moved stays moved, whatever becomes of the rest, so a repeat goes on where the
last request stopped. Nothing is undone: to give visits back, reassign them the other way.
"""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

from models.access import Caller
from models.booking import Booking
from models.booking_changes import BookingPatch
from models.dispatch import LeftVisit, MovedVisit, Reassigned, ReassignRequest
from models.errors import (
    BookingNotFound,
    Fault,
    InvalidRequest,
    Refusal,
    SlotBooked,
    SlotHeld,
    StoreUnavailable,
    TooLate,
    VersionConflict,
)
from models.slot import TECHNICIAN
from services.availability.candidates import Candidates
from services.bookings.changes import BookingLife
from services.catalogue.reader import Catalogue
from services.claims.mirror import Mirror
from services.clock import Clock
from services.dispatch.planning import Plan
from services.ledger.store import BookingStore
from services.ledger.visits_ahead import VisitsAhead
from services.stores.faults import last_start
from services.timetable.grid import SLOT, Grid

LONGEST = timedelta(days=31)
MOST_READ, MOST_MOVED = 1_000, 200
"""How many visits a request looks at, and how many of those it tries to move; the others it names as not reached."""
MOST_TRIES = 3
"""Technicians who are tried for one visit, where others take what looked free."""
NOT_REACHED = "This visit was not reached in the time of one request. Please send the request again."
BEGUN = "This visit has begun."
GONE = "This visit has another time, place or technician by now. Please send the request again."


class Reassigning:
    """Reassigns visits."""

    def __init__(
        self,
        *,
        visits: VisitsAhead,
        life: BookingLife,
        candidates: Candidates,
        catalogue: Catalogue,
        mirror: Mirror,
        store: BookingStore,
        grid: Grid,
        clock: Clock,
    ) -> None:
        self._visits = visits
        self._life = life
        self._candidates = candidates
        self._catalogue = catalogue
        self._mirror = mirror
        self._store = store
        self._grid = grid
        self._clock = clock

    def reassign(self, caller: Caller, technician_id: str, request: ReassignRequest) -> Reassigned:
        """Moves the active visits of a technician that lie in [from, to), with or without travel; with dry_run it only
        says what it would do.

        Raises TechnicianNotFound, InvalidRequest (no such time), StoreUnavailable (nothing was looked at yet).
        """
        _require_a_time(request)
        self._catalogue.snapshot(caller.org).technicians([technician_id])
        span = self._grid.tick(request.from_), self._grid.tick_from(request.to)
        found = self._visits.over(caller.org, f"{TECHNICIAN}:{technician_id}", [span], MOST_READ)
        plan = self._plan(caller, technician_id)
        moves: list[MovedVisit] = []
        left: list[LeftVisit] = []
        for number, booking in enumerate(found):
            try:
                if number >= MOST_MOVED or monotonic() > last_start.get():
                    raise StoreUnavailable(NOT_REACHED)
                to = self._place(caller, booking, technician_id, plan, dry_run=request.dry_run)
            except Refusal as refusal:
                left.append(LeftVisit(booking_id=booking.booking_id, code=refusal.code, detail=refusal.detail))
            else:
                names = ("booking_id", "property_id", "start", "end")
                moves.append(MovedVisit(**{name: getattr(booking, name) for name in names}, to_technician_id=to))
        return Reassigned(moves=moves, left=left)

    def _plan(self, caller: Caller, technician_id: str) -> Plan:
        return Plan(
            candidates=self._candidates,
            catalogue=self._catalogue,
            mirror=self._mirror,
            store=self._store,
            grid=self._grid,
            caller=caller,
            away=technician_id,
            now=self._clock(),
        )

    def _place(self, caller: Caller, booking: Booking, away: str, plan: Plan, *, dry_run: bool) -> str:
        """The technician who gets a visit. Raises the refusal of the last one who was tried."""
        if booking.start <= self._clock():
            raise TooLate(BEGUN)
        who = plan.who(booking)
        for tried, technician_id in enumerate(who, 1):
            try:
                if not dry_run:
                    self._move(caller, booking, away, technician_id)
            except (SlotHeld, SlotBooked):
                if tried in (len(who), MOST_TRIES):
                    raise
                continue
            plan.give(booking, technician_id)
            return technician_id
        raise SlotBooked

    def _move(self, caller: Caller, planned: Booking, away: str, technician_id: str) -> None:
        """As a PATCH of the version that is there now, in which a crew keeps its other members. Its visit has to be the
        one that the plan was made for: VersionConflict."""
        booking = self._store.find(caller.org, planned.booking_id)
        if booking is None:
            raise BookingNotFound
        if any(getattr(booking, name) != getattr(planned, name) for name in SLOT):
            raise VersionConflict(GONE)
        crew = [technician_id if each == away else each for each in booking.technician_ids]
        self._life.reschedule(caller, booking.booking_id, BookingPatch(technician_ids=crew), booking.version)


def _require_a_time(request: ReassignRequest) -> None:
    """Raises InvalidRequest."""
    if request.to <= request.from_:
        raise InvalidRequest(Fault("to", "inconsistent", "Give to as a time after from."))
    if request.to - request.from_ > LONGEST:
        raise InvalidRequest(Fault("to", "too_long", f"Give to as at most {LONGEST.days} days after from."))
