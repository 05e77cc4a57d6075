"""The visits of a series that follow are changed or cancelled one by one, within the time of one request."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from models.catalogue import PropertyPatch
from models.series import SeriesCancel, SeriesPatch
from services.stores.faults import last_start
from tests.bookings.moving import check_settled
from tests.series.making import booked, make, start
from tests.world import World, rfc3339, tomorrow


def change(world: World, series_id: str, **fields: Any) -> Any:
    given = SeriesPatch.model_validate({"from": rfc3339(start(0))} | fields)
    return world.services.series_desk.change(world.caller("desk"), series_id, given)


def test_each_visit_keeps_its_date_and_gets_its_time_by_the_local_clock(world: World) -> None:
    """Over a change of the clocks the same local time is another one in UTC."""
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(timezone="Europe/Copenhagen"))
    year = tomorrow().year + 1
    fields = {"start": f"{year}-03-01T10:00:00+01:00", "rrule": "FREQ=MONTHLY;COUNT=3", "override": ["horizon"]}
    made = make(world.services, world.caller("desk"), **fields)
    followed = change(world, made.series_id, time="09:15", override=["horizon"])
    assert [f"{each.start:%m-%d %H:%M}" for each in followed.done] == ["03-01 08:15", "04-01 07:15", "05-01 07:15"]
    assert followed.left == []
    check_settled(world)


def test_a_visit_at_a_time_that_clocks_skip_is_left(world: World) -> None:
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(timezone="Europe/Copenhagen"))
    year = tomorrow().year + 1
    sunday = max(day for day in range(25, 32) if datetime(year, 3, day).weekday() == 6)  # noqa: DTZ001
    fields = {
        "start": f"{year}-03-{sunday - 1}T10:00:00+01:00",
        "rrule": "FREQ=DAILY;COUNT=3",
        "override": ["horizon"],
    }
    made = make(world.services, world.caller("desk"), **fields)
    followed = change(world, made.series_id, time="02:30", override=["horizon"])
    assert [each.start.day - sunday for each in followed.done] == [-1, 1]
    assert [each.code for each in followed.left] == ["outside_working_hours"]


def test_a_bare_date_is_the_first_instant_of_that_local_date(world: World) -> None:
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(timezone="Pacific/Auckland"))
    made = make(world.services, world.caller("desk"), rrule="FREQ=DAILY;COUNT=4", start=rfc3339(start(0, 12)))
    days = [(each.start + timedelta(hours=13)).date() for each in made.bookings]  # at noon UTC it is the next day there
    given = SeriesCancel.model_validate({"from": days[2].isoformat()})
    followed = world.services.series_desk.cancel(world.caller("desk"), made.series_id, given)
    assert [each.booking_id for each in followed.done] == [each.booking_id for each in made.bookings[2:]]
    check_settled(world)


def test_visits_for_which_there_is_no_time_are_left_to_a_repeat(world: World) -> None:
    made = make(world.services, world.caller("desk"))
    over = last_start.set(monotonic() - 1)
    try:
        followed = change(world, made.series_id, time="14:00")
    finally:
        last_start.reset(over)
    assert (followed.done, {each.code for each in followed.left}) == ([], {"store_unavailable"})
    assert change(world, made.series_id, time="14:00").left == []
    assert {each.start.hour for each in booked(world)} == {14}


def test_only_active_visits_are_changed(world: World) -> None:
    bob, life = world.caller("desk"), world.services.booking_life
    made = make(world.services, bob)
    life.act(bob, made.bookings[1].booking_id, "cancel")
    followed = change(world, made.series_id, priority="high")
    assert [each.booking_id for each in followed.done] == [made.bookings[index].booking_id for index in (0, 2, 3)]
    assert followed.left == []
