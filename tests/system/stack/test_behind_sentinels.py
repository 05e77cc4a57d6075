"""Redis behind three Sentinels: the master dies, falls silent, or is split off; the Sentinels fall silent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.dev_server.child import wait_until
from services.settings import StoreTimeouts
from tests.servers import MongoServer
from tests.system.drills.customers import IN_TIME, Customers, in_time, is_unavailable, place_of, served, within
from tests.system.drills.installation import SOON, Answer, Installation
from tests.system.drills.rules import check_rules
from tests.system.stack.sentinel_set import SentinelSet, sentinel_set

pytestmark = pytest.mark.real_timeouts

FENCED_WITHIN = 5.0
"""Seconds from the split after which the old master takes no more holds."""


@pytest.fixture(scope="module")
def redis() -> Iterator[SentinelSet]:
    with sentinel_set() as made:
        yield made


@pytest.fixture(scope="module")
def installation(
    redis: SentinelSet, tmp_path_factory: pytest.TempPathFactory, timeouts: StoreTimeouts
) -> Iterator[Installation]:
    with MongoServer() as mongo:
        made = Installation(redis, mongo, tmp_path_factory.mktemp("sentinels"), timeouts)
        yield made
        made.close()


@pytest.fixture(scope="module")
def customers(installation: Installation) -> Customers:
    return Customers(installation, installation.local_api())


@pytest.fixture(autouse=True)
def whole(redis: SentinelSet, customers: Customers) -> Iterator[None]:
    """Each test begins with a whole set, and every rule holds after it."""
    assert wait_until(lambda: customers.hold(customers.installation.slot()).status == 201, seconds=SOON)
    yield
    redis.heal()
    customers.installation.world.services.redis.connection_pool.disconnect()  # those to an earlier master
    check_rules(customers)


@pytest.mark.parametrize("how", ["killed", "silent"])
def test_after_the_loss_of_the_master_direct_bookings_go_on_and_holds_come_back(
    redis: SentinelSet, customers: Customers, how: str
) -> None:
    lost, answers = redis.master(), list[Answer]()
    lost.kill() if how == "killed" else lost.proxy.stall()
    customers.booked(customers.installation.slot())

    def held() -> bool:
        answers.append(customers.hold(customers.installation.slot()))
        return answers[-1].status == 201

    assert wait_until(held, seconds=SOON), answers[-1]
    assert all(is_unavailable(answer) for answer in answers[:-1]), answers
    assert answers[-1].seconds < IN_TIME
    assert redis.master() is not lost


def test_without_sentinels_every_path_answers_in_time_and_direct_bookings_go_on(
    redis: SentinelSet, customers: Customers
) -> None:
    holds = [customers.held() for _ in range(2)]
    day = f"/availability?property_id=prop-1&from={holds[0].body['start'][:10]}"
    for proxy in redis.proxies:
        proxy.stall()
    late = Customers(customers.installation, customers.installation.local_api())
    late.deeds = customers.deeds
    for hold in holds:
        carried = {"hold_id": hold.body["hold_id"]} | place_of(hold)
        refused = [late.hold(late.installation.slot()), late.ask("GET", day)]
        assert all(is_unavailable(answer) for answer in refused), refused
        for what in (late.installation.slot(), carried):
            late.booked(what)
        assert in_time(served(lambda: late.ask("GET", "/bookings")), 200)
        assert in_time(late.ask("GET", "/readyz"), 503)
    for proxy in redis.proxies:
        proxy.heal()
    assert within(3, lambda: late.hold(late.installation.slot()).status == 201)


def test_while_master_and_sentinels_are_silent_every_answer_comes_in_time(
    redis: SentinelSet, customers: Customers
) -> None:
    for proxy in (*redis.proxies, redis.master().proxy):
        proxy.stall()
    first = customers.book(customers.wish(), customers.installation.slot())
    assert in_time(first, 201) or is_unavailable(first), first
    for _ in range(3):
        customers.booked(customers.installation.slot())
        refused = customers.hold(customers.installation.slot())
        assert is_unavailable(refused), refused


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "not fenced"])
def test_a_server_left_on_the_old_master_stops_taking_holds_if_the_master_needs_a_replica(
    redis: SentinelSet, customers: Customers, fenced: bool
) -> None:
    old = redis.master()
    left = Customers(customers.installation, customers.installation.local_api(redis=old))
    left.deeds = customers.deeds
    if not fenced:
        old.asks("CONFIG", "SET", "min-replicas-to-write", 0)
    held = left.held()
    old.proxy.stall()

    def refuses() -> bool:
        return is_unavailable(left.hold(left.installation.slot()))

    assert within(FENCED_WITHIN, refuses) if fenced else not wait_until(refuses, seconds=FENCED_WITHIN, every=0.1)
    left.booked(customers.installation.slot())
    assert wait_until(lambda: customers.hold(customers.installation.slot()).status == 201, seconds=SOON)
    assert redis.master() is not old
    slot = place_of(held)
    outcomes = [customers.book(customers.wish(), slot), left.book(left.wish(), slot)]
    assert [answer.is_ok for answer in outcomes].count(True) <= 1, outcomes
    old.asks("CONFIG", "SET", "min-replicas-to-write", 1)
