"""A Redis Cluster of three masters with replicas: a master dies, and a slot moves, both under traffic."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from models.errors import StoreUnavailable
from models.live import EventsQuery
from scripts.dev_server.child import wait_until
from services.settings import StoreTimeouts
from tests.live.tape import Tape
from tests.servers import MongoServer
from tests.system.drills.customers import IN_TIME, Customers, is_unavailable, place_of, served
from tests.system.drills.installation import SOON, Answer, Installation
from tests.system.drills.rules import check_rules
from tests.system.stack.cluster_set import ClusterSet, cluster_set
from tests.world import World

pytestmark = pytest.mark.real_timeouts


@pytest.fixture(scope="module")
def redis() -> Iterator[ClusterSet]:
    with cluster_set() as made:
        yield made


@pytest.fixture(scope="module")
def installation(
    redis: ClusterSet, tmp_path_factory: pytest.TempPathFactory, timeouts: StoreTimeouts
) -> Iterator[Installation]:
    with MongoServer() as mongo:
        made = Installation(redis, mongo, tmp_path_factory.mktemp("cluster"), timeouts)
        yield made
        made.close()


@pytest.fixture(scope="module")
def customers(installation: Installation) -> Customers:
    return Customers(installation, installation.local_api())


@pytest.fixture(autouse=True)
def whole(redis: ClusterSet, customers: Customers) -> Iterator[None]:
    """Each test begins with a whole cluster, and every rule holds after it."""
    yield
    redis.heal()
    assert wait_until(lambda: settles(customers), seconds=SOON)
    check_rules(customers)


def settles(customers: Customers) -> bool:
    """Whether a relay can work. Its client, too, must learn first which nodes are masters now."""
    try:
        customers.installation.settle()
    except StoreUnavailable:
        return False
    return True


@contextmanager
def traffic(customers: Customers) -> Iterator[tuple[list[Answer], list[Answer]]]:
    """The answers to holds and to direct bookings of one client, who goes on until the block ends."""
    held, booked, over = list[Answer](), list[Answer](), threading.Event()

    def go_on() -> None:
        while not over.is_set():
            held.append(customers.hold(customers.installation.slot()))
            booked.append(customers.book(customers.wish(), customers.installation.slot()))

    client = threading.Thread(target=go_on)
    client.start()
    try:
        yield held, booked
    finally:
        over.set()
        client.join(SOON)


def check_answers(held: list[Answer], booked: list[Answer]) -> None:
    """Each answer came in time; bookings went on, and no hold was refused but with 503."""
    assert {answer.status for answer in held} <= {201, 503}
    assert {answer.status for answer in booked} == {201}
    assert max(answer.seconds for answer in (*held, *booked)) < IN_TIME


def test_bookings_go_on_while_a_replica_takes_over_from_a_dead_master(redis: ClusterSet, customers: Customers) -> None:
    lost = redis.owner(customers.installation.world.names.prefix)
    with traffic(customers) as (held, booked):
        assert wait_until(lambda: bool(booked), seconds=SOON)
        lost.kill()
        assert wait_until(lambda: held[-1].status == 503, seconds=SOON)
        assert wait_until(lambda: held[-1].status == 201, seconds=SOON), held[-1]
    check_answers(held, booked)


def test_bookings_go_on_while_the_slot_of_an_org_moves_to_another_master(
    redis: ClusterSet, customers: Customers
) -> None:
    prefix = customers.installation.world.names.prefix
    source = redis.owner(prefix)
    target = next(node for node in redis.nodes if node.is_master and node is not source)
    with traffic(customers) as (held, booked):
        assert wait_until(lambda: len(booked) > 20, seconds=SOON)
        redis.move(prefix, target)
        moved = len(held)
        assert wait_until(lambda: len(held) > moved + 20, seconds=SOON)
    assert redis.owner(prefix) is target
    check_answers(held, booked)
    assert {answer.status for answer in held[moved + 2 :]} == {201}


def test_no_slot_is_held_twice_while_a_part_of_an_orgs_keys_has_moved(redis: ClusterSet, customers: Customers) -> None:
    prefix = customers.installation.world.names.prefix
    target = next(node for node in redis.nodes if node.is_master and node is not redis.owner(prefix))
    held = place_of(customers.held())
    with redis.moving(prefix, target) as (source, slot), source.client() as client:
        keys = client.execute_command("CLUSTER GETKEYSINSLOT", slot, 100_000)
        claims = [key for key in keys if "}:p:" in key or "}:t:" in key or ":spans:" in key]
        client.migrate("127.0.0.1", target.port, claims, 0, 5_000)
        for taken in (held, customers.installation.slot(), held):
            assert is_unavailable(customers.hold(taken)), taken
        customers.booked(customers.installation.slot())
        client.migrate("127.0.0.1", target.port, [key for key in keys if key not in claims], 0, 5_000)
    assert wait_until(lambda: customers.hold(customers.installation.slot()).status == 201, seconds=SOON)
    assert served(lambda: customers.hold(held)).status_and_code == (409, "slot_held")


def test_a_worker_that_starts_while_no_node_answers_books_and_takes_holds_once_they_do(
    redis: ClusterSet, customers: Customers
) -> None:
    for node in redis.nodes:
        node.kill()
    early = Customers(customers.installation, customers.installation.api())
    early.deeds = customers.deeds
    for _ in range(2):
        early.booked(early.installation.slot())
        refused = early.hold(early.installation.slot())
        assert is_unavailable(refused), refused
    redis.heal()
    assert wait_until(lambda: early.hold(early.installation.slot()).status == 201, seconds=SOON)


def test_live_events_of_orgs_on_several_masters_reach_their_streams(customers: Customers) -> None:
    services = customers.installation.world.services
    worlds = [World(services) for _ in range(6)]
    tapes = []
    for world in worlds:
        stream = services.feed.open(world.caller("desk"), EventsQuery())
        tapes.append((stream, Tape()))
        stream.attach(tapes[-1][1])
    try:
        for world in worlds:
            services.holds.place(world.caller("desk"), world.hold_request())
        assert wait_until(lambda: all(b"event: hold" in tape.text for _, tape in tapes), seconds=SOON)
    finally:
        for stream, _ in tapes:
            stream.close()
