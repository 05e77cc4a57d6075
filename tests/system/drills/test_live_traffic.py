"""Customers book while stores are flushed, killed, frozen and started again; every rule holds afterwards."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.system.drills.customers import IN_TIME, Customers
from tests.system.drills.installation import Api, Installation, away
from tests.system.drills.rules import check_answers, check_every_free_slot_can_be_held, check_rules
from tests.system.drills.traffic import Traffic

pytestmark = pytest.mark.real_timeouts


def test_every_rule_holds_after_traffic_through_every_fault(installation: Installation, healthy: Api) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    customers, slots = Customers(installation, healthy), [installation.slot() for _ in range(48)]
    traffic, relay = Traffic(customers, slots, seed=seed), installation.relay()
    with traffic.running():
        traffic.await_more(120)
        installation.world.services.redis.flushall()
        traffic.await_more(120)
        installation.redis.restart()
        traffic.await_more(120)
        installation.mongo.restart()
        traffic.await_more(120)
        with away(installation.redis, "frozen"):
            traffic.await_more(12)
        with away(installation.mongo, "frozen"):
            traffic.await_more(12)
        installation.world.services.redis.flushall()
        relay.kill()
        traffic.await_more(120)
    installation.lapse_leases()
    check_rules(customers)
    installation.settle()
    check_rules(customers)
    check_answers(traffic.answers)
    assert max(answer.seconds for answer in traffic.answers) < IN_TIME
    check_every_free_slot_can_be_held(customers, slots)
    outcomes = Counter(deed.outcome for deed in customers.deeds)
    assert outcomes["ok"] > 5, outcomes
    assert outcomes["refused"] > 5, outcomes
