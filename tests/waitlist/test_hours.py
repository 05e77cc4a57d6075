"""Entries with hours of the day: the offer lies within them, by the clock of the property."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.catalogue import PropertyPatch
from models.errors import InvalidRequest, SlotAvailable
from models.waitlist import WaitEntry, WaitQuery
from services.waitlist.store import WaitlistStore
from tests.waitlist.waiting import give_back, join, noted, request, seen, take, tend
from tests.world import World, tomorrow

TOKYO = "Asia/Tokyo"
OFFICE = [["08:00", "17:00"]]


def waits(world: World, hours: list[list[str]] | None, days: int = 1, **changed: Any) -> WaitEntry:
    return join(world, begin=tomorrow(0), end=tomorrow(0) + timedelta(days=days), hours=hours, **changed)


def local_hour(entry: WaitEntry, zone: str = "UTC") -> str:
    assert entry.start is not None
    return f"{entry.start.astimezone(ZoneInfo(zone)):%H:%M}"


def test_nobody_who_names_hours_is_offered_midnight(world: World) -> None:
    anywhere, office = waits(world, None), waits(world, OFFICE)
    tend(world)
    assert (local_hour(seen(world, anywhere)), local_hour(seen(world, office))) == ("00:00", "08:00")


def test_the_hours_are_those_of_the_propertys_clock(world: World) -> None:
    world.services.catalogue_desk.patch_property(world.org, "prop-1", PropertyPatch(timezone=TOKYO))
    entry = waits(world, [["13:15", "15:00"]])
    tend(world)
    offered = seen(world, entry)
    assert (offered.status, local_hour(offered, TOKYO)) == ("offered", "13:15")


def test_a_visit_lies_within_the_hours_wholly(world: World) -> None:
    """From 09:00 to 10:30 only 09:00 to 09:30 are starts of an hour, and these are taken."""
    taken = take(world, 9)
    entry = waits(world, [["09:00", "10:30"], ["20:00", "24:00"]])
    tend(world)
    assert local_hour(seen(world, entry)) == "20:00"
    give_back(world, taken)


def test_with_nothing_free_within_the_hours_it_waits_until_something_is(world: World) -> None:
    taken = take(world, 10)
    entry = waits(world, [["10:00", "11:00"]])
    tend(world)
    assert seen(world, entry).status == "waiting"
    give_back(world, taken)
    tend(world)
    assert local_hour(seen(world, entry)) == "10:00"


def test_entries_that_differ_in_their_hours_are_each_searched_for(world: World) -> None:
    take(world, 10)
    first, second = waits(world, [["10:00", "11:00"]]), waits(world, [["12:00", "13:00"]])
    tend(world)
    assert (seen(world, first).status, seen(world, second).status) == ("waiting", "offered")


def test_a_stranger_hears_of_what_is_free_within_the_hours(world: World) -> None:
    alice = world.caller("checkout")
    wish = request(tomorrow(0), tomorrow(0) + timedelta(days=1), hours=[["10:00", "11:00"]])
    with pytest.raises(SlotAvailable) as refused:
        world.services.waitlist.join(alice, wish)
    assert [opening.start for opening in refused.value.members["next_available"]] == [tomorrow(10)]
    take(world, 10)
    assert world.services.waitlist.join(alice, wish).entry.status == "waiting"


@pytest.mark.parametrize("hours", [[["10:00", "10:45"]], [["20:00", "22:00"]]])
def test_hours_in_which_no_visit_fits_are_a_fault(world: World, hours: list[list[str]]) -> None:
    """Too short for an hour, or outside of the window."""
    with pytest.raises(InvalidRequest) as refused:
        join(world, begin=tomorrow(9), end=tomorrow(18), hours=hours)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("hours", "no_visit_fits")]


def test_hours_are_kept_and_listed(world: World) -> None:
    entry, without = waits(world, OFFICE), waits(world, None)
    assert (noted(world, entry)["hours"], noted(world, without)["hours"]) == (OFFICE, [])
    found, _ = WaitlistStore(world.services.db).page(world.org, WaitQuery())
    assert [each.hours for each in found] == [OFFICE, []]


def test_an_entry_of_an_earlier_release_may_lie_at_any_hour(world: World) -> None:
    entry = waits(world, None)
    world.services.db["waitlist"].update_one({"_id": entry.waitlist_id}, {"$unset": {"hours": ""}})
    tend(world)
    assert local_hour(seen(world, entry)) == "00:00"
