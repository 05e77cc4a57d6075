"""Offers to entries of the publishable key: how long they last, and that full shares stop no other entry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.catalogue import PolicyPatch, PropertyCreate
from models.errors import TooManyHolds
from models.waitlist import WaitEntry
from services.holds.placing import Placing
from tests.bookings.evidence import lapse, record
from tests.waitlist.waiting import give_back, join, live_holds, request, seen, statuses, take, tend
from tests.world import World, name_of, rfc3339, tomorrow

HOURS = (9, 10, 11)


def set_policy(world: World, **changed: int | None) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate(changed))


def stranger_joins(world: World, hour: int, address: str = "203.0.113.7", **changed: Any) -> WaitEntry:
    """Somebody with the publishable key waits for this hour of tomorrow."""
    caller = replace(world.caller("checkout"), address=address)
    wish = request(tomorrow(hour), tomorrow(hour + 1), customer={"name": "A"}, **changed)
    return world.services.waitlist.join(caller, wish).entry


def take_all(world: World) -> list[str]:
    return [take(world, hour) for hour in HOURS]


def free_all(world: World, bookings: list[str]) -> None:
    for each in bookings:
        give_back(world, each)


def place(world: World, hour: int, address: str) -> str:
    caller = replace(world.caller("checkout"), address=address)
    wanted = world.hold_request(start=rfc3339(tomorrow(hour)), property_id="prop-2", technician_id="tech-2")
    return world.services.holds.place(caller, wanted).hold.hold_id


def test_an_offer_lasts_no_longer_than_a_hold_of_the_publishable_key(world: World) -> None:
    taken = take(world)
    entry = stranger_joins(world, 10, offer_minutes=60)
    assert entry.offer_minutes == 15
    set_policy(world, hold_seconds=40, max_hold_seconds=40)
    give_back(world, taken)
    tend(world)
    assert record(world, str(seen(world, entry).hold_id))["lifetime_ms"] == "40000"


def test_offers_count_in_the_share_of_their_address_and_others_are_served(world: World) -> None:
    set_policy(world, public_holds_per_address=2)
    bookings = take_all(world)
    mine = [stranger_joins(world, hour) for hour in HOURS]
    theirs, staff = stranger_joins(world, 11, "203.0.113.8"), join(world, begin=tomorrow(11), end=tomorrow(12))
    free_all(world, bookings)
    for _ in range(2):
        tend(world)
        assert statuses(world, *mine, theirs, staff) == ["offered", "offered", "waiting", "offered", "waiting"]
    with pytest.raises(TooManyHolds):
        place(world, 15, "203.0.113.7")
    for each in (mine[0], theirs):
        lapse(world, str(seen(world, each).hold_id))
    tend(world)
    assert statuses(world, *mine, theirs, staff) == ["lapsed", "offered", "offered", "lapsed", "waiting"]


def test_holds_of_an_address_count_against_its_offers(world: World) -> None:
    set_policy(world, public_holds_per_address=1)
    taken = take(world)
    held = place(world, 15, "203.0.113.7")
    entry = stranger_joins(world, 10)
    give_back(world, taken)
    tend(world)
    assert statuses(world, entry) == ["waiting"]
    assert live_holds(world) == {name_of(held)}
    world.services.holds.release(replace(world.caller("checkout"), address="203.0.113.7"), held)
    tend(world)
    assert statuses(world, entry) == ["offered"]


def test_while_all_strangers_have_their_share_other_entries_are_served(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy(world, public_holds_most=1)
    bookings = take_all(world)
    mine = [stranger_joins(world, hour, f"203.0.113.{hour}") for hour in HOURS]
    staff = join(world, begin=tomorrow(11), end=tomorrow(12))
    free_all(world, bookings)
    claim, claimed = Placing.claim, list[str]()

    def count(self: Placing, wanted: Any) -> Any:
        claimed.append(wanted.hold_id)
        return claim(self, wanted)

    monkeypatch.setattr(Placing, "claim", count)
    tend(world)
    assert statuses(world, *mine, staff) == ["offered", "waiting", "waiting", "offered"]
    assert len(claimed) == 3  # the offer, one refusal that speaks for all strangers, the offer to staff
    with pytest.raises(TooManyHolds):
        place(world, 15, "203.0.113.99")


def test_offers_to_other_keys_count_in_no_share(world: World) -> None:
    set_policy(world, public_holds_most=1, public_holds_per_address=1, holds_per_holder=1)
    entries = [
        join(world, role, begin=tomorrow(hour), end=tomorrow(hour + 1))
        for role, hour in zip(("bot", "desk", "admin"), HOURS, strict=True)
    ]
    tend(world)
    assert statuses(world, *entries) == ["offered"] * 3
    place(world, 15, "203.0.113.7")


def test_a_stranger_is_not_offered_a_property_that_has_become_a_building(world: World) -> None:
    booking_id = take(world)
    strangers, staffs = stranger_joins(world, 10), join(world, "desk", begin=tomorrow(12), end=tomorrow(13))
    give_back(world, booking_id)
    world.services.units.create(world.org, PropertyCreate(id="flat", name="Flat", parent_id="prop-1"))
    tend(world)
    assert statuses(world, strangers, staffs) == ["waiting", "offered"]
