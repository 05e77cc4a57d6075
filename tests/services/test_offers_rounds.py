"""When the relay looks at which org."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.connections import connect_mongo, connect_redis
from services.offers import Offers
from tests.servers import MongoServer, RedisServer
from tests.services.evidence import another_server, lapse
from tests.services.waiting import (
    give_back,
    join,
    noted,
    statuses,
    take,
)
from tests.world import World, services_over


@pytest.fixture(scope="module")
def database(stores: tuple[RedisServer, MongoServer]) -> Iterator[Any]:
    """A database of this file's own: a relay tends every org that it finds in one."""
    db = connect_mongo(stores[1].url, "offer_tests")
    yield db
    db.client.drop_database(db.name)
    db.client.close()


@pytest.fixture
def world(stores: tuple[RedisServer, MongoServer], database: Any) -> Iterator[World]:
    """A world in that database, in which nothing else is."""
    for name in database.list_collection_names():
        database[name].delete_many({})
    client = connect_redis(stores[0].url)
    made = World(services_over(client, database))
    yield made
    made.services.access.close()
    client.close()


def counted(world: World, action: str) -> float:
    return world.services.metrics.registry.get_sample_value("holdfast_relay_total", {"action": action}) or 0


def test_an_org_is_looked_at_when_something_happened_and_every_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    offers, rounds = world.services.offers, list[str]()
    monkeypatch.setattr(Offers, "round", lambda _self, org: rounds.append(org))
    clock: Callable[[], datetime] = lambda: now  # noqa: E731  # reads the variable when it is called
    monkeypatch.setattr(offers, "_clock", clock)
    offers.tend()
    assert rounds == []
    booking_id = take(world)
    join(world)
    offers.tend()
    offers.tend()
    assert rounds == [world.org]
    give_back(world, booking_id)
    offers.tend()
    offers.tend()
    assert rounds == [world.org] * 2
    now += timedelta(seconds=1)
    offers.tend()
    assert rounds == [world.org] * 3
    now += timedelta(seconds=1)
    another_server(world).offers.tend()  # the first one has the lease
    assert rounds == [world.org] * 3


def test_the_relay_makes_the_offers_and_counts_them(world: World) -> None:
    services = world.services
    entry = join(world)
    services.relay.offer()
    assert statuses(world, entry) == ["offered"]
    lapse(world, str(noted(world, entry)["hold_id"]))
    take(world, 15)  # something happens, so that nobody waits for a second
    services.relay.offer()
    assert statuses(world, entry) == ["lapsed"]
    assert (counted(world, "waitlist_offered"), counted(world, "waitlist_settled")) == (1, 1)
