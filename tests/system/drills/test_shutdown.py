"""SIGTERM to the API under load: running requests are answered, and acknowledged bookings exist."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from scripts.dev_server.child import wait_until
from scripts.dev_server.stores import port_answers
from tests.system.drills.customers import Customers, Deed
from tests.system.drills.installation import SOON, Api, Installation
from tests.system.drills.rules import check_rules
from tests.system.drills.traffic import Traffic

IN_FLIGHT = 6


@pytest.fixture
def api(installation: Installation) -> Api:
    return installation.api(GUNICORN_CMD_ARGS="--graceful-timeout 20")


@pytest.fixture
def customers(installation: Installation, api: Api, deeds: list[Deed]) -> Customers:
    made = Customers(installation, api)
    made.deeds = deeds
    return made


@pytest.fixture(scope="module")
def deeds() -> list[Deed]:
    """The deeds of all customers in this file."""
    return []


def test_sigterm_lets_running_requests_be_answered(installation: Installation, api: Api, customers: Customers) -> None:
    wishes = [(customers.wish(), installation.slot()) for _ in range(IN_FLIGHT)]
    with ThreadPoolExecutor(IN_FLIGHT) as pool, installation.inserts_wait():
        answers = [pool.submit(customers.book, deed, slot) for deed, slot in wishes]
        assert wait_until(lambda: len(installation.pins()) == IN_FLIGHT, seconds=SOON)
        api.child.ask_to_stop()
        assert wait_until(lambda: not port_answers(api.port), seconds=SOON)
    assert [each.result().status for each in answers] == [201] * IN_FLIGHT
    assert wait_until(lambda: not api.child.alive(), seconds=SOON)
    assert api.child.process is not None
    assert api.child.process.returncode == 0, api.child.log_tail()
    check_rules(customers)


def test_under_load_nothing_that_was_acknowledged_is_lost(
    installation: Installation, api: Api, customers: Customers
) -> None:
    traffic = Traffic(customers, [installation.slot() for _ in range(24)], seed=6)
    with traffic.running():
        traffic.await_more(60)
        api.child.ask_to_stop()
        assert wait_until(lambda: not api.child.alive(), seconds=SOON)
        traffic.await_more(4)
    assert traffic.answers[-1].status == 0
    check_rules(customers)
