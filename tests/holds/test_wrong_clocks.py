"""Servers whose own clock is wrong: Redis' clock alone says whether a hold lives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from models.access import Caller
from services import Services
from tests.bookings.evidence import lapse, lasting
from tests.bookings.reserving import Clock
from tests.world import World, services_over


@pytest.fixture(params=[timedelta(hours=2), timedelta(hours=-1)], ids=["ahead", "behind"])
def wrong(world: World, request: pytest.FixtureRequest) -> Iterator[Services]:
    """Another server over the same stores, whose clock is wrong."""
    clock = Clock()
    clock.ahead = request.param
    services = services_over(world.services.redis, world.services.db, clock, prepared=True)
    yield services
    services.access.close()


def test_a_live_hold_is_held_and_one_that_ran_out_is_expired(world: World, wrong: Services, alice: Caller) -> None:
    held = wrong.holds.place(alice, world.hold_request(holder="alice")).hold
    assert (held.status, lasting(wrong.holds.get(alice, held.hold_id))) == ("held", lasting(held))
    again = wrong.holds.place(alice, world.hold_request(holder="alice"))
    assert (lasting(again.hold), again.created) == (lasting(held), False)
    lapse(world, held.hold_id)
    assert wrong.holds.get(alice, held.hold_id).status == "expired"
    assert wrong.holds.place(alice, world.hold_request(holder="alice")).created


def test_a_hold_is_extended_and_booked_until_its_end(world: World, wrong: Services, alice: Caller) -> None:
    hold_id = wrong.holds.place(alice, world.hold_request()).hold.hold_id
    assert wrong.holds.extend(alice, hold_id, 600).status == "held"
    made = wrong.bookings.book(alice, world.book_request(hold_id=hold_id))
    assert (made.created, wrong.holds.get(alice, hold_id).status) == (True, "booked")
