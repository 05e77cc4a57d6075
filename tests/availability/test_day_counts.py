"""How much is free on each day: the counts, the bound on what is read, and the ten seconds for which they are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.access import Role
from models.availability import DaysQuery
from models.errors import InvalidRequest, PropertyNotFound, StoreUnavailable
from services.availability.day_counts import MOST_LOOKS, RESOURCE_DAYS, DayCounts
from services.availability.reading import Readings
from services.availability.slots import Asked
from tests.calendars.calendar_world import ORG, Board, Calendar, Shelf, every_day, house, technician, utc

DAY = "2026-12-05"
DESK = Asked(Role.DESK)


def query(**changed: Any) -> DaysQuery:
    return DaysQuery.model_validate({"property_id": "prop-1", "from": DAY, "days": 62} | changed)


def counter(shown: Calendar) -> DayCounts:
    shelf, board = shown.shelf, shown.board
    readings = Readings(shelf, board, board, lambda: shown.now)  # type: ignore[arg-type]  # stubs
    return DayCounts(readings, shown.availability, shown.grid, lambda: shown.now)


def test_each_date_has_its_count_and_its_first_start() -> None:
    shown = Calendar(Shelf(people=[technician(working_hours=every_day(("08:00", "12:00")))]))
    shown.board.mark("property:prop-1", shown.ticks(f"{DAY}T08:00", f"{DAY}T10:30"), "booked")
    counts = shown.counts(DAY, days=3)
    assert counts[DAY] == {"date": utc(f"{DAY}T00:00").date(), "free": 3, "first": utc(f"{DAY}T10:30")}
    assert [count["free"] for count in counts.values()] == [3, 13, 13]


def test_a_date_with_nothing_free_has_no_first_start() -> None:
    shown = Calendar(Shelf(people=[technician(working_hours={"mon": [["08:00", "12:00"]]})]))
    assert shown.counts(DAY, days=1)[DAY] == {"date": utc(f"{DAY}T00:00").date(), "free": 0, "first": None}


def test_a_step_leaves_the_starts_at_its_multiples_by_the_local_clock() -> None:
    shown = Calendar(Shelf(site=house("Asia/Kolkata")))  # half an hour off the hours of UTC
    slots = shown.days(DAY, step_minutes=120)
    assert [f"{slot.start:%H:%M}" for slot in slots][:3] == ["18:30", "20:30", "22:30"]
    assert shown.counts(DAY, days=1, step_minutes=120)[DAY]["free"] == len(slots) == 12


def test_on_the_day_of_a_clock_change_the_clock_decides() -> None:
    shown = Calendar(Shelf(site=house("Europe/Berlin")), now=utc("2026-10-20T12:00"))
    slots = shown.days("2026-10-25", step_minutes=120)  # 25 hours: it is two o'clock twice
    assert [f"{slot.start:%H:%M}" for slot in slots][:4] == ["22:00", "00:00", "01:00", "03:00"]


def test_a_step_off_the_grid_is_a_fault() -> None:
    for days in (1, 62):
        with pytest.raises(InvalidRequest) as refused:
            counter(Calendar()).days(ORG, query(days=days, step_minutes=20), DESK)
        assert [(fault.field, fault.code) for fault in refused.value.faults] == [("step_minutes", "off_grid")]


def test_one_round_trip_for_the_property_and_one_for_technicians_who_are_free() -> None:
    shown = Calendar(Shelf(people=[technician(number) for number in range(300)]))
    counter(shown).days(ORG, query(), DESK)
    assert [len(resources) for resources, _, _ in shown.board.reads] == [1, RESOURCE_DAYS // 63]


def test_where_everybody_is_taken_the_looks_are_bounded() -> None:
    shown = Calendar(Shelf(people=[technician(number) for number in range(300)]))
    for number in range(300):
        shown.board.mark(f"technician:tech-{number}", shown.ticks(f"{DAY}T10:00", f"{DAY}T12:00"), "booked")
    last = "2027-02-04"
    for number in range(299):
        shown.board.mark(f"technician:tech-{number}", shown.ticks(f"{last}T10:00", f"{last}T12:00"), "booked")
    counts = shown.counts(DAY, days=62)
    reads = shown.board.reads
    assert len(reads) == 1 + MOST_LOOKS
    days = [(to_tick - from_tick) / 96 for _, from_tick, to_tick in reads]
    assert sum(len(reads[at][0]) * days[at] for at in range(1, len(reads))) <= MOST_LOOKS * RESOURCE_DAYS * 1.1
    assert counts[DAY]["free"] == 96 - 11


def test_days_that_are_settled_are_not_looked_at_again() -> None:
    shown = Calendar(Shelf(people=[technician(number) for number in range(200)]))
    for number in range(199):
        shown.board.mark(f"technician:tech-{number}", shown.ticks(f"{DAY}T10:00", f"{DAY}T12:00"), "booked")
    assert shown.counts(DAY, days=62)[DAY]["free"] == 96  # found at the last of them
    assert [len(resources) for resources, _, _ in shown.board.reads] == [1, 7, 193]


def test_an_answer_is_kept_for_ten_seconds_and_for_this_question_alone() -> None:
    shown = Calendar()
    counts = counter(shown)
    first = counts.days(ORG, query(), DESK)
    reads = len(shown.board.reads)
    shown.now += timedelta(seconds=9)
    assert counts.days(ORG, query(), DESK) is first
    assert len(shown.board.reads) == reads
    for other, asked in ((query(days=61), DESK), (query(), Asked(Role.CHECKOUT)), (query(), Asked(Role.DESK, "bk_1"))):
        counts.days(ORG, other, asked)
        assert len(shown.board.reads) > reads
        reads = len(shown.board.reads)
    shown.now += timedelta(seconds=1)
    assert counts.days(ORG, query(), DESK) is not first


def test_a_refusal_is_not_kept() -> None:
    class Away(Board):
        away = True

        def read_spans(self, *asked: Any) -> Any:
            if self.away:
                raise StoreUnavailable
            return super().read_spans(*asked)

    shown = Calendar(board=Away())
    counts = counter(shown)
    with pytest.raises(StoreUnavailable):
        counts.days(ORG, query(), DESK)
    Away.away = False
    assert counts.days(ORG, query(), DESK)["days"]
    with pytest.raises(PropertyNotFound):
        counts.days(ORG, query(property_id="prop-2"), DESK)
