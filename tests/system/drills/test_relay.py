"""A relay is killed, or loses a store or its resume token, or works beside another one; dead workers leave pins."""

from __future__ import annotations

from typing import Any

import pytest

from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services.stores.leases import LEASE_SECONDS
from services.stores.redis_server import RedisInfo
from tests.system.drills.customers import Customers, served, within
from tests.system.drills.installation import SOON, Installation, away
from tests.system.drills.rules import check_every_free_slot_can_be_held, check_rules, claimed, marked
from tests.world import PATIENT, environment_of

pytestmark = pytest.mark.real_timeouts

NOT_A_TOKEN = {"_data": "not a token"}
LEASES = 4
"""The pieces of work that relays share."""


@pytest.fixture(scope="module")
def cut_off(installation: Installation, customers: Customers) -> Customers:
    """The same customers at a server that has lost Redis, so that only the relay mirrors what it books."""
    proxy = installation.proxy(installation.redis)
    made = Customers(installation, installation.local_api(redis=proxy))
    made.deeds = customers.deeds
    proxy.cut()
    return made


def miss_one(cut_off: Customers) -> dict[str, Any]:
    """Make a booking that the mirror does not show. Gives its slot."""
    slot = cut_off.installation.slot()
    cut_off.booked(slot)
    assert marked(cut_off.installation) != claimed(cut_off.installation)
    return slot


def is_mirrored(installation: Installation) -> bool:
    return marked(installation) == claimed(installation)


def epoch(installation: Installation) -> Any:
    return installation.world.services.redis.get(installation.world.names.epoch)


def saved_token(installation: Installation) -> Any:
    """The position in the log that counts for the Redis of today. Drills before may have left those of others."""
    identity = RedisInfo(installation.world.services.redis).identity()
    return installation.world.services.db["relay_state"].find_one({"_id": identity})


def test_the_next_relay_mirrors_what_a_killed_relay_missed(
    installation: Installation, customers: Customers, cut_off: Customers
) -> None:
    first = installation.relay()
    assert wait_until(lambda: saved_token(installation) is not None, seconds=SOON), first.log_tail()
    slot = miss_one(cut_off)
    assert wait_until(lambda: is_mirrored(installation), seconds=SOON), first.log_tail()
    second = installation.relay()
    first.kill()
    before, missed = epoch(installation), miss_one(cut_off)
    installation.lapse_leases()
    assert wait_until(lambda: is_mirrored(installation), seconds=SOON), second.log_tail()
    second.stop()
    assert epoch(installation) == before  # it read on from the saved token and did not rebuild
    assert customers.finds_booked(slot)
    assert customers.finds_booked(missed)
    check_rules(customers)


@pytest.mark.parametrize("how", ["gone from the log", "no token at all", "never saved"])
def test_without_a_usable_resume_token_everything_is_mirrored_again(
    installation: Installation, customers: Customers, cut_off: Customers, how: str
) -> None:
    relay, state = installation.world.services.relay, installation.world.services.db["relay_state"]
    relay.carry_over_changes()
    before, missed = epoch(installation), miss_one(cut_off)
    if how == "gone from the log":
        with installation.failing(["aggregate", "getMore"], errorCode=286):
            relay.carry_over_changes()
    else:
        if how == "no token at all":
            state.update_many({}, {"$set": {"token": NOT_A_TOKEN}})
        else:
            state.delete_many({})
        relay.carry_over_changes()
    assert epoch(installation) is None
    relay.tend()
    assert is_mirrored(installation)
    assert epoch(installation) not in (None, before)
    assert customers.finds_booked(missed)
    check_rules(customers)
    relay.carry_over_changes()


def test_a_resume_token_lost_while_redis_is_away_leads_to_a_rebuild_later(
    installation: Installation, customers: Customers, cut_off: Customers
) -> None:
    relay = installation.world.services.relay
    relay.carry_over_changes()
    miss_one(cut_off)
    installation.world.services.db["relay_state"].update_many({}, {"$set": {"token": NOT_A_TOKEN}})
    with away(installation.redis, "killed"), pytest.raises(StoreUnavailable):
        relay.carry_over_changes()
    installation.settle()
    assert is_mirrored(installation)
    check_rules(customers)


def test_two_relays_at_once_share_the_work_and_do_it_once(
    installation: Installation, customers: Customers, cut_off: Customers
) -> None:
    installation.lapse_leases()
    relays = [installation.relay(), installation.relay()]
    owners = installation.world.services.db["leases"]
    assert wait_until(lambda: owners.count_documents({}) == LEASES, seconds=SOON), [each.log_tail() for each in relays]
    for _ in range(10):
        customers.held()
        cut_off.booked(installation.slot())
    assert wait_until(lambda: is_mirrored(installation), seconds=SOON), [each.log_tail() for each in relays]
    events: Any = installation.world.services.redis.xrange(installation.world.names.events)
    booked = [event["id"] for _, event in events if event["kind"] == "book"]
    assert len(booked) == len(set(booked))
    for relay in relays:
        relay.stop()
        assert relay.process is not None
        assert relay.process.returncode == 0, relay.log_tail()
    assert owners.count_documents({}) == 0
    check_rules(customers)


@pytest.mark.parametrize(("lost", "seconds"), [("redis", LEASE_SECONDS - 2), ("mongodb", LEASE_SECONDS + 5)])
def test_a_relay_that_loses_one_store_lets_a_healthy_one_work(
    installation: Installation, cut_off: Customers, lost: str, seconds: float
) -> None:
    installation.lapse_leases()
    leases = installation.world.services.db["leases"]
    proxies = {"redis": installation.proxy(installation.redis), "mongodb": installation.proxy(installation.mongo)}
    sick = installation.relay(redis=proxies["redis"], mongo=proxies["mongodb"])
    assert wait_until(lambda: leases.count_documents({}) == LEASES, seconds=SOON), sick.log_tail()
    healthy = installation.relay()
    proxies[lost].stall()
    miss_one(cut_off)
    assert within(seconds, lambda: is_mirrored(installation)), healthy.log_tail()
    proxies[lost].heal()
    for relay in (sick, healthy):
        relay.stop()


def test_the_pins_of_a_dead_worker_are_released_after_the_confirm_window(
    installation: Installation, customers: Customers
) -> None:
    doomed = Customers(installation, installation.api("after_begin", **environment_of(PATIENT)))
    doomed.deeds = customers.deeds
    hold, slot = customers.held(), installation.slot()
    assert doomed.book(doomed.wish(), {"hold_id": hold.body["hold_id"]}).status == 0
    assert doomed.book(doomed.wish(), slot).status == 0
    assert len(installation.pins()) == 2
    assert served(lambda: customers.hold(slot)).status_and_code == (409, "slot_held")
    installation.lapse_leases()
    relay = installation.relay()  # only now, or it could release the first pin before there is a second one
    assert wait_until(lambda: installation.pins() == [], seconds=SOON), relay.log_tail()
    relay.stop()
    assert served(lambda: customers.ask("GET", f"/hold/{hold.body['hold_id']}")).body["status"] == "held"
    check_every_free_slot_can_be_held(customers, [slot])
    customers.booked({"hold_id": hold.body["hold_id"]})
    check_rules(customers)
