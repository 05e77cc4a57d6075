"""A network splits, and two Redis masters serve at once: what is mirrored in one does not count for the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from models.booking import Booking
from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services import Services
from services.stores.connections import connect_mongo, connect_redis
from services.stores.redis_server import RedisInfo
from tests.servers import MongoServer, RedisServer
from tests.system.drills.proxy import Proxy
from tests.world import PATIENT, World, rfc3339, services_over, tomorrow

SOON = 30


@pytest.fixture
def pair() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A Redis master and its replica, which has the data of the master."""
    with RedisServer() as master, RedisServer() as replica:
        copy_from(replica, master)
        yield master, replica


def copy_from(replica: RedisServer, master: RedisServer) -> None:
    """Makes a server a replica of another one; it forgets its own data."""
    with replica.client() as client, master.client() as source:
        source.config_set("repl-diskless-sync-delay", 0)
        client.replicaof("127.0.0.1", master.port)
        source.set("copied", master.port)
        assert wait_until(lambda: client.get("copied") == str(master.port), seconds=SOON)


def promote(replica: RedisServer) -> None:
    with replica.client() as client:
        client.replicaof("NO", "ONE")


def identity(server: RedisServer) -> str:
    with server.client() as client:
        return RedisInfo(client).identity()


@dataclass(frozen=True)
class Split:
    """Two machines of one installation: `near` reaches the new master, `far` the old one behind a proxy."""

    near: World
    far: Services
    old: RedisServer
    new: RedisServer
    between: Proxy

    def heal(self) -> None:
        """The old master becomes a replica of the new one, and all clients reach the new one."""
        copy_from(self.old, self.new)
        self.between.cut()
        self.between.upstream = self.new.port
        self.between.heal()

    def book_far(self, hour: int) -> Booking:
        """A booking that the machine on the far side makes, mirrors in its Redis, and follows in the log."""
        desk = self.far.access.authenticate(self.near.keys["desk"])
        made = self.far.bookings.book(desk, self.near.direct_request(start=rfc3339(tomorrow(hour)))).booking
        self.far.relay.carry_over_changes()
        self.far.relay.tend()
        return made

    def mirrored(self) -> set[str]:
        """The bookings that have marks in the new master."""
        return {mark.split("|")[1] for mark in self.near.marks().values()}


@pytest.fixture
def split(pair: tuple[RedisServer, RedisServer], stores: tuple[RedisServer, MongoServer]) -> Iterator[Split]:
    """The split installation; its relays are those of its two machines, and do what a test calls."""
    old, new = pair
    between = Proxy(old.port)
    db = connect_mongo(stores[1].url, "split", PATIENT)
    far_redis, near_redis = connect_redis(f"redis://127.0.0.1:{between.port}/0"), connect_redis(new.url)
    far = services_over(far_redis, db)
    far.relay.carry_over_changes()
    promote(new)
    near = World(services_over(near_redis, db, prepared=True), warm=False)
    for services in (far, near.services):
        services.relay.carry_over_changes()
        services.relay.tend()
    yield Split(near, far, old, new, between)
    for each in (far, near.services):
        each.access.close()
        each.redis.close()
    between.close()
    db.client.drop_database(db.name)
    db.client.close()


def test_what_was_mirrored_in_the_old_master_is_mirrored_in_the_new_one_too(split: Split) -> None:
    made = split.book_far(10)
    assert split.mirrored() == set()
    split.heal()
    split.near.services.relay.carry_over_changes()
    assert split.mirrored() == {made.booking_id}
    split.far.relay.carry_over_changes()
    assert split.near.services.redis.get(split.near.names.epoch)


def test_with_one_position_for_both_masters_the_mirror_would_stay_wrong_and_trusted(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    for services in (split.far, split.near.services):
        monkeypatch.setattr(services.relay._feed, "_follower", lambda: "any Redis")
        services.relay.carry_over_changes()
        services.relay.tend()
    split.book_far(10)
    split.heal()
    for services in (split.far, split.near.services):
        services.relay.carry_over_changes()
        services.relay.tend()
    assert split.mirrored() == set()
    assert split.near.services.redis.get(split.near.names.epoch)


def test_a_relay_that_meets_another_redis_in_the_middle_of_a_round_saves_no_position(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, positions = split.far.relay, split.near.services.db["relay_state"]
    desk = split.far.access.authenticate(split.near.keys["desk"])
    made = split.far.bookings.book(desk, split.near.direct_request()).booking
    identity = relay._feed._follower
    first = iter([RedisInfo(split.near.services.redis).identity()])
    before = list(positions.find().sort("_id", 1))
    monkeypatch.setattr(relay._feed, "_follower", lambda: next(first, None) or identity())
    with pytest.raises(StoreUnavailable):
        relay.carry_over_changes()  # it took the new master for its own, and found the booking in the old one
    assert list(positions.find().sort("_id", 1)) == before
    split.near.services.relay.carry_over_changes()
    assert split.mirrored() == {made.booking_id}


def test_each_master_has_its_own_relay_during_the_split(split: Split) -> None:
    for services in (split.far, split.near.services):
        assert services.relay._leases.hold(f"changes:{services.relay._redis()}")
    assert split.far.relay._redis() != split.near.services.relay._redis()


def test_a_redis_has_another_identity_after_a_restart_a_failover_and_a_failback(
    pair: tuple[RedisServer, RedisServer],
) -> None:
    first, second = pair
    seen = [identity(first)]
    assert identity(first) == seen[0]
    promote(second)
    seen.append(identity(second))
    copy_from(first, second)
    promote(first)  # the same run of the same server, with the data of the second
    seen.append(identity(first))
    first.restart()
    seen.append(identity(first))
    assert len(set(seen)) == len(seen)


def test_after_a_restart_of_redis_every_mirror_is_rebuilt_and_none_after_another_round(lonely_world: World) -> None:
    world = lonely_world
    relay, redis, epoch = world.services.relay, world.services.redis, world.names.epoch
    relay.carry_over_changes()
    relay.tend()
    before = redis.get(epoch)
    relay.carry_over_changes()
    relay.tend()
    assert redis.get(epoch) == before
    with pytest.MonkeyPatch.context() as restarted:
        restarted.setattr(relay._feed, "_follower", lambda: "another run")
        relay.carry_over_changes()
    assert redis.get(epoch) is None
    relay.tend()
    assert redis.get(epoch) not in (None, before)


def test_positions_of_a_redis_that_has_not_served_for_a_day_are_forgotten(lonely_world: World) -> None:
    positions, relay = lonely_world.services.db["relay_state"], lonely_world.services.relay
    positions.delete_many({})
    positions.insert_one({"_id": "gone", "token": {}, "at": tomorrow().replace(year=2020)})
    positions.insert_one({"_id": "just now", "token": {}, "at": tomorrow()})
    relay.carry_over_changes()
    assert {found["_id"] for found in positions.find()} == {"just now", relay._redis()}
