"""What is looked at while streams are open: keys, the catalogue, and the seats of addresses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.access import Caller, Role
from models.errors import RateLimited
from models.live import EventsQuery
from services.live.feed import MOST_OF_AN_ADDRESS, reach_of
from services.live.hub import Hub
from services.live.keeping import KEYS_EVERY, SEATS_EVERY, Keeper
from services.live.stream import Stream
from services.live.views import View
from tests.world import World

HERE = EventsQuery(property_id="prop-1")


@pytest.fixture
def keeper(fake_world: World) -> Keeper:
    return fake_world.services.feed._keeper


@pytest.fixture(autouse=True)
def hub(fake_world: World) -> Iterator[Hub]:
    """At the end no stream is open, so no thread of the feed stays."""
    made = fake_world.services.feed._hub
    yield made
    groups = [group for org in made._orgs.values() for group in org.groups.values()]
    for stream in [stream for group in groups for stream in group.streams]:
        stream.close()


def watch(world: World, role: str = "checkout", query: EventsQuery = HERE) -> Stream:
    """A stream, which the test's own rounds keep."""
    return world.services.feed.open(world.caller(role), query)


def test_streams_of_a_key_that_has_ended_are_stopped_and_others_are_not(fake_world: World, keeper: Keeper) -> None:
    access = fake_world.services.access
    made = access.create_key(fake_world.org, Role.DESK)
    ended, other = fake_world.services.feed.open(access.authenticate(made.key), HERE), watch(fake_world, "desk")
    access.revoke_key(fake_world.org, made.key_id)
    keeper.round(KEYS_EVERY)
    assert not ended.push(b"more"), "a stream that has ended takes nothing more"
    assert other.push(b"more")


def test_a_property_reaches_the_technicians_who_may_be_sent_there(fake_world: World, keeper: Keeper, hub: Hub) -> None:
    client, auth = fake_world.client(), fake_world.auth("admin")
    client.patch("/properties/prop-1", json={"area": "north"}, headers=auth)
    for number, areas in ((1, ["north"]), (2, ["south"]), (3, [])):
        client.patch(f"/technicians/tech-{number}", json={"areas": areas}, headers=auth)
    watch(fake_world, "bot")
    epoch = fake_world.services.redis.get(fake_world.names.epoch)
    keeper.catalogue_changed(fake_world.org, str(epoch))
    keeper.round(1)
    (reach,) = hub.reaches(fake_world.org).values()
    assert reach.technicians == {"tech-1", "tech-3"}
    client.patch("/technicians/tech-2", json={"areas": ["north", "south"]}, headers=auth)
    keeper.catalogue_changed(fake_world.org, str(fake_world.services.redis.get(fake_world.names.epoch)))
    keeper.round(1)
    (reach,) = hub.reaches(fake_world.org).values()
    assert reach.technicians == {"tech-1", "tech-2", "tech-3"}


def test_a_building_reaches_its_units(fake_world: World) -> None:
    client, auth = fake_world.client(), fake_world.auth("admin")
    made = client.post("/properties", json={"id": "flat", "name": "Flat", "parent_id": "prop-1"}, headers=auth)
    assert made.status_code == 201
    catalogue = fake_world.services.catalogue
    catalogue.forget(fake_world.org, None)
    reach = reach_of(catalogue.snapshot(fake_world.org), View(fake_world.org, property_id="prop-1"))
    assert reach is not None
    assert reach.places == {"prop-1", "flat"}
    assert reach_of(catalogue.snapshot(fake_world.org), View(fake_world.org)) is None


def test_seats_are_kept_as_long_as_their_streams_are_open(fake_world: World, keeper: Keeper) -> None:
    redis = fake_world.services.redis
    streams = [watch(fake_world) for _ in range(MOST_OF_AN_ADDRESS)]
    with pytest.raises(RateLimited):
        watch(fake_world)
    (seats,) = redis.scan_iter(f"{fake_world.names.prefix}watching:*")
    redis.delete(seats)  # Redis was lost
    keeper.round(SEATS_EVERY)
    assert redis.zcard(seats) == MOST_OF_AN_ADDRESS
    streams[0].close()
    assert redis.zcard(seats) == MOST_OF_AN_ADDRESS - 1
    watch(fake_world)


def test_a_refused_stream_keeps_no_seat(fake_world: World, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> None:
    monkeypatch.setattr(fake_world.services.feed, "_most", 0)
    with pytest.raises(Exception, match="Too many live streams"):
        watch(fake_world)
    assert list(fake_world.services.redis.scan_iter(f"{fake_world.names.prefix}watching:*")) == []
    assert hub.count == 0


def test_two_orgs_with_the_same_property_share_nothing(fake_world: World, hub: Hub, charlie_there: Caller) -> None:
    watch(fake_world, "bot")
    fake_world.services.feed.open(charlie_there, HERE)
    assert set(hub.positions()) == {fake_world.org, fake_world.other_org}


@pytest.fixture
def charlie_there(fake_world: World) -> Caller:
    return fake_world.services.access.authenticate(fake_world.rival_key)
