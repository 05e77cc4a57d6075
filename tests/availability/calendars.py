"""Random calendars near clock changes, and a slow, literal reading of the rules to compare the fast code with.

The literal reading checks every minute by itself, with the local clock that zoneinfo gives for it. It shares no
arithmetic with the code that it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from models.catalogue import Away, Policy, Property, Technician
from models.service import Service
from models.working_hours import WEEKDAYS
from services.timetable.grid import Grid
from tests.calendars.calendar_world import Board, Calendar, Shelf

MINUTE = timedelta(minutes=1)

# Zones, each with a date near which its clocks change.
CHANGES = [
    ("UTC", date(2026, 12, 31)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("America/Havana", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kolkata", date(2026, 6, 1)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
]
ZONES = sorted({zone for zone, _ in CHANGES})

CLOCKS = st.sampled_from(
    [0, 60, 90, 120, 125, 150, 180, 187, 480, 600, 720, 725, 780, 1020, 1260, 1380, 1410, 1425, 1440]
)


@dataclass
class Scene:
    """A calendar, and the dates, technicians, service and lengths of a query. named: all of these come; else any
    `needed`."""

    calendar: Calendar
    first: date
    days: int
    named: list[str]
    needed: int
    service_id: str | None = None
    query: dict[str, int] = field(default_factory=dict)

    @property
    def team(self) -> dict[str, Any]:
        """The technicians, as a request names them."""
        return {"technician_ids": self.named} if self.named else {"technicians": self.needed}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def shifts(draw: st.DrawFn, clocks: st.SearchStrategy[int] = CLOCKS, fewest: int = 0) -> list[list[str]]:
    """Shifts of one weekday that do not overlap. clocks: in minutes; fewest: the least number of different clocks."""
    edges = sorted(draw(st.sets(clocks, min_size=fewest, max_size=6)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    if draw(st.booleans()):
        pairs = list(pairwise(edges))  # shifts that touch
    return [[_clock(begin), _clock(end)] for begin, end in pairs]


def _hours() -> st.SearchStrategy[dict[str, list[list[str]]] | None]:
    week = st.fixed_dictionaries({day: shifts() for day in WEEKDAYS})
    all_day: dict[str, list[list[str]]] = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
    return st.one_of(st.none(), st.just(all_day), week, week, week)


_WORDS = st.lists(st.sampled_from(["a", "A", "b"]), max_size=2)
"""Areas or skills. The property and the services have `a`, or none."""
_SERVICES = [
    Service(id="plain", name="For everybody", duration_minutes=60),
    Service(id="skilled", name="For some", duration_minutes=60, skill="a"),
]


@st.composite
def _technician(draw: st.DrawFn, number: int, zone: str, around: datetime) -> Technician:
    away = draw(st.lists(st.tuples(st.integers(-1500, 4500), st.integers(1, 600)), max_size=2))
    return Technician(
        id=f"tech-{number}",
        name="Somebody",
        timezone=draw(st.sampled_from([zone] * 20 + ZONES)),
        status=draw(st.sampled_from(["available"] * 4 + ["unavailable"])),
        areas=draw(_WORDS),
        skills=draw(_WORDS),
        working_hours=draw(_hours()),
        time_off=[
            Away(start=around + begin * MINUTE, end=around + (begin + length) * MINUTE) for begin, length in away
        ],
    )


@st.composite
def _board(draw: st.DrawFn, people: int, units: list[str], grid: Grid, around: datetime) -> Board:
    board = Board()
    names = [
        *(f"property:{name}" for name in ("prop-1", *units)),
        *(f"technician:tech-{number}" for number in range(1, people + 1)),
    ]
    spans = st.tuples(
        st.sampled_from(names), st.integers(-1500, 4500), st.integers(1, 300), st.sampled_from(["held", "booked"])
    )
    first = grid.tick(around)
    for name, begin, length, state in draw(st.lists(spans, max_size=12)):
        start = first + begin // grid.minutes
        board.mark(name, range(start, start + -(-length // grid.minutes)), state)
    return board


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """A property near a clock change, up to three technicians, some rules, some marks, and a present moment."""
    zone, change = draw(st.sampled_from(CHANGES))
    grid = Grid(draw(st.sampled_from([15, 15, 5])))
    first = change + timedelta(days=draw(st.integers(-1, 1)))
    around = datetime(first.year, first.month, first.day, tzinfo=UTC)
    people = draw(st.sampled_from([1, 1, 2, 3]))
    units = draw(st.sampled_from([[], [], ["flat-1"], ["flat-1", "flat-2"]]))
    policy = Policy(
        min_lead_minutes=draw(st.sampled_from([0, 0, 7, 60, 600])),
        horizon_days=draw(st.sampled_from([1, 2, 90])),
        blackout_dates=draw(st.lists(st.sampled_from([change + timedelta(days=n) for n in (-1, 0, 1, 2)]), max_size=1)),
    )
    steps = st.integers(0, 8)
    query = {
        "duration_minutes": grid.minutes * draw(st.integers(1, 12)),
        "buffer_before_minutes": grid.minutes * draw(steps),
        "buffer_after_minutes": grid.minutes * draw(steps),
    }
    shelf = Shelf(
        policy_=policy,
        site=Property(
            id="prop-1",
            name="House",
            timezone=zone,
            area=draw(st.sampled_from([None, None, "a"])),
            status=draw(st.sampled_from(["available"] * 9 + ["unavailable"])),
        ),
        services=_SERVICES,
        people=[draw(_technician(number, zone, around)) for number in range(1, people + 1)],
        units=tuple(units),
    )
    board = draw(_board(people, units, grid, around))
    now = around - timedelta(minutes=draw(st.integers(-900, 2000)), seconds=draw(st.sampled_from([0, 1])))
    everybody = [f"tech-{number}" for number in range(1, people + 1)]
    named = draw(st.sampled_from([[], [], *([each] for each in everybody), everybody[:2], everybody[::-1]]))
    needed = len(named) or draw(st.sampled_from([1, 1, 2]))
    service = draw(st.sampled_from([None, "plain", "skilled", "skilled"]))
    return Scene(Calendar(shelf, board, now, grid), first, draw(st.integers(1, 2)), named, needed, service, query)


@lru_cache(maxsize=100_000)
def local_clock(minute: int, zone: str) -> datetime:
    """The local wall clock, without a zone, this many minutes after the start of 1970 in UTC."""
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=2_000)
def minutes_of(day: date, zone: str) -> list[tuple[int, int]]:
    """Every minute of a local date, with the time of day that its clock shows, in minutes."""
    middle = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()) // 60
    shown = ((minute, local_clock(minute, zone)) for minute in range(middle - 40 * 60, middle + 40 * 60))
    return [(minute, clock.hour * 60 + clock.minute) for minute, clock in shown if clock.date() == day]


def worked_minutes(someone: Technician, day: date) -> set[int]:
    """The minutes of a local date that are in a technician's shifts.

    A shift begins at the first minute whose clock shows its begin or later. It ends at the last minute whose clock
    shows its end or earlier, and includes that minute if the clock shows earlier.
    """
    worked: set[int] = set()
    for begin, end in (someone.working_hours or {}).get(WEEKDAYS[day.weekday()], []):
        (first, last) = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (begin, end))
        began = [minute for minute, shown in minutes_of(day, someone.timezone) if shown >= first]
        not_over = [(minute, shown) for minute, shown in minutes_of(day, someone.timezone) if shown <= last]
        if began and not_over:
            minute, shown = not_over[-1]
            worked |= set(range(began[0], minute + (shown < last)))
    return worked


class Literal:
    """The rules, read minute by minute for one scene."""

    def __init__(self, scene: Scene) -> None:
        self.calendar = scene.calendar
        self.named, self.needed = scene.named, scene.needed
        self.skilled = scene.service_id == "skilled"
        self.length, self.before, self.after = scene.query.values()
        self._worked: dict[tuple[str, date], set[int]] = {}

    def fits(self, start: datetime) -> list[str]:
        """The technicians whom the rules alone allow at a start."""
        shelf, end = self.calendar.shelf, start + self.length * MINUTE
        soonest = self.calendar.now + shelf.policy_.min_lead_minutes * MINUTE
        latest = self.calendar.now + timedelta(days=shelf.policy_.horizon_days)
        if shelf.site.status != "available" or not soonest <= start <= latest:
            return []
        dates = {local_clock(minute, shelf.site.timezone).date() for minute in _minutes(start, end)}
        if dates & set(shelf.policy_.blackout_dates):
            return []
        known = {each.id: each for each in shelf.people}
        comes = [each for each in self.named or known if self._comes(known[each], start, end)]
        return comes if len(comes) >= self.needed else []

    def _comes(self, someone: Technician, start: datetime, end: datetime) -> bool:
        if someone.status != "available" or not self._may_go(someone):
            return False
        out, back = start - self.before * MINUTE, end + self.after * MINUTE
        if any(off.start < back and out < off.end for off in someone.time_off):
            return False
        return someone.working_hours is None or all(self._works(someone, minute) for minute in _minutes(start, end))

    def _may_go(self, someone: Technician) -> bool:
        """The property's area and the service's skill are `a` or none."""
        covers = not someone.areas or "a" in someone.areas or self.calendar.shelf.site.area is None
        return covers and (not someone.skills or "a" in someone.skills or not self.skilled)

    def _works(self, someone: Technician, minute: int) -> bool:
        day = local_clock(minute, someone.timezone).date()
        key = (someone.id, day)
        if key not in self._worked:
            self._worked[key] = worked_minutes(someone, day)
        return minute in self._worked[key]

    def state(self, start: datetime) -> tuple[str, list[str]]:
        """The state of a slot, and the technicians who are free for it."""
        fits = self.fits(start)
        if not fits:
            return "closed", []
        obstacles = {each: self._obstacles(each, start) for each in fits}
        free = [each for each in fits if not obstacles[each]]
        if len(free) >= self.needed:
            return "free", free
        waiting_helps = sum(found <= {"held"} for found in obstacles.values()) >= self.needed
        return ("held" if waiting_helps else "booked"), []

    def _obstacles(self, technician_id: str, start: datetime) -> set[str]:
        grid, marks = self.calendar.grid, self.calendar.board.marks
        end = start + self.length * MINUTE
        visit = range(grid.tick(start), grid.tick(end))
        travel = range(grid.tick(start - self.before * MINUTE), grid.tick(end + self.after * MINUTE))
        places = ("prop-1", *self.calendar.shelf.units)
        claims: list[Any] = [(f"property:{place}", tick) for place in places for tick in visit]
        claims += [(f"technician:{technician_id}", tick) for tick in travel]
        return {marks[claim] for claim in claims if claim in marks}


def _minutes(start: datetime, end: datetime) -> range:
    return range(int(start.timestamp()) // 60, int(end.timestamp()) // 60)
