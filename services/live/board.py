"""A day board: technicians, visits and live holds over some days, and the live event from which to follow them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from models.access import Caller
from models.booking import Booking
from models.booking_lists import BookingQuery
from models.catalogue import Policy, Technician
from models.errors import Fault, InvalidRequest
from models.hold import Hold, HoldsQuery
from models.live import BoardProperty, BoardQuery, BoardTechnician, ClosedSpan
from services.bookings.changes import BookingLife
from services.catalogue.editor import CatalogueDesk
from services.catalogue.local_days import LocalDays
from services.claims.live_events import LiveEvents
from services.holds.listing import HoldList
from services.stores.pages import LARGEST_PAGE
from services.timetable.grid import Grid, Span, ones, spans_in
from services.timetable.working_hours import Timetable

AT_A_TIME: Final = 1_000
"""Visits that one query reads; a busy month of fifty technicians has twelve thousand."""
LONGEST: Final = timedelta(days=31)
CLOCK_STEP: Final = timedelta(hours=2)
"""Thirty-one local dates may be longer than 31 times 24 hours where clocks go back."""


@dataclass(frozen=True, slots=True)
class Board:
    """stream_id: the newest live event before all the rest was read."""

    stream_id: str
    timezone: str
    technicians: list[BoardTechnician]
    properties: list[BoardProperty]
    visits: list[Booking]
    holds: list[Hold]


class Boards:
    """Reads boards. Everything may raise StoreUnavailable."""

    def __init__(
        self,
        *,
        events: LiveEvents,
        catalogue: CatalogueDesk,
        bookings: BookingLife,
        holds: HoldList,
        grid: Grid,
    ) -> None:
        self._events = events
        self._catalogue = catalogue
        self._days = LocalDays(catalogue)
        self._bookings = bookings
        self._holds = holds
        self._grid = grid
        self._timetable = Timetable(grid)

    def read(self, caller: Caller, query: BoardQuery) -> Board:
        """Raises InvalidRequest for a time that is too long, or none."""
        query = self._days.in_utc(caller.org, query)
        if not timedelta() < query.to - query.from_ <= LONGEST + CLOCK_STEP:
            raise InvalidRequest(Fault("to", "bad_span", "Give a time to that is after from, by at most 31 days."))
        stream_id = self._events.newest(caller.org)  # first, so that nothing after it is missed
        policy = self._catalogue.get_policy(caller.org)
        visits, holds = self._visits(caller, query), self._live_holds(caller, query)
        return Board(
            stream_id,
            policy.timezone,
            self._technicians(caller.org, query, policy),
            self._properties(caller.org, {each.property_id for each in visits} | {each.property_id for each in holds}),
            visits,
            holds,
        )

    def _properties(self, org: str, ids: Set[str]) -> list[BoardProperty]:
        found, buildings = self._catalogue.properties(org, ids)
        return [
            BoardProperty(
                id=each.id, name=each.name, address=each.address, timezone=each.timezone, has_units=each.id in buildings
            )
            for each in found
        ]

    def _technicians(self, org: str, query: BoardQuery, policy: Policy) -> list[BoardTechnician]:
        span = self._grid.tick(query.from_), self._grid.tick_from(query.to)
        found: list[BoardTechnician] = []
        cursor: str | None = None
        while True:
            page, cursor = self._catalogue.list_technicians(org, LARGEST_PAGE, cursor)
            found += [self._technician(who, policy, span) for who in page]
            if cursor is None:
                return found

    def _technician(self, who: Technician, policy: Policy, span: Span) -> BoardTechnician:
        closed = self._closed(who, policy, span)
        return BoardTechnician(id=who.id, name=who.name, areas=who.areas, skills=who.skills, closed=closed)

    def _closed(self, who: Technician, policy: Policy, span: Span) -> list[ClosedSpan]:
        timetable, everything = self._timetable, ones(span[1] - span[0])
        closed = everything
        if who.status == "available":
            closed &= ~timetable.open_ticks(who, *span) | timetable.away_ticks(who, *span)
            closed |= timetable.blackout_ticks(policy, policy.timezone, *span)
        moment = self._grid.moment
        return [ClosedSpan(start=moment(start), end=moment(end)) for start, end in spans_in(closed, span[0])]

    def _visits(self, caller: Caller, query: BoardQuery) -> list[Booking]:
        asked = BookingQuery.model_construct(
            **BookingQuery().model_dump()
            | {"from_": query.from_, "to": query.to, "overlapping": True, "limit": AT_A_TIME}
        )
        found: list[Booking] = []
        while True:
            page, cursor = self._bookings.page(caller, asked)
            found += page
            if cursor is None:
                return found
            asked = asked.model_copy(update={"cursor": cursor})

    def _live_holds(self, caller: Caller, query: BoardQuery) -> list[Hold]:
        asked = HoldsQuery.model_construct(
            **HoldsQuery().model_dump() | {"from_": query.from_, "to": query.to, "limit": AT_A_TIME}
        )
        found: dict[str, Hold] = {}
        while True:
            page, cursor = self._holds.page(caller, asked)
            found |= {hold.hold_id: hold for hold in page}
            if cursor is None:
                return list(found.values())
            asked = asked.model_copy(update={"cursor": cursor})
