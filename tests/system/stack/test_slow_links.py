"""Links of 100 ms each way work with the default time-outs, slower ones with those of docs/operations.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scripts.dev_server.child import wait_until
from scripts.drills.link import Link
from services import build_services
from services.settings import DEFAULTS, StoreTimeouts
from tests.servers import Server
from tests.system.drills.customers import Customers, Deed, in_time, is_unavailable, place_of
from tests.system.drills.installation import (
    CONFIRM_WINDOW_MS,
    DATABASE,
    SOON,
    Answer,
    Installation,
    LocalApi,
    private_installation,
)
from tests.system.drills.rules import check_rules
from tests.world import settings

pytestmark = pytest.mark.real_timeouts

ONE_WAY = 0.1
SLOWER = 0.15
FOR_SLOWER = {
    "redis_connect_seconds": 1,
    "redis_seconds": 2,
    "mongo_connect_seconds": 2,
    "mongo_seconds": 4,
    "request_seconds": 5,
}
"""The figures of docs/operations.md for a round trip of 300 ms on which packets are lost."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, timeouts: StoreTimeouts) -> Iterator[Installation]:
    with private_installation(tmp_path_factory.mktemp("links"), timeouts) as made:
        yield made


@pytest.fixture(scope="module")
def deeds() -> list[Deed]:
    """What all customers of this file have done."""
    return []


def customers_of(installation: Installation, deeds: list[Deed]) -> Customers:
    """These customers at an API that is near its stores."""
    made = Customers(installation, installation.local_api())
    made.deeds = deeds
    return made


@contextmanager
def far_customers(
    installation: Installation,
    deeds: list[Deed],
    link: Callable[[Server], Link],
    *,
    ready: bool = True,
    **timeouts: float,
) -> Iterator[tuple[Customers, list[Link]]]:
    """Customers of an API whose stores are at the end of two links. ready: it has read ahead what a worker reads."""
    links = [link(installation.redis), link(installation.mongo)]
    services = build_services(
        settings(
            redis_url=f"redis://127.0.0.1:{links[0].port}/0",
            mongo_url=f"mongodb://127.0.0.1:{links[1].port}/?directConnection=true",
            mongo_db=DATABASE,
            confirm_window_ms=CONFIRM_WINDOW_MS,
            **DEFAULTS.model_dump() | timeouts,
        )
    )
    if ready:
        services.warming.run()
    try:
        customers = Customers(installation, LocalApi(services))
        customers.deeds = deeds
        yield customers, links
    finally:
        for each in links:
            each.close()
        services.access.close()
        services.redis.close()
        services.db.client.close()


def first_answers(customers: Customers) -> list[Answer]:
    """Of a hold, its booking if it was granted, and a direct booking."""
    hold, slot = customers.hold(customers.installation.slot()), customers.installation.slot()
    booked = [customers.book(customers.wish(), {"hold_id": hold.body["hold_id"]})] if hold.is_ok else []
    return [hold, *booked, customers.book(customers.wish(), slot)]


def test_links_of_100_ms_work_at_once_with_the_defaults(installation: Installation, deeds: list[Deed]) -> None:
    def far(server: Server) -> Link:
        return Link(server.port, ONE_WAY)

    def work_at_once() -> bool:
        with far_customers(installation, deeds, far) as (customers, _):
            return all(in_time(answer, 201) for answer in first_answers(customers))

    assert wait_until(work_at_once, seconds=SOON), "a busy machine may spoil one attempt, and not each"
    with far_customers(installation, deeds, far) as (customers, links):
        other = customers.held()
        for link in links:
            link.stall()
        for _ in range(2):
            refused = [
                customers.hold(installation.slot()),
                customers.book(customers.wish(), installation.slot()),
                customers.book(customers.wish(), {"hold_id": other.body["hold_id"]} | place_of(other)),
            ]
            assert all(is_unavailable(answer) for answer in refused), refused
    check_rules(customers_of(installation, deeds))


@pytest.mark.parametrize("one_way", [0.16, 0.2])
def test_a_worker_that_knows_nothing_yet_answers_in_time(
    installation: Installation, deeds: list[Deed], one_way: float
) -> None:
    """The look-ups of its key and of the policy share the time of the request."""

    def far(server: Server) -> Link:
        return Link(server.port, one_way)

    with far_customers(installation, deeds, far, ready=False) as (customers, _):
        for _ in range(3):
            answer = customers.hold(installation.slot())
            assert in_time(answer, 201) or is_unavailable(answer), answer


@pytest.mark.parametrize("longer", [{}, FOR_SLOWER], ids=["with the defaults", "with longer time-outs"])
def test_slower_links_that_lose_packets_work_with_longer_time_outs(
    installation: Installation, deeds: list[Deed], longer: dict[str, float]
) -> None:
    def lossy(server: Server) -> Link:
        return Link(server.port, SLOWER, loses_each=7)

    def work() -> bool:
        with far_customers(installation, deeds, lossy, **longer) as (customers, _):
            return all(answer.status == 201 for _ in range(2) for answer in first_answers(customers))

    assert wait_until(work, seconds=2 * SOON) if longer else not work()
    check_rules(customers_of(installation, deeds))
