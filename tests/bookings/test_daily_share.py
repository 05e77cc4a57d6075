"""Bookings of the publishable key while Redis does not answer: each process keeps to the share of an address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.access import Caller
from models.catalogue import PolicyPatch
from models.errors import RateLimited, SlotBooked
from services import Services
from tests.world import World, rfc3339, tomorrow

pytestmark = pytest.mark.usefixtures("within_a_day")

HERE, THERE = "192.0.2.7", "192.0.2.8"
FIGURE = "public_bookings_per_address_per_day"


@pytest.fixture
def stranger(world: World) -> Caller:
    return replace(world.caller("checkout"), address=HERE)


def policy(world: World, **changed: Any) -> None:
    figures = changed | {"public_holds_per_address": None}
    world.services.catalogue_desk.patch_policy(world.org, PolicyPatch.model_validate(figures))


def held(world: World, caller: Caller, hour: int, *, key: str = "prop-1", technician: str = "tech-1") -> dict[str, Any]:
    """What a request to book a new hold says, so that MongoDB alone can book it."""
    slot = {"property_id": key, "technician_id": technician, "start": rfc3339(tomorrow(hour))}
    request = world.hold_request(**slot)
    return slot | {"hold_id": world.services.holds.place(caller, request).hold.hold_id}


def book(world: World, server: Services, caller: Caller, asked: dict[str, Any]) -> bool:
    """Whether the server made a booking."""
    return server.bookings.book(caller, world.book_request(**asked)).created


def alone(server: Services) -> float | None:
    return server.metrics.registry.get_sample_value("holdfast_rate_limiter_failures_total")


def test_a_process_admits_the_share_of_an_address_and_the_metrics_show_it(
    world: World, cut_off: Services, stranger: Caller
) -> None:
    policy(world, **{FIGURE: 2})
    asked = [held(world, stranger, hour) for hour in (8, 10, 12)]
    assert [book(world, cut_off, stranger, each) for each in asked[:2]] == [True, True]
    with pytest.raises(RateLimited, match=FIGURE) as refused:
        book(world, cut_off, stranger, asked[2])
    assert 1 <= (refused.value.retry_after_seconds or 0) <= 86_400
    assert len(world.bookings()) == 2
    assert alone(cut_off) == 2
    other = replace(stranger, address=THERE)
    assert book(world, cut_off, other, held(world, other, 14))
    policy(world, **{FIGURE: None})
    assert book(world, cut_off, stranger, asked[2])


def test_a_new_day_begins_a_new_share(
    world: World, cut_off: Services, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(world, **{FIGURE: 1})
    asked = [held(world, stranger, hour) for hour in (8, 10)]
    share = cut_off.bookings._beginning._without_redis._share
    assert book(world, cut_off, stranger, asked[0])
    now = cut_off.clock()
    monkeypatch.setattr(share, "_clock", lambda: now + timedelta(days=1))
    assert book(world, cut_off, stranger, asked[1])


def test_repeats_and_refusals_count_nothing(world: World, cut_off: Services, stranger: Caller) -> None:
    policy(world, **{FIGURE: 2})
    first, lost, last = [held(world, stranger, hour) for hour in (8, 10, 12)]
    assert book(world, cut_off, stranger, first)
    assert not book(world, cut_off, stranger, first)
    world.services.bookings.book(world.caller("desk"), world.direct_request(start=rfc3339(tomorrow(15))))
    book(world, cut_off, world.caller("desk"), {name: lost[name] for name in lost if name != "hold_id"})
    with pytest.raises(SlotBooked):
        book(world, cut_off, stranger, lost)
    assert book(world, cut_off, stranger, last)
    with pytest.raises(RateLimited):
        book(world, cut_off, stranger, held(world, stranger, 18))


def test_other_keys_have_no_share(world: World, cut_off: Services) -> None:
    policy(world, **{FIGURE: 1})
    bot = replace(world.caller("bot"), address=HERE)
    asked = [held(world, bot, hour) for hour in (8, 10, 12)]
    assert [book(world, cut_off, bot, each) for each in asked] == [True] * 3
    assert alone(cut_off) == 0
