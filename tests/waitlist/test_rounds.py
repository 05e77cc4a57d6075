"""Which entry gets a free slot, in which order, and how an offer ends. The tests make the relay's rounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.catalogue import PolicyPatch
from models.errors import Forbidden
from services.availability.slots import Availability
from tests.bookings.evidence import lapse, record, warm
from tests.waitlist.waiting import (
    give_back,
    join,
    live_holds,
    noted,
    offered,
    offers_published,
    seen,
    statuses,
    take,
    tend,
)
from tests.world import World, tomorrow


def test_the_slot_of_a_cancelled_booking_is_offered_to_the_oldest_entry(world: World) -> None:
    booking_id = take(world)
    first, second = join(world), join(world)
    tend(world)
    assert statuses(world, first, second) == ["waiting", "waiting"]
    assert live_holds(world) == set()
    give_back(world, booking_id)
    tend(world)
    assert statuses(world, first, second) == ["offered", "waiting"]
    offer = seen(world, first)
    assert (offer.start, offer.end, offer.offered_technician_id) == (tomorrow(10), tomorrow(11), "tech-1")
    assert live_holds(world) == {offer.hold_id}
    assert offer.offered_until is not None
    assert offer.offered_until - datetime.now(UTC) < timedelta(minutes=15)
    assert offer.offered_until - datetime.now(UTC) > timedelta(minutes=14)


@pytest.mark.parametrize(("role", "source"), [("checkout", "web"), ("bot", "sms"), ("desk", "desk"), ("admin", "api")])
def test_the_hold_of_an_offer_has_the_source_of_the_key_that_joined(world: World, role: str, source: str) -> None:
    booking_id = take(world)
    entry = join(world, role)
    give_back(world, booking_id)
    tend(world)
    offer = seen(world, entry)
    assert record(world, str(offer.hold_id))["source"] == source


def test_an_offer_is_published_once_with_its_hold_and_its_end(world: World) -> None:
    offer = offered(world)
    tend(world)
    (event,) = offers_published(world)
    hold = record(world, str(offer.hold_id))
    assert event == {
        "kind": "waitlist.offered",
        "id": offer.waitlist_id,
        "hold_id": offer.hold_id,
        "property_id": "prop-1",
        "technician_ids": "tech-1",
        "start": hold["start"],
        "end": hold["end"],
        "leaves": hold["start"],
        "returns": hold["end"],
        "state": "held",
        "expires_ms": hold["expires_ms"],
    }


def test_only_the_key_that_waited_books_the_offer(world: World) -> None:
    alice, bob = world.caller("bot"), world.caller("desk")
    offer = offered(world)
    with pytest.raises(Forbidden):
        world.services.bookings.book(bob, world.book_request(hold_id=offer.held_as))
    booking = world.services.bookings.book(alice, world.book_request(hold_id=offer.held_as)).booking
    tend(world)
    found = noted(world, offer)
    assert (found["status"], found["booking_id"]) == ("booked", booking.booking_id)
    assert seen(world, offer).booking_id == booking.booking_id


def test_the_slot_of_a_released_hold_is_offered(world: World) -> None:
    held = world.services.holds.place(world.caller("desk"), world.hold_request()).hold.hold_id
    entry = join(world)
    tend(world)
    assert statuses(world, entry) == ["waiting"]
    world.services.holds.release(world.caller("desk"), held)
    tend(world)
    assert statuses(world, entry) == ["offered"]


def test_the_slot_of_a_hold_that_ran_out_is_offered(world: World) -> None:
    held = world.services.holds.place(world.caller("desk"), world.hold_request()).hold.hold_id
    entry = join(world)
    tend(world)
    lapse(world, held)
    tend(world)
    assert statuses(world, entry) == ["offered"]


def test_an_offer_that_ran_out_goes_to_the_next_entry_in_the_same_round(world: World) -> None:
    first = offered(world)
    second = join(world)
    tend(world)
    assert statuses(world, first, second) == ["offered", "waiting"]
    lapse(world, str(first.hold_id))
    tend(world)
    assert statuses(world, first, second) == ["lapsed", "offered"]
    assert [event["id"] for event in offers_published(world)] == [first.waitlist_id, second.waitlist_id]
    assert live_holds(world) == {seen(world, second).hold_id}


def test_a_declined_offer_goes_to_the_next_entry(world: World) -> None:
    first = offered(world)
    second = join(world)
    world.services.holds.release(world.caller("bot"), str(first.held_as))
    tend(world)
    assert statuses(world, first, second) == ["lapsed", "offered"]


def test_entries_are_served_in_the_order_in_which_they_joined(world: World) -> None:
    entries = [join(world) for _ in range(5)]
    for number, entry in enumerate(entries):
        tend(world)
        assert statuses(world, *entries) == ["lapsed"] * number + ["offered"] + ["waiting"] * (4 - number)
        lapse(world, str(noted(world, entry)["hold_id"]))


def test_an_entry_without_a_technician_gets_any_free_technician(world: World) -> None:
    take(world, property_id="prop-2")
    picky, easy = join(world), join(world, technician_id=None)
    tend(world)
    assert statuses(world, picky, easy) == ["waiting", "offered"]
    assert seen(world, easy).offered_technician_id == "tech-2"


def test_the_whole_visit_lies_in_the_window(world: World) -> None:
    take(world, 10)
    before, across = join(world, end=tomorrow(10, 45), begin=tomorrow(9, 15)), join(world, end=tomorrow(11, 45))
    later = join(world, begin=tomorrow(10, 30), end=tomorrow(12, 30))
    tend(world)
    assert statuses(world, before, across, later) == ["waiting", "waiting", "offered"]
    assert seen(world, later).start == tomorrow(11)


def test_the_window_may_begin_and_end_off_the_grid(world: World) -> None:
    entry = offered(world, begin=tomorrow(10) + timedelta(minutes=7), end=tomorrow(11, 22) + timedelta(seconds=5))
    assert (entry.start, entry.end) == (tomorrow(10, 15), tomorrow(11, 15))


def test_a_window_of_many_days_is_searched_to_its_end(world: World) -> None:
    closed = [str((tomorrow() + timedelta(days=number)).date()) for number in range(12)]
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate({"blackout_dates": closed}))
    entry = offered(world, end=tomorrow(11) + timedelta(days=14))
    assert entry.start == tomorrow(0) + timedelta(days=12)


def test_a_gap_is_offered_to_the_oldest_entry_that_fits_it(world: World) -> None:
    take(world, 10)
    take(world, 12)
    long = join(world, begin=tomorrow(10), end=tomorrow(13), duration_minutes=90)
    short = join(world, begin=tomorrow(10), end=tomorrow(13), duration_minutes=60)
    tend(world)
    assert statuses(world, long, short) == ["waiting", "offered"]


def test_the_policy_gives_the_duration_and_the_buffers(world: World) -> None:
    policy = PolicyPatch(default_duration_minutes=30, buffer_before_minutes=15, buffer_after_minutes=45)
    world.services.catalogue_desk.patch_policy(world.org, policy)
    offer = offered(world, duration_minutes=None)
    hold = world.services.holds.get(world.caller("bot"), str(offer.held_as))
    assert (offer.duration_minutes, hold.duration_minutes) == (30, 30)
    assert (hold.buffer_before_minutes, hold.buffer_after_minutes) == (15, 45)


def test_an_offer_lasts_as_long_as_requested_and_counts_for_no_quota(world: World) -> None:
    offer = offered(world, role="desk", offer_minutes=120)
    hold = record(world, str(offer.hold_id))
    assert (hold["lifetime_ms"], hold["address"], hold["owner"]) == ("7200000", "", offer.made_by)


def test_an_entry_with_a_duration_that_is_no_longer_allowed_waits_and_blocks_no_other(world: World) -> None:
    booking_id = take(world)
    long = join(world, end=tomorrow(12), duration_minutes=120)
    short = join(world)
    give_back(world, booking_id)
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch(allowed_duration_minutes=[60]))
    tend(world)
    assert statuses(world, long, short) == ["waiting", "offered"]


def test_of_entries_with_the_same_wish_only_the_first_is_searched_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(world)
    for _ in range(5):
        join(world)
    join(world, duration_minutes=45)
    searched, search = list[Any](), Availability.first_openings

    def count(*args: Any) -> Any:
        searched.append(args)
        return search(*args)

    monkeypatch.setattr(Availability, "first_openings", count)
    tend(world)
    assert len(searched) == 2


def test_an_org_whose_mirror_is_not_whole_gets_no_offers(world: World) -> None:
    entry = join(world)
    world.services.redis.delete(world.names.epoch)
    tend(world)
    assert statuses(world, entry) == ["waiting"]
    assert live_holds(world) == set()
    warm(world)
    tend(world)
    assert statuses(world, entry) == ["offered"]


def test_an_entry_lapses_when_its_window_is_over(world: World) -> None:
    take(world)
    entry = join(world)
    past = {"from": datetime.now(UTC) - timedelta(hours=2), "to": datetime.now(UTC) + timedelta(minutes=59)}
    world.services.db["waitlist"].update_one({"_id": entry.waitlist_id}, {"$set": past})
    tend(world)
    assert statuses(world, entry) == ["lapsed"]


def test_settled_entries_are_not_read_again(world: World) -> None:
    lapsed = offered(world)
    lapse(world, str(lapsed.hold_id))
    tend(world)
    booked = offered(world)
    world.services.bookings.book(world.caller("bot"), world.book_request(hold_id=booked.held_as))
    tend(world)
    left = join(world)
    world.services.waitlist.leave(world.caller("bot"), left.waitlist_id)
    assert world.services.db["waitlist"].count_documents({"org": world.org, "unsettled": True}) == 0
