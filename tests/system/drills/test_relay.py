"""The relay is killed, loses its place in MongoDB's log, or works beside another one; workers leave pins behind."""

from __future__ import annotations

from typing import Any

import pytest

from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services.relay.change_feed import STATE_ID
from tests.system.drills.customers import Customers
from tests.system.drills.installation import SOON, Api, Installation, away
from tests.system.drills.rules import check_every_free_slot_can_be_held, check_rules, claimed, marked

NOT_A_PLACE = {"_data": "not a place"}


@pytest.fixture(scope="module")
def customers(place: Installation, healthy: Api) -> Customers:
    return Customers(place, healthy)


@pytest.fixture(scope="module")
def cut_off(place: Installation, customers: Customers) -> Customers:
    """The same customers at a server that has lost its line to Redis: nobody mirrors what it books but the relay."""
    line = place.proxy(place.redis)
    made = Customers(place, place.local_api(redis=line))
    made.deeds = customers.deeds
    line.cut()
    return made


def miss_one(cut_off: Customers) -> dict[str, Any]:
    """A booking that the mirror does not know of, and its slot."""
    slot = cut_off.place.slot()
    assert cut_off.book(cut_off.wish(), slot).status == 201
    assert marked(cut_off.place) != claimed(cut_off.place)
    return slot


def is_mirrored(place: Installation) -> bool:
    return marked(place) == claimed(place)


def epoch(place: Installation) -> Any:
    return place.world.services.redis.get(place.world.names.epoch)


def saved_place(place: Installation) -> Any:
    return place.world.services.db["relay_state"].find_one({"_id": STATE_ID})


def test_the_next_relay_carries_over_what_a_killed_one_missed(
    place: Installation, customers: Customers, cut_off: Customers
) -> None:
    first = place.relay()
    assert wait_until(lambda: saved_place(place) is not None, seconds=SOON), first.log_tail()
    slot = miss_one(cut_off)
    assert wait_until(lambda: is_mirrored(place), seconds=SOON), first.log_tail()
    first.kill()
    before, missed = epoch(place), miss_one(cut_off)
    place.lapse_leases()
    second = place.relay()
    assert wait_until(lambda: is_mirrored(place), seconds=SOON), second.log_tail()
    second.stop()
    assert epoch(place) == before  # read on from the saved place, not mirrored anew
    assert customers.hold(slot).told == customers.hold(missed).told == (409, "slot_booked")
    check_rules(customers)


@pytest.mark.parametrize("how", ["gone from the log", "no place at all", "never saved"])
def test_without_a_usable_place_everything_is_mirrored_anew(
    place: Installation, customers: Customers, cut_off: Customers, how: str
) -> None:
    relay, state = place.world.services.relay, place.world.services.db["relay_state"]
    relay.carry_over_changes()
    before, missed = epoch(place), miss_one(cut_off)
    if how == "gone from the log":
        with place.failing(["aggregate"], errorCode=286):
            relay.carry_over_changes()
    else:
        state.delete_one({"_id": STATE_ID})
        if how == "no place at all":
            state.insert_one({"_id": STATE_ID, "token": NOT_A_PLACE})
        relay.carry_over_changes()
    assert is_mirrored(place)
    assert epoch(place) not in (None, before)
    assert customers.hold(missed).told == (409, "slot_booked")
    check_rules(customers)
    relay.carry_over_changes()


def test_a_place_that_was_lost_while_redis_is_away_is_not_forgotten(
    place: Installation, customers: Customers, cut_off: Customers
) -> None:
    relay = place.world.services.relay
    relay.carry_over_changes()
    miss_one(cut_off)
    place.world.services.db["relay_state"].update_one({"_id": STATE_ID}, {"$set": {"token": NOT_A_PLACE}})
    with away(place.redis, "killed"), pytest.raises(StoreUnavailable):
        relay.carry_over_changes()
    relay.carry_over_changes()
    assert is_mirrored(place)
    check_rules(customers)


def test_two_relays_at_once_share_the_work_and_do_it_once(
    place: Installation, customers: Customers, cut_off: Customers
) -> None:
    place.lapse_leases()
    relays = [place.relay(), place.relay()]
    owners = place.world.services.db["leases"]
    assert wait_until(lambda: owners.count_documents({}) == 2, seconds=SOON), [each.log_tail() for each in relays]
    for _ in range(10):
        customers.held()
        assert cut_off.book(cut_off.wish(), place.slot()).status == 201
    assert wait_until(lambda: is_mirrored(place), seconds=SOON), [each.log_tail() for each in relays]
    events: Any = place.world.services.redis.xrange(place.world.names.events)
    booked = [event["id"] for _, event in events if event["kind"] == "book"]
    assert len(booked) == len(set(booked))
    for relay in relays:
        relay.stop()
        assert relay.process is not None
        assert relay.process.returncode == 0, relay.log_tail()
    assert owners.count_documents({}) == 0
    check_rules(customers)


def test_what_a_dead_worker_left_pinned_is_given_back_after_the_window(
    place: Installation, customers: Customers
) -> None:
    doomed = Customers(place, place.api("after_begin"))
    doomed.deeds = customers.deeds
    hold, slot = customers.held(), place.slot()
    assert doomed.book(doomed.wish(), {"hold_id": hold.body["hold_id"]}).status == 0
    assert doomed.book(doomed.wish(), slot).status == 0
    assert len(place.pins()) == 2
    assert customers.hold(slot).told == (409, "slot_held")
    place.lapse_leases()
    relay = place.relay()  # only now, or it could release the first pin before there is a second one
    assert wait_until(lambda: place.pins() == [], seconds=SOON), relay.log_tail()
    relay.stop()
    assert customers.ask("GET", f"/hold/{hold.body['hold_id']}").body["status"] == "held"
    check_every_free_slot_can_be_held(customers, [slot])
    assert customers.book(customers.wish(), {"hold_id": hold.body["hold_id"]}).status == 201
    check_rules(customers)
