"""Limits of the publishable key: holds per address, holds in the whole org, and bookings per address and day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.access import Caller
from models.catalogue import PolicyPatch
from models.errors import RateLimited, TooManyHolds
from services.bookings.confirming import Confirmed
from services.holds.operations import Holds
from tests.bookings.evidence import everything, lapse
from tests.world import World, rfc3339, tomorrow

pytestmark = pytest.mark.usefixtures("within_a_day")

HERE, THERE = "192.0.2.1", "192.0.2.2"


def starts(count: int) -> list[datetime]:
    return [tomorrow(0) + timedelta(hours=number) for number in range(count)]


def policy(world: World, **figures: int | None) -> None:
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate(figures))


@pytest.fixture
def holds(world: World) -> Holds:
    return world.services.holds


@pytest.fixture
def stranger(alice: Caller) -> Caller:
    return replace(alice, address=HERE)


def hold(world: World, caller: Caller, start: datetime, **asked: Any) -> str:
    return world.services.holds.place(caller, world.hold_request(start=rfc3339(start), **asked)).hold.hold_id


def test_a_thousand_holders_of_one_address_share_its_limit(world: World, stranger: Caller) -> None:
    policy(world, max_hold_seconds=86_400)
    refusals: list[TooManyHolds] = []
    for number in range(1000):
        start = tomorrow(0) + timedelta(minutes=15 * number)
        try:
            hold(world, stranger, start, duration_minutes=15, holder=f"browser-{number:032}", ttl_seconds=86_400)
        except TooManyHolds as refused:
            refusals.append(refused)
    assert len(refusals) == 990
    assert refusals[0].detail == (
        "This address has 10 holds, the most at once: public_holds_per_address. Confirm or release one."
    )
    assert refusals[0].retry_after_seconds in range(86_000, 86_401)


def test_without_a_holder_the_address_alone_counts(world: World, stranger: Caller) -> None:
    for start in starts(10):
        hold(world, stranger, start)
    with pytest.raises(TooManyHolds, match="public_holds_per_address"):
        hold(world, stranger, tomorrow(12))
    assert hold(world, replace(stranger, address=THERE), tomorrow(12))


def test_requests_without_an_address_count_as_one_address(world: World, alice: Caller) -> None:
    for start in starts(10):
        hold(world, alice, start, holder=f"browser-{start}")
    with pytest.raises(TooManyHolds, match="public_holds_per_address"):
        hold(world, alice, tomorrow(12), holder="another browser")


def test_the_limit_of_a_holder_applies_too(world: World, stranger: Caller) -> None:
    for start in starts(3):
        hold(world, stranger, start, holder="alice")
    with pytest.raises(TooManyHolds, match="This holder has 3 holds, the most at once: holds_per_holder"):
        hold(world, stranger, tomorrow(12), holder="alice")


def test_all_addresses_together_have_a_limit(world: World, stranger: Caller, bob: Caller) -> None:
    policy(world, public_holds_most=5)
    for number, start in enumerate(starts(5)):
        hold(world, replace(stranger, address=f"198.51.100.{number}"), start)
    with pytest.raises(TooManyHolds, match="All visitors together have 5 holds, the most at once: public_holds_most"):
        hold(world, stranger, tomorrow(12))
    assert hold(world, bob, tomorrow(12))


def test_null_is_no_limit(world: World, stranger: Caller) -> None:
    policy(world, public_holds_per_address=None, public_holds_most=None)
    assert len({hold(world, stranger, start) for start in starts(20)}) == 20


@pytest.mark.parametrize("role", ["bot", "desk", "admin"])
def test_other_keys_have_none_of_these_limits(world: World, role: str) -> None:
    policy(world, public_holds_per_address=1, public_holds_most=1, public_bookings_per_address_per_day=1)
    caller = replace(world.caller(role), address=HERE)
    for start in starts(3):
        held = hold(world, caller, start)
        assert world.services.bookings.book(caller, world.book_request(hold_id=held)).created
    stored = world.services.redis.keys("*")
    assert not [key for key in stored if any(word in str(key) for word in ("address:", "strangers", "booked:"))]


def book(world: World, caller: Caller, held: str, **more: Any) -> Confirmed:
    return world.services.bookings.book(caller, world.book_request(hold_id=held, **more))


def release(world: World, caller: Caller, held: str) -> None:
    world.services.holds.release(caller, held)


def run_out(world: World, _caller: Caller, held: str) -> None:
    lapse(world, held)


@pytest.mark.parametrize("end", [release, run_out, book])
def test_a_hold_stops_counting_however_it_ends(
    world: World, stranger: Caller, end: Callable[[World, Caller, str], object]
) -> None:
    policy(world, public_holds_per_address=1, public_holds_most=1)
    end(world, stranger, hold(world, stranger, tomorrow(8)))
    assert hold(world, stranger, tomorrow(12))


def test_an_address_has_a_limit_of_bookings_a_day(world: World, stranger: Caller) -> None:
    policy(world, public_bookings_per_address_per_day=2)
    for start in starts(2):
        book(world, stranger, hold(world, stranger, start))
    held = hold(world, stranger, tomorrow(12))
    before = everything(world)
    with pytest.raises(RateLimited, match="public_bookings_per_address_per_day") as refused:
        book(world, stranger, held)
    assert 1 <= (refused.value.retry_after_seconds or 0) <= 86_400
    assert everything(world) == before
    other = replace(stranger, address=THERE)
    assert book(world, other, hold(world, other, tomorrow(14))).created
    policy(world, public_bookings_per_address_per_day=None)
    assert book(world, stranger, held).created


def test_a_repeated_booking_counts_once(world: World, stranger: Caller) -> None:
    policy(world, public_bookings_per_address_per_day=1)
    held = hold(world, stranger, tomorrow(8))
    assert book(world, stranger, held).booking == book(world, stranger, held).booking
    with pytest.raises(RateLimited):
        book(world, stranger, hold(world, stranger, tomorrow(12)))


def test_an_expired_hold_that_is_booked_if_free_counts_too(world: World, stranger: Caller) -> None:
    policy(world, public_bookings_per_address_per_day=1)
    for start, allowed in ((tomorrow(8), True), (tomorrow(12), False)):
        held = hold(world, stranger, start)
        lapse(world, held)
        if allowed:
            assert book(world, stranger, held, if_expired="book_if_free").created
        else:
            with pytest.raises(RateLimited, match="public_bookings_per_address_per_day"):
                book(world, stranger, held, if_expired="book_if_free")


def test_a_cancelled_booking_still_counts(world: World, stranger: Caller, bob: Caller) -> None:
    policy(world, public_bookings_per_address_per_day=1)
    made = book(world, stranger, hold(world, stranger, tomorrow(8))).booking
    world.services.booking_life.act(bob, made.booking_id, "cancel", "rain")
    with pytest.raises(RateLimited):
        book(world, stranger, hold(world, stranger, tomorrow(8)))
