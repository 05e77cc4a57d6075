"""Free visits in place of a wished one, spread; and the first ones within a window."""

from __future__ import annotations

import pytest

from models.catalogue import Policy
from models.slot import Opening
from tests.availability.test_slots import DAY, FIRST, PLACE, SECOND, calendar, two_people
from tests.calendars.calendar_world import ORG, house, technician, utc


def test_openings_do_not_overlap_and_begin_an_hour_apart() -> None:
    shown = two_people()
    shown.board.mark(PLACE, shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00"), "held")
    shown.board.mark(FIRST, shown.ticks(f"{DAY}T11:00", f"{DAY}T11:15"), "booked")
    found = shown.availability.openings(ORG, shown.wish(f"{DAY}T10:00", None), 3)
    assert found == [
        Opening(utc(f"{DAY}T11:00"), utc(f"{DAY}T12:00"), "tech-2"),
        Opening(utc(f"{DAY}T12:00"), utc(f"{DAY}T13:00"), "tech-1"),
        Opening(utc(f"{DAY}T13:00"), utc(f"{DAY}T14:00"), "tech-1"),
    ]
    for minutes, starts in ((15, ["11:15", "12:15", "13:15"]), (150, ["11:15", "13:45", "16:15"])):
        wish = shown.wish(f"{DAY}T10:00", "tech-1", duration_minutes=minutes)
        found = shown.availability.openings(ORG, wish, 3)
        assert [f"{opening.start:%H:%M}" for opening in found] == starts


def test_other_technicians_at_the_wished_start_come_first() -> None:
    shown = calendar(people=[technician(number) for number in (1, 2, 3, 4)])
    ten = shown.ticks(f"{DAY}T10:00", f"{DAY}T11:00")
    shown.board.mark("technician:tech-2", ten, "booked")
    shown.board.mark("technician:tech-3", ten[:1], "held")
    found = shown.availability.openings(ORG, shown.wish(f"{DAY}T10:00", "tech-2"), 3)
    assert [(f"{opening.start:%H:%M}", opening.technician_id) for opening in found] == [
        ("10:00", "tech-1"),
        ("10:00", "tech-4"),
        ("11:00", "tech-2"),
    ]


def test_where_the_property_is_taken_no_other_technician_helps() -> None:
    shown = two_people()
    shown.board.mark(PLACE, shown.ticks(f"{DAY}T10:00", f"{DAY}T10:30"), "booked")
    (found,) = shown.availability.openings(ORG, shown.wish(f"{DAY}T10:00", "tech-2"), 1)
    assert (found.start, found.technician_id) == (utc(f"{DAY}T10:30"), "tech-2")


def test_later_starts_are_those_of_the_wished_technician() -> None:
    shown = two_people()
    shown.board.mark(PLACE, shown.ticks(f"{DAY}T10:00", f"{DAY}T10:15"), "booked")
    shown.board.mark(SECOND, shown.ticks(f"{DAY}T10:00", f"{DAY}T10:30"), "booked")
    (found,) = shown.availability.openings(ORG, shown.wish(f"{DAY}T10:00", "tech-2"), 1)
    assert (found.start, found.technician_id) == (utc(f"{DAY}T10:30"), "tech-2")


def test_the_search_goes_on_to_other_days_and_stops_when_it_has_enough() -> None:
    shown = calendar(people=[technician(working_hours={"mon": [["10:00", "12:15"]], "tue": [["09:00", "10:00"]]})])
    found = shown.availability.openings(ORG, shown.wish(f"{DAY}T10:00"), 2)
    assert [opening.start for opening in found] == [utc("2026-12-07T10:00"), utc("2026-12-07T11:00")]
    assert len(shown.board.reads) == 1
    found = shown.availability.openings(ORG, shown.wish(f"{DAY}T10:00"), 5)
    assert [opening.start for opening in found][2:] == [utc("2026-12-08T09:00")]


def test_the_search_ends_after_seven_local_dates() -> None:
    shown = calendar(people=[technician(working_hours={"sat": [["00:00", "10:00"]]})])
    assert shown.availability.openings(ORG, shown.wish(f"{DAY}T10:00"), 5) == []
    assert len(shown.availability.openings(ORG, shown.wish("2026-12-06T00:00"), 5)) == 5


@pytest.mark.parametrize(
    ("hours", "starts"),
    [
        ((), ["00:00", "00:15", "00:30"]),
        ([["08:00", "17:00"]], ["07:00", "07:15", "07:30"]),
        ([["13:00", "14:15"], ["20:00", "24:00"]], ["12:00", "12:15", "19:00"]),
        ([["13:00", "13:45"]], []),
        ([["13:00", "13:30"], ["13:30", "14:00"]], ["12:00"]),
    ],
)
def test_first_openings_may_lie_within_hours_by_the_propertys_clock(hours: list[list[str]], starts: list[str]) -> None:
    shown = calendar(site=house("Europe/Paris"), people=[technician(1), technician(2)])
    until = shown.grid.tick(utc("2026-12-05T23:00"))
    found = shown.availability.first_openings(ORG, shown.wish(f"{DAY}T00:00", None), until, 3, hours)
    assert [f"{opening.start:%H:%M}" for opening in found] == starts


def test_a_wish_past_the_horizon_reads_nothing() -> None:
    shown = calendar(policy_=Policy(horizon_days=1))
    assert shown.availability.openings(ORG, shown.wish("2026-12-20T10:00"), 5) == []
    assert shown.board.reads == []
