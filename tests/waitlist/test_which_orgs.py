"""When the relay makes a round for an org."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from models.errors import StoreUnavailable
from services.waitlist.rounds import Offers
from tests.bookings.evidence import another_server, lapse
from tests.waitlist.waiting import give_back, join, noted, statuses, take
from tests.world import World


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database."""
    return lonely_world


def counted(world: World, action: str) -> float:
    return world.services.metrics.registry.get_sample_value("holdfast_relay_total", {"action": action}) or 0


def test_an_org_gets_a_round_after_each_event_and_every_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    offers, rounds = world.services.offers, list[str]()
    monkeypatch.setattr(Offers, "round", lambda _self, org, _attention: rounds.append(org))
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
    another_server(world).offers.tend()  # the first relay has the lease
    assert rounds == [world.org] * 3


def test_the_relay_makes_the_offers_and_counts_them(world: World) -> None:
    services = world.services
    entry = join(world)
    services.relay.offer()
    assert statuses(world, entry) == ["offered"]
    lapse(world, str(noted(world, entry)["hold_id"]))
    take(world, 15)  # an event, so the next round does not wait for a second
    give_up = monotonic() + 60
    while statuses(world, entry) == ["offered"] and monotonic() < give_up:  # after a long round the org rests first
        services.relay.offer()
    assert statuses(world, entry) == ["lapsed"]
    assert (counted(world, "waitlist_offered"), counted(world, "waitlist_settled")) == (1, 1)


def test_an_error_in_one_orgs_round_does_not_stop_the_rounds_of_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(world)
    neighbour = World(world.services)
    theirs = join(neighbour)
    first, second = sorted((world.org, neighbour.org))
    rounds: list[str] = []

    def broken(_self: Offers, org: str, _attention: object) -> None:
        rounds.append(org)
        if org == first:
            raise OverflowError("date value out of range")

    monkeypatch.setattr(Offers, "round", broken)
    world.services.offers.tend()
    assert rounds == [first, second]
    assert counted(world, "failed") == 1
    assert statuses(world, theirs) == ["waiting"]


def test_a_store_that_is_away_ends_all_rounds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    join(world)
    join(World(world.services))
    rounds: list[str] = []

    def away(_self: Offers, org: str, _attention: object) -> None:
        rounds.append(org)
        raise StoreUnavailable

    monkeypatch.setattr(Offers, "round", away)
    with pytest.raises(StoreUnavailable):
        world.services.offers.tend()
    assert (len(rounds), counted(world, "failed")) == (1, 0)


@pytest.mark.parametrize(("took", "rests"), [(0.05, 1.0), (2.0, 8.0), (600.0, 60.0)])
def test_an_org_rests_longer_after_a_long_round(
    world: World, monkeypatch: pytest.MonkeyPatch, took: float, rests: float
) -> None:
    now, rounds = datetime.now(UTC), list[str]()

    def slow(_self: Offers, org: str, _attention: object) -> None:
        nonlocal now
        rounds.append(org)
        now += timedelta(seconds=took)

    monkeypatch.setattr(Offers, "round", slow)
    clock: Callable[[], datetime] = lambda: now  # noqa: E731  # reads the variable when it is called
    monkeypatch.setattr(world.services.offers, "_clock", clock)
    monkeypatch.setattr(world.services.offers, "_leases", AllLeases())
    join(world)
    world.services.offers.tend()
    if took > 0.1:
        take(world)  # an event does not end the rest
    now += timedelta(seconds=rests - 0.1)
    world.services.offers.tend()
    assert len(rounds) == 1
    now += timedelta(seconds=0.2)
    world.services.offers.tend()
    assert len(rounds) == 2


class AllLeases:
    """Gives out every lease, even when the clock moves."""

    def hold(self, _name: str) -> bool:
        return True
