"""Many relays make offers at one moment, without leases: exactly one offer is made.

The negative controls show that these tests see a second offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from models.waitlist import WaitEntry
from services import Services
from services.stores.connections import connect_mongo, connect_redis
from services.waitlist import rounds as offers
from services.waitlist.offers import Offering
from services.waitlist.openings import Openings
from tests.servers import MongoServer, RedisServer
from tests.system.race.together import Meeting, at_once
from tests.waitlist.waiting import give_back, join, live_holds, noted, offers_published, seen, statuses, take, tend
from tests.world import DATABASE, PATIENT, World, services_over, tomorrow

RELAYS = 6
ROUNDS = 8


@pytest.fixture
def relays(world: World, stores: tuple[RedisServer, MongoServer]) -> Iterator[list[Services]]:
    """Relays over the world's stores, each with connections and memory of its own."""
    made = []
    for _ in range(RELAYS):
        client = connect_redis(stores[0].url, PATIENT)
        db = connect_mongo(stores[1].url, DATABASE, PATIENT)
        made.append(services_over(client, db))
    yield made
    for services in made:
        services.access.close()
        services.redis.close()
        services.db.client.close()


def all_tend(world: World, relays: list[Services]) -> None:
    """All relays make a round at once, as if their leases had run out while they were frozen."""
    outcome = at_once([partial(services.offers.round, world.org) for services in relays])
    assert outcome.errors == []


def test_a_slot_that_many_entries_wait_for_is_offered_once_to_the_first(world: World, relays: list[Services]) -> None:
    booking_id = take(world)
    entries = [join(world) for _ in range(10)]
    all_tend(world, relays)
    assert offers_published(world) == []
    give_back(world, booking_id)
    for _ in range(3):
        all_tend(world, relays)
    assert statuses(world, *entries) == ["offered"] + ["waiting"] * 9
    assert [event["id"] for event in offers_published(world)] == [entries[0].waitlist_id]
    assert live_holds(world) == {seen(world, entries[0]).hold_id}


def race_for_one_entry(world: World, relays: list[Services], rounds: int) -> list[tuple[int, int]]:
    """In each round one entry waits and many slots are free. Gives how many offers and holds each entry got."""
    found = []
    for number in range(rounds):
        day = timedelta(days=number)
        entry = join(world, technician_id=None, begin=tomorrow(8) + day, end=tomorrow(18) + day)
        before = live_holds(world)
        all_tend(world, relays)
        offers_made = [event for event in offers_published(world) if event["id"] == entry.waitlist_id]
        found.append((len(offers_made), len(live_holds(world) - before)))
    return found


def test_an_entry_with_many_free_slots_is_offered_one_slot(world: World, relays: list[Services]) -> None:
    assert race_for_one_entry(world, relays, ROUNDS) == [(1, 1)] * ROUNDS


def test_with_an_unguarded_intent_an_entry_is_offered_several_slots(
    world: World, relays: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same race with the guard off. Two relays want to offer before one of them does."""
    meetings = dict[str, Meeting]()

    def intend(offering: Offering, entry: WaitEntry) -> WaitEntry:
        meetings.setdefault(entry.waitlist_id, Meeting())()
        hold_id = offering._hold_ids.make(entry.org, entry.made_by, 1)
        offering._store._entries.update_one({"_id": entry.waitlist_id}, {"$set": {"hold_id": hold_id}})
        return replace(entry, hold_id=hold_id)

    monkeypatch.setattr(Offering, "_intend", intend)
    assert any(offers_made > 1 for offers_made, _ in race_for_one_entry(world, relays, ROUNDS))


def test_of_many_relays_with_leases_exactly_one_makes_the_round(
    world: World, relays: list[Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[str] = []
    monkeypatch.setattr(offers.Offers, "round", lambda _self, org, _line: rounds.append(org))
    join(world)
    outcome = at_once([services.offers.tend for services in relays])
    assert outcome.errors == []
    assert rounds.count(world.org) == 1


def freed_during_a_round(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two entries wait for overlapping windows. A slot becomes free after the round has passed the first entry."""
    booking_id = take(world)
    first, second = join(world), join(world, technician_id=None, end=tomorrow(11))
    for number in (2, 3):
        take(world, technician_id=f"tech-{number}", property_id=f"prop-{number}")
    look, looked = Openings.first, list[str]()

    def look_and_free(self: Openings, entry: WaitEntry, count: int) -> Any:
        if looked == [first.waitlist_id]:
            give_back(world, booking_id)
        looked.append(entry.waitlist_id)
        return look(self, entry, count)

    monkeypatch.setattr(Openings, "first", look_and_free)
    tend(world)
    return statuses(world, first, second)


def test_a_slot_that_becomes_free_during_a_round_goes_to_the_first_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert freed_during_a_round(world, monkeypatch) == ["offered", "waiting"]


def test_without_a_second_look_it_goes_to_the_second_entry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same test with the guard off."""
    monkeypatch.setattr(offers.Offers, "_could_use", lambda *_: False)
    assert freed_during_a_round(world, monkeypatch) == ["waiting", "offered"]


def test_leaving_booking_and_offering_at_once_leave_no_hold_and_lose_no_booking(
    world: World, relays: list[Services]
) -> None:
    """Whichever wins, no booking is lost, and an entry that has left leaves no hold behind."""
    alice, ended = world.caller("bot"), list[str]()
    for number in range(ROUNDS):
        day = timedelta(days=number)
        entry = join(world, begin=tomorrow(10) + day, end=tomorrow(11) + day)
        if number % 2:
            tend(world)
        request = world.book_request(hold_id=noted(world, entry).get("held_as") or "h_none")
        acts: list[Callable[[], object]] = [
            *[partial(services.offers.round, world.org) for services in relays[:3]],
            partial(world.services.waitlist.leave, alice, entry.waitlist_id),
            partial(world.services.bookings.book, alice, request),
        ]
        at_once(acts)
        tend(world)
        (status,) = statuses(world, entry)
        ended.append(status)
        booked = world.bookings(active=True, start=tomorrow(10) + day)
        assert (status == "booked") == bool(booked)
        assert live_holds(world) == set()
    assert set(ended) <= {"cancelled", "booked"}
