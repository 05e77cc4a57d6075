"""Many requests of two workers insert at one moment, so that their documents meet in batches and between batches."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from models.booking import Booking
from scripts.dev_server.child import wait_until
from services.ledger import store as ledger
from services.ledger.outcomes import Insert
from services.ledger.schema import GUARD
from services.ledger.store import BookingStore
from services.stores.connections import Document
from tests.bookings.sample import sample
from tests.system.race.together import CROWD, PATIENCE, ROUNDS, Outcome, at_once, fresh_slots
from tests.world import World


@pytest.fixture(autouse=True)
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many documents each batch has. The first insert lasts until a batch of several waits behind it."""
    found: list[int] = []
    insert = ledger.Writer._insert

    def count(writer: Any, documents: list[Document]) -> None:
        found.append(len(documents))
        if len(found) == 1:
            assert wait_until(lambda: len(writer._waiting) > 3, seconds=PATIENCE)
        insert(writer, documents)

    monkeypatch.setattr("services.ledger.writer.PATIENCE_SECONDS", PATIENCE)
    monkeypatch.setattr(ledger.Writer, "_insert", count)
    return found


def wish(world: World, start: datetime, **changed: Any) -> Booking:
    return sample(start, **({"org": world.org, "booking_id": f"bk_{secrets.token_hex(8)}"} | changed))


def race(world: World, rounds: int, *, repeated: bool = False) -> list[Outcome[Insert]]:
    """In each round a crowd inserts for one slot: bookings of their own, or one booking again and again."""
    stores, found = [BookingStore(world.services.db, 15) for _ in range(2)], []
    for start in fresh_slots(rounds):
        one = wish(world, start)
        wishes = [one if repeated else wish(world, start) for _ in range(CROWD)]
        found.append(at_once([partial(stores[n % 2].insert, each) for n, each in enumerate(wishes)]))
    return found


def test_of_many_bookings_for_one_slot_exactly_one_is_inserted(world: World, sizes: list[int]) -> None:
    for outcome in race(world, ROUNDS):
        assert outcome.errors == []
        assert sorted(each.outcome for each in outcome.values) == ["inserted", *["taken"] * (CROWD - 1)]
    assert max(sizes) > 3
    assert world.double_booked() == []
    assert len(world.bookings()) == ROUNDS


def test_without_the_index_several_are_inserted(lone_world: World, sizes: list[int]) -> None:
    """The negative control: the same race with the guard off."""
    lone_world.services.db["bookings"].drop_index(GUARD)
    for outcome in race(lone_world, 3):
        assert [each.outcome for each in outcome.values] == ["inserted"] * CROWD
    assert max(sizes) > 3
    assert lone_world.double_booked() != []


def test_one_booking_sent_many_times_is_inserted_once(world: World, sizes: list[int]) -> None:
    for outcome in race(world, ROUNDS, repeated=True):
        assert outcome.errors == []
        assert sorted(each.outcome for each in outcome.values) == ["inserted", *["repeated"] * (CROWD - 1)]
        assert len({each.booking.booking_id for each in outcome.values if each.booking}) == 1
    assert max(sizes) > 3
    assert len(world.bookings()) == ROUNDS
