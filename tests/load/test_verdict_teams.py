"""The verdict sees each fault that is planted in visits of crews and of buildings, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scripts.load.rules.evidence import Evidence, at_version, claims_of
from tests.load.planted import GRID_SECONDS, answer, booked, document, evidence, slot
from tests.load.planted_acts import begin, step
from tests.load.test_verdict import broken

UNITS = {"house": ("flat-1", "flat-2")}


def crew_slot(*crew: str, minutes: int = 600, site: str = "p0") -> dict[str, Any]:
    return slot(minutes, site=site, who=crew[0]) | {"technician_ids": [*crew]}


def claimed(booking: dict[str, Any]) -> dict[str, Any]:
    """The booking with the claims that its visit must have."""
    claims = sorted(claims_of(booking, GRID_SECONDS, UNITS))
    return booking | {"claims": [{"resource": resource, "tick": tick} for resource, tick in claims]}


def run_of(*visits: dict[str, Any], asked: dict[str, Any] | None = None) -> Evidence:
    """Each visit booked directly, as it was asked for."""
    exchanges = [booked(str(number), visit, by_hold=False, at=2.0 + number) for number, visit in enumerate(visits)]
    if asked is not None:
        exchanges = [replace(each, asked=asked) for each in exchanges]
    for each in exchanges:
        each.reply["version"] = 1
    run = evidence(exchanges, [])
    run.units = UNITS
    run.bookings = [claimed(document(str(number), visit, name="direct")) for number, visit in enumerate(visits)]
    run.marks = None
    return run


def unclaim(run: Evidence, number: int, resource: str) -> None:
    run.bookings[number]["claims"] = [each for each in run.bookings[number]["claims"] if each["resource"] != resource]


PAIR, HOUSE = crew_slot("t0", "t1"), slot(600, site="house")


@pytest.mark.parametrize(
    "visits",
    [
        (PAIR, crew_slot("t2", "t3", site="p1")),
        (HOUSE, slot(600, site="p1", who="t1")),
        (PAIR, crew_slot("t1", minutes=660)),
    ],
    ids=["two crews", "a building and a house", "one member afterwards"],
)
def test_visits_that_do_not_meet_break_no_rule(visits: tuple[dict[str, Any], ...]) -> None:
    assert broken(run_of(*visits)) == set()


@pytest.mark.parametrize(
    ("other", "resource"),
    [
        (crew_slot("t2", "t1", site="p1"), "technician:t1"),
        (slot(600, site="p1", who="t1"), "technician:t1"),
    ],
    ids=["two crews", "a crew and one alone"],
)
def test_a_member_of_two_crews_at_once_is_found(other: dict[str, Any], resource: str) -> None:
    run = run_of(PAIR, other)
    assert {"one booking per claim", "one visit at a time"} <= broken(run)
    unclaim(run, 0, resource)
    assert {"claims complete", "one visit at a time"} <= broken(run)


def test_a_building_beside_its_unit_is_found() -> None:
    run = run_of(HOUSE, slot(615, site="flat-2", who="t1"))
    assert {"one booking per claim", "one visit at a time"} <= broken(run)
    unclaim(run, 0, "property:flat-2")
    assert {"claims complete", "one visit at a time"} <= broken(run)


ANY = {name: value for name, value in slot().items() if name != "technician_id"}


@pytest.mark.parametrize(
    "asked",
    [ANY | {"technician_ids": ["t0", "t2"]}, ANY | {"technician_ids": ["t0"]}, ANY | {"technicians": 3}],
    ids=["another crew", "one alone", "three"],
)
def test_another_crew_than_was_asked_for_is_found(asked: dict[str, Any]) -> None:
    assert "nothing unasked" in broken(run_of(PAIR, asked=asked))


def test_any_two_are_what_was_asked_for() -> None:
    assert broken(run_of(PAIR, asked=ANY | {"technicians": 2})) == set()


def test_a_grant_of_a_member_who_is_held_elsewhere_is_found() -> None:
    hold = crew_slot("t1", "t2", site="p1")
    run = run_of(PAIR)
    run.exchanges.append(answer("9:hold", hold, at=3.0, hold_id="hold-9", ttl_seconds=300, **hold))
    assert "holds protect" in broken(run)


def test_a_booking_at_an_earlier_version_has_the_crew_of_that_time() -> None:
    entry = step("move", 3.0, technician_id=("t0", "t2"), technician_ids=(["t0", "t1"], ["t2"]))
    later = step("move", 4.0, technician_id=("t2", "t3"))
    made = begin(document("0", PAIR, name="direct"))
    booking = made | {"version": 3, "technician_id": "t3", "technician_ids": ["t3"]}
    booking["history"] = [*made["history"], entry, later]
    assert [at_version(booking, number)["technician_ids"] for number in (1, 2, 3)] == [["t0", "t1"], ["t2"], ["t3"]]
