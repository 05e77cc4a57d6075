"""One installation for all drills of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.settings import StoreTimeouts
from tests.system.drills.customers import Customers
from tests.system.drills.installation import Api, Installation, private_installation
from tests.system.drills.proxy import Proxy


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, timeouts: StoreTimeouts) -> Iterator[Installation]:
    with private_installation(tmp_path_factory.mktemp("drill"), timeouts) as made:
        yield made


@pytest.fixture(scope="module")
def healthy(installation: Installation) -> Api:
    """An API without a crash point."""
    return installation.api()


@pytest.fixture(scope="module")
def customers(installation: Installation, healthy: Api) -> Customers:
    return Customers(installation, healthy)


@pytest.fixture(scope="module")
def redis_proxy(installation: Installation) -> Proxy:
    return installation.proxy(installation.redis)


@pytest.fixture(scope="module")
def mongo_proxy(installation: Installation) -> Proxy:
    return installation.proxy(installation.mongo)


@pytest.fixture
def behind_redis(customers: Customers, redis_proxy: Proxy) -> Iterator[Customers]:
    """The same customers at an API that reaches Redis through a proxy and has placed a hold before."""
    yield customers.at(customers.installation.local_api(redis=redis_proxy))
    redis_proxy.heal()


@pytest.fixture
def behind_mongo(customers: Customers, mongo_proxy: Proxy) -> Iterator[Customers]:
    """The same customers at an API that reaches MongoDB through a proxy and has placed a hold before."""
    yield customers.at(customers.installation.local_api(mongo=mongo_proxy))
    mongo_proxy.heal()
