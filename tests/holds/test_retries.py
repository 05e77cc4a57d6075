"""Repeated hold requests: after a lost reply, with an idempotency key, as the same holder, or as another one."""

from __future__ import annotations

import pytest

from models.access import Caller, IdempotencyClaim
from models.errors import IdempotencyKeyReused, SlotHeld, TooManyHolds
from services.holds.operations import Holds
from tests.bookings.evidence import everything, lasting, owners
from tests.world import World, rfc3339, tomorrow

KEY = IdempotencyClaim("a key", "print of the request")


@pytest.fixture
def holds(world: World) -> Holds:
    return world.services.holds


def test_the_same_holder_gets_its_hold_back(world: World, holds: Holds, alice: Caller) -> None:
    first = holds.place(alice, world.hold_request(holder="alice"))
    before = everything(world)
    again = holds.place(alice, world.hold_request(holder="alice"))
    assert (lasting(again.hold), again.created, again.replayed) == (lasting(first.hold), False, False)
    assert everything(world) == before


def test_a_repeat_shows_the_hold_as_it_is_now(world: World, holds: Holds, alice: Caller) -> None:
    first = holds.place(alice, world.hold_request(holder="alice"))
    extended = holds.extend(alice, first.hold.hold_id, 600)
    assert holds.place(alice, world.hold_request(holder="alice")).hold == extended


@pytest.mark.parametrize(
    "changed",
    [
        {"holder": "carol"},
        {"holder": "alice", "duration_minutes": 30},
        {"holder": "alice", "buffer_after_minutes": 15},
        {"holder": "alice", "start": rfc3339(tomorrow(10, 15))},
        {},
    ],
    ids=["another holder", "another duration", "another buffer", "another start", "no holder"],
)
def test_a_request_that_differs_is_refused_as_held(
    world: World, holds: Holds, bot: Caller, changed: dict[str, object]
) -> None:
    holds.place(bot, world.hold_request(holder="alice"))
    before = everything(world)
    with pytest.raises(SlotHeld):
        holds.place(bot, world.hold_request(**changed))
    assert everything(world) == before


def test_the_same_holder_under_another_api_key_is_another_client(
    world: World, holds: Holds, alice: Caller, stranger: Caller
) -> None:
    holds.place(alice, world.hold_request(holder="alice"))
    with pytest.raises(SlotHeld):
        holds.place(stranger, world.hold_request(holder="alice"))


def test_a_repeated_search_for_any_technician_gets_the_same_hold(
    world: World, holds: Holds, alice: Caller, bob: Caller
) -> None:
    blocked = holds.place(bob, world.hold_request(property_id="prop-2")).hold
    wish = world.hold_request(holder="alice", technician_id=None, fallback="next_available")
    first = holds.place(alice, wish).hold
    assert first.visit.technician_id == "tech-2"
    holds.release(bob, blocked.hold_id)
    assert lasting(holds.place(alice, wish).hold) == lasting(first)


def test_an_idempotency_key_gives_the_first_answer(world: World, holds: Holds, alice: Caller) -> None:
    first = holds.place(alice, world.hold_request(), KEY)
    before = everything(world)
    again = holds.place(alice, world.hold_request(), KEY)
    assert (lasting(again.hold), again.created, again.replayed) == (lasting(first.hold), True, True)
    assert everything(world) == before


def test_a_replay_uses_no_quota(world: World, holds: Holds, alice: Caller) -> None:
    for _ in range(5):
        holds.place(alice, world.hold_request(holder="alice"), KEY)
    for hour in (12, 14):
        holds.place(alice, world.hold_request(holder="alice", start=rfc3339(tomorrow(hour))))
    with pytest.raises(TooManyHolds):
        holds.place(alice, world.hold_request(holder="alice", start=rfc3339(tomorrow(16))))
    assert holds.place(alice, world.hold_request(holder="alice"), KEY).replayed


def test_a_replay_of_a_released_hold_is_still_the_first_answer(world: World, holds: Holds, alice: Caller) -> None:
    first = holds.place(alice, world.hold_request(), KEY)
    holds.release(alice, first.hold.hold_id)
    again = holds.place(alice, world.hold_request(), KEY)
    assert (lasting(again.hold), again.replayed) == (lasting(first.hold), True)
    assert owners(world) == {}


def test_an_idempotency_key_of_another_request_is_refused(world: World, holds: Holds, alice: Caller) -> None:
    holds.place(alice, world.hold_request(), KEY)
    before = everything(world)
    with pytest.raises(IdempotencyKeyReused):
        holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14))), IdempotencyClaim(KEY.key, "other"))
    assert everything(world) == before


def test_an_idempotency_key_belongs_to_one_api_key(
    world: World, holds: Holds, alice: Caller, stranger: Caller, charlie: Caller
) -> None:
    first = holds.place(alice, world.hold_request(), KEY)
    second = holds.place(stranger, world.hold_request(start=rfc3339(tomorrow(14))), KEY)
    third = holds.place(charlie, world.hold_request(), KEY)
    assert len({placed.hold.hold_id for placed in (first, second, third)}) == 3
    assert not any(placed.replayed for placed in (first, second, third))


def test_a_refusal_keeps_no_idempotency_key(world: World, holds: Holds, alice: Caller, bob: Caller) -> None:
    blocked = holds.place(bob, world.hold_request()).hold
    with pytest.raises(SlotHeld):
        holds.place(alice, world.hold_request(), KEY)
    holds.release(bob, blocked.hold_id)
    assert holds.place(alice, world.hold_request(), KEY).created
