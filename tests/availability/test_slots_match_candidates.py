"""Availability shows for each slot what a hold of it would meet, and what a literal reading of the rules says."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings

from models.errors import NoSlotAvailable, Refusal, TechnicianNotFound
from models.slot import Visit, Wish
from services.timetable.grid import local_day
from tests.availability.calendars import Literal, Scene, local_clock, scenes
from tests.calendars.calendar_world import ORG

UNHURRIED = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def shown(scene: Scene) -> list[Any]:
    asked = {**scene.team, "service_id": scene.service_id, **scene.query}
    return scene.calendar.days(scene.first, days=scene.days, **asked)


def wish_at(scene: Scene, start: int, *, fallback: bool = False) -> Wish:
    ticks = [scene.calendar.grid.ticks(minutes) for minutes in scene.query.values()]
    named = tuple(scene.named)
    about: dict[str, Any] = {"needed": scene.needed, "service_id": scene.service_id}
    return Wish("prop-1", named, start, *ticks, fallback=fallback, **about)


def candidates(scene: Scene, start: int) -> list[Visit]:
    """The visits that a plain hold would try; none if the rules refuse it."""
    try:
        return scene.calendar.candidates_for(wish_at(scene, start))
    except TechnicianNotFound:
        raise
    except Refusal:
        return []


def obstacles(scene: Scene, visit: Visit) -> set[str]:
    marks = scene.calendar.board.marks
    return {marks[claim] for claim in visit.claims() if claim in marks}


@UNHURRIED
@given(scene=scenes())
def test_a_slot_is_shown_as_a_hold_would_find_it(scene: Scene) -> None:
    for slot in shown(scene):
        tried = candidates(scene, scene.calendar.grid.tick(slot.start))
        assert (slot.state == "closed") == (not tried), slot
        met = [(visit.technician_ids, obstacles(scene, visit)) for visit in tried]
        assert set(slot.technician_ids) == {each for who, found in met if not found for each in who}, slot
        assert (slot.state == "free") == any(not found for _, found in met), slot
        if slot.state in ("held", "booked"):
            assert (slot.state == "held") == any(found == {"held"} for _, found in met), slot


@UNHURRIED
@given(scene=scenes())
def test_a_slot_is_shown_as_a_literal_reading_of_the_rules_says(scene: Scene) -> None:
    literal = Literal(scene)
    for slot in shown(scene):
        assert (slot.state, slot.technician_ids) == literal.state(slot.start), slot


@UNHURRIED
@given(scene=scenes())
def test_slots_are_the_ticks_that_begin_on_the_asked_dates(scene: Scene) -> None:
    grid, zone = scene.calendar.grid, scene.calendar.shelf.site.timezone
    asked = {scene.first.toordinal() + number for number in range(scene.days)}
    around = grid.tick(scene.calendar.now) - grid.ticks(5 * 1440)
    ticks = range(around, around + grid.ticks(10 * 1440))
    expected = [tick for tick in ticks if local_clock(tick * grid.minutes, zone).toordinal() in asked]
    assert [grid.tick(slot.start) for slot in shown(scene)] == expected


@UNHURRIED
@given(scene=scenes())
def test_a_search_tries_the_plain_candidates_of_the_rest_of_the_day_in_order(scene: Scene) -> None:
    slots = shown(scene)
    if not slots:
        return
    grid, zone = scene.calendar.grid, scene.calendar.shelf.site.timezone
    start = grid.tick(slots[len(slots) // 3].start)
    day = local_day(start, zone, grid)
    rest = [tick for tick in range(start, start + grid.ticks(1600)) if local_day(tick, zone, grid) == day]
    expected = [visit for tick in rest for visit in candidates(scene, tick)]
    try:
        found = scene.calendar.candidates_for(wish_at(scene, start, fallback=True))
    except NoSlotAvailable:
        found = []
    except Refusal:  # unavailable by status: no search can find a slot
        assert not expected
        return
    assert found == expected


@UNHURRIED
@given(scene=scenes())
def test_openings_are_free_and_begin_with_the_first_free_slot(scene: Scene) -> None:
    slots = shown(scene)
    if not slots:
        return
    begin = len(slots) // 3
    free = [(slot.start, slot.technician_ids[0]) for slot in slots[begin:] if slot.state == "free"]
    anybody = scene.calendar.days(
        scene.first, days=scene.days, technicians=scene.needed, service_id=scene.service_id, **scene.query
    )
    can_come = {slot.start: set(slot.technician_ids) for slot in anybody}
    wish = wish_at(scene, scene.calendar.grid.tick(slots[begin].start))
    found = scene.calendar.availability.openings(ORG, wish, 5)
    crews = [each.technician_ids or [each.technician_id] for each in found]
    for each, crew in zip(found, crews, strict=True):
        assert len(set(crew)) == scene.needed
        assert set(crew) <= can_come.get(each.start, set(crew))
    wished = [
        (each.start, each.technician_id)
        for each, crew in zip(found, crews, strict=True)
        if not scene.named or set(crew) == set(scene.named)
    ]
    assert wished[:1] == free[:1] or not free or len(found) > len(wished)
    assert set(wished) <= set(free) | {each for each in wished if each[0] > slots[-1].start}
    for one, other in pairwise(wished):
        assert other[0] - one[0] >= max(slots[0].end - slots[0].start, timedelta(hours=1))


@UNHURRIED
@given(scene=scenes())
def test_a_count_by_day_is_that_of_the_slots(scene: Scene) -> None:
    query = {**scene.query, **scene.team, "service_id": scene.service_id, "days": scene.days}
    try:
        counts = scene.calendar.counts(scene.first, **query)
    except Refusal:
        return
    zone = ZoneInfo(scene.calendar.shelf.site.timezone)
    free = [slot.start for slot in shown(scene) if slot.state == "free"]
    for day, count in counts.items():
        of_day = [start for start in free if start.astimezone(zone).date().isoformat() == day]
        assert (count["free"], count["first"]) == (len(of_day), of_day[0] if of_day else None)
