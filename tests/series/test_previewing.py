"""A dry run says of each visit what a booking of it would get at that moment: on real servers, visit by visit."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.access import Caller
from models.catalogue import PolicyPatch, PropertyPatch, TechnicianPatch
from models.errors import Refusal
from models.hold import HoldRequest
from models.series import SeriesOccurrence
from models.working_hours import WEEKDAYS
from services.availability import outlook
from tests.series.making import make, request
from tests.world import World, rfc3339, tomorrow

ZONE = "Europe/Copenhagen"
DAYS = 28
OFFICE: dict[str, Any] = {day: [["07:30", "12:00"], ["12:30", "22:00"]] for day in WEEKDAYS[:5]}
RULES = ("FREQ=DAILY;COUNT=20", "FREQ=WEEKLY;COUNT=6", "FREQ=DAILY;INTERVAL=3;COUNT=12", "FREQ=DAILY;COUNT=40")
OVERRIDES = ([], ["working_hours"], ["horizon", "eligibility"], ["blackout", "lead_time"], ["working_hours", "horizon"])


def furnish(world: World) -> None:
    """Gives the property a zone, the technicians hours and time off, and the policy a lead time and closed dates."""
    desk, away = world.services.catalogue_desk, tomorrow(14) + timedelta(days=4)
    desk.patch_property(world.org, "prop-1", PropertyPatch(timezone=ZONE, area="north"))
    desk.patch_technician(world.org, "tech-3", TechnicianPatch(areas=["south"]))
    hours = TechnicianPatch.model_validate({"working_hours": OFFICE, "timezone": "America/New_York"})
    desk.patch_technician(world.org, "tech-1", hours)
    off = {"start": rfc3339(away), "end": rfc3339(away + timedelta(days=5))}
    desk.patch_technician(world.org, "tech-2", TechnicianPatch.model_validate({"time_off": [off]}))
    closed = [(tomorrow() + timedelta(days=each)).date().isoformat() for each in (3, 9, 10)]
    policy = {"min_lead_minutes": 1500, "horizon_days": DAYS, "holds_per_holder": 1000, "blackout_dates": closed}
    desk.patch_policy(world.org, PolicyPatch.model_validate(policy))


def crowd(world: World, chance: random.Random, caller: Caller) -> None:
    """Places holds and bookings of other clients."""
    for number in range(150):
        start = tomorrow() + timedelta(hours=chance.choice([-2, 0, 1, 4]), days=chance.randrange(DAYS))
        fields = {
            "property_id": chance.choice(["prop-1", "prop-2", "prop-3"]),
            "technician_id": chance.choice(["tech-1", "tech-2", "tech-3"]),
            "start": rfc3339(start),
            "duration_minutes": chance.choice([15, 60, 120]),
        }
        try:
            if number % 2:
                world.services.bookings.book(caller, world.direct_request(**fields))
            else:
                world.services.holds.place(caller, HoldRequest.model_validate(fields))
        except Refusal:
            continue


def preview(world: World, **fields: Any) -> list[SeriesOccurrence]:
    return world.services.series_preview.preview(world.caller("desk"), request(**fields, dry_run=True))


def code_of_booking(world: World, start: datetime, fields: dict[str, Any]) -> str | None:
    """The code that a booking of one visit gets; None if it is made, and it is cancelled then."""
    bob = world.caller("desk")
    asked = {name: value for name, value in fields.items() if name != "rrule"}
    try:
        made = world.services.bookings.book(bob, world.direct_request(**asked | {"start": rfc3339(start)}))
    except Refusal as refusal:
        return refusal.code
    world.services.booking_life.act(bob, made.booking.booking_id, "cancel")
    return None


def a_visit_of_each_kind(world: World) -> dict[str, Any]:
    """A series that finds free slots, a booked one, and times beyond the horizon, on every day of the year.

    The booking is so long that a change of the clocks on the way to it does not matter.
    """
    start = tomorrow(18)
    booked = {"technician_id": "tech-2", "start": rfc3339(start + timedelta(hours=47)), "duration_minutes": 180}
    world.services.bookings.book(world.caller("desk"), world.direct_request(**booked))
    return {"start": rfc3339(start), "rrule": f"FREQ=DAILY;COUNT={DAYS + 12}", "technician_id": "tech-2"}


def a_series(chance: random.Random) -> dict[str, Any]:
    return {
        "start": rfc3339(tomorrow(chance.randrange(6, 20)) + timedelta(days=chance.randrange(3))),
        "rrule": chance.choice(RULES),
        "technician_id": chance.choice([None, "tech-1", "tech-2", "tech-3"]),
        "buffer_after_minutes": chance.choice([0, 30]),
        "override": chance.choice(OVERRIDES),
    }


@pytest.mark.parametrize("most", [outlook.RESOURCE_DAYS, 4], ids=["in one look", "in many looks"])
def test_each_visit_is_as_a_booking_of_it_would_find_it(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(outlook, "RESOURCE_DAYS", most)
    seed = random.randrange(10**6)
    chance, states = random.Random(seed), set[str]()
    furnish(world)
    asked = [a_visit_of_each_kind(world)] + [a_series(chance) for _ in range(11)]
    crowd(world, chance, world.caller("desk"))
    for fields in asked:
        for visit in preview(world, **fields):
            assert visit.code == code_of_booking(world, visit.start, fields), (seed, fields, visit)
            assert (visit.state == "free") == (visit.code is None), (seed, fields, visit)
            states.add(visit.code or visit.state)
    assert states >= {"free", "slot_booked", "too_far_ahead"}, (seed, states)


def test_what_is_offered_instead_can_be_booked(world: World) -> None:
    furnish(world)
    crowd(world, random.Random(4711), world.caller("desk"))
    fields = {"rrule": "FREQ=DAILY;COUNT=20", "override": ["lead_time"]}
    found = [visit for visit in preview(world, **fields) if visit.next_available]
    assert len(found) > 3
    for visit in found:
        (instead,) = visit.next_available or []
        other = {**fields, "technician_id": instead.technician_id}
        assert code_of_booking(world, instead.start, other) is None, visit


def test_a_visit_in_the_past_is_looked_at_too(world: World) -> None:
    yesterday = rfc3339(tomorrow() - timedelta(days=3))
    fields = {"start": yesterday, "rrule": "FREQ=DAILY;COUNT=6", "override": ["past"]}
    assert [visit.state for visit in preview(world, **fields)] == ["free"] * 6
    assert len(make(world.services, world.caller("desk"), **fields).bookings) == 6


def test_a_time_that_clocks_skip_is_closed_and_refused(world: World) -> None:
    """The horizon does not matter here: the next spring may be far ahead."""
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(timezone=ZONE))
    year = tomorrow().year + 1
    last_sunday = max(day for day in range(25, 32) if datetime(year, 3, day).weekday() == 6)  # noqa: DTZ001
    fields = {
        "start": f"{year}-03-{last_sunday - 1}T02:30:00+01:00",
        "rrule": "FREQ=DAILY;COUNT=3",
        "override": ["horizon"],
    }
    visits = preview(world, **fields)
    assert [visit.state for visit in visits] == ["free", "closed", "free"]
    assert visits[1].code == "outside_working_hours"
    bob = world.caller("desk")
    with pytest.raises(Refusal) as refused:
        make(world.services, bob, **fields)
    assert refused.value.detail.startswith("Clocks go forward")
    assert [each["start"] for each in refused.value.members["occurrences"]] == [visits[1].start]
    kept = [rfc3339(visit.start) for visit in visits if visit.state == "free"]
    assert len(make(world.services, bob, **fields, only=kept).bookings) == 2
