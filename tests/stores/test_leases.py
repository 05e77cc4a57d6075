"""One process at a time holds a lease, and MongoDB's clock decides when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services import build_services
from services.clock import utc_now
from services.stores.connections import connect_mongo
from services.stores.leases import LEASE_SECONDS, Leases
from services.stores.mongo_clock import ASK_EVERY_SECONDS, MongoClock
from tests.world import World, settings

SOON = 30
FIVE_MINUTES = 300.0


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database."""
    return lonely_world


def test_a_lease_has_one_owner_who_may_renew_it_and_give_it_up(world: World) -> None:
    first, second = Leases(world.services.db), Leases(world.services.db)
    assert first.hold("work")
    assert first.hold("work")
    assert not second.hold("work")
    assert second.hold("other work")
    first.give_up()
    assert second.hold("work")
    assert not first.hold("work")
    assert not first.hold("other work")


def test_a_lease_that_is_not_renewed_passes_on_after_its_length(world: World) -> None:
    first, second = Leases(world.services.db), Leases(world.services.db)
    began = monotonic()
    assert first.hold("work", seconds=0.5)
    assert wait_until(lambda: second.hold("work", seconds=0.5), seconds=SOON)
    assert monotonic() - began >= 0.4


def test_a_lease_is_renewed_once_a_third_of_it_is_over(world: World) -> None:
    leases, stored = Leases(world.services.db), world.services.db["leases"]

    def ends() -> datetime:
        (found,) = stored.find()
        until: datetime = found["until"]
        return until

    assert leases.hold("work", seconds=60)
    first = ends()
    assert leases.hold("work", seconds=60)
    assert ends() == first
    leases.give_up()
    assert leases.hold("work", seconds=0.3)
    first = ends()
    assert wait_until(lambda: leases.hold("work", seconds=0.3) and ends() > first, seconds=SOON)


@pytest.mark.parametrize("seconds", [FIVE_MINUTES, -FIVE_MINUTES])
def test_a_relay_whose_clock_is_wrong_leaves_ordinary_leases(world: World, seconds: float) -> None:
    wrong = build_services(
        settings(),
        redis=world.services.redis,
        mongo=world.services.db,
        clock=lambda: utc_now() + timedelta(seconds=seconds),
    )
    wrong.relay.tend()
    wrong.access.close()
    leases = list(world.services.db["leases"].find())
    assert {lease["_id"].partition(":")[0] for lease in leases} == {"expire", "tend"}
    longest = timedelta(seconds=LEASE_SECONDS)
    assert all(timedelta() < lease["until"] - utc_now() <= longest for lease in leases)


def test_the_clock_of_mongodb_does_not_depend_on_the_clock_of_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = datetime.now(UTC)
    passed = 0.0
    clock = MongoClock(world.services.db, lambda: passed)
    asked = clock()
    assert abs(asked - before) < timedelta(seconds=SOON)
    passed = ASK_EVERY_SECONDS / 2
    assert clock() == asked + timedelta(seconds=passed)
    passed = FIVE_MINUTES  # it asks again, and MongoDB knows nothing of these minutes
    assert abs(clock() - before) < timedelta(seconds=SOON)


def test_without_mongodb_its_clock_is_unknown() -> None:
    nowhere = connect_mongo("mongodb://127.0.0.1:9/?directConnection=true", "nothing")
    with pytest.raises(StoreUnavailable):
        MongoClock(nowhere)()
    nowhere.client.close()
