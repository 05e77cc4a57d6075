"""A worker starts while a store is away, says so, and serves once the store is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.dev_server.child import wait_until
from services.settings import StoreTimeouts
from tests.system.drills.customers import Customers, Deed, in_time
from tests.system.drills.installation import SOON, Installation, away, private_installation
from tests.system.drills.rules import check_rules

pytestmark = pytest.mark.real_timeouts


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, timeouts: StoreTimeouts) -> Iterator[Installation]:
    with private_installation(tmp_path_factory.mktemp("late"), timeouts) as made:
        yield made


@pytest.fixture(scope="module")
def deeds() -> list[Deed]:
    """What all customers of this file have done."""
    return []


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("store", ["redis", "mongo"])
def test_a_worker_starts_without_a_store_and_serves_once_it_is_there(
    installation: Installation, deeds: list[Deed], store: str, how: str
) -> None:
    with away(getattr(installation, store), how):
        customers = Customers(installation, installation.api())
        customers.deeds = deeds
        ready = customers.ask("GET", "/readyz")
        assert in_time(ready, 503), ready
    assert wait_until(lambda: customers.hold(installation.slot()).status == 201, seconds=SOON)
    hold = customers.held()
    customers.booked({"hold_id": hold.body["hold_id"]})
    check_rules(customers)
