"""A worker dies at a step of a swap, or MongoDB fails it: both visits are swapped or neither is, and the relay repairs
the rest."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Any

import pytest

from models.access import IdempotencyClaim
from models.errors import RequestInProgress, SlotBooked, SlotHeld, StoreUnavailable
from scripts.dev_server.child import wait_until
from services.claims.mirror import ClashUnsettled
from services.ledger.exchanging import Both as Documents
from services.ledger.exchanging import Change, Exchanging, writes_of
from services.ledger.outcomes import NothingSent
from tests.bookings.evidence import another_server, lose_redis
from tests.bookings.moving import Died, at, check_settled, die, move, pins, stored, tend
from tests.dispatch.swaps import APART, MADE, STEPS, Both, at_swap_step, book, no_commit, swap
from tests.world import World, rfc3339

KEY = IdempotencyClaim("swap-1", "what was asked")
UNSENT: dict[str, dict[str, Any]] = {
    "a connection that breaks": {"closeConnection": True},
    "a transaction that is gone": {"errorCode": 251, "errorLabels": ["TransientTransactionError"]},
}
"""Faults of one command that a second try of the transaction gets over."""
OPEN: dict[str, tuple[Any, dict[str, Any]]] = {
    "every connection broken": ("alwaysOn", {"closeConnection": True}),
    "interrupted": ({"times": 2}, {"errorCode": 11601, "errorLabels": ["UnknownTransactionCommitResult"]}),
    "a failed write concern": (
        {"times": 1},
        {"writeConcernError": {"code": 64, "errmsg": "test"}, "errorLabels": ["UnknownTransactionCommitResult"]},
    ),
}
"""Faults of the commit after which the worker cannot know its outcome, or must read it back."""


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database, whose relay has caught up, and whose open transactions end with the test."""
    lonely_world.services.relay.carry_over_changes()
    lonely_world.services.redis.set(lonely_world.names.epoch, "an epoch")
    return lonely_world


@pytest.fixture(params=APART.values(), ids=APART.keys())
def both(world: World, request: pytest.FixtureRequest) -> Both:
    return book(world, 1), book(world, 2, **request.param)


@pytest.fixture
def pair(world: World) -> Both:
    return book(world, 1), book(world, 2)


def technicians(world: World, both: Both) -> list[str]:
    return [stored(world, each.booking_id).technician_id for each in both]


def die_at(world: World, step: str, both: Both, key: IdempotencyClaim | None = None) -> None:
    """Another worker begins a swap and dies at this step. Its session ends with it, as the one of a lost connection."""
    doomed = another_server(world)
    at_swap_step(doomed, step, die)
    with pytest.raises(Died):
        swap(doomed, world.caller("desk"), both, key)


@pytest.mark.parametrize("step", STEPS)
def test_the_relay_repairs_a_broken_swap_and_both_are_swapped_or_neither(world: World, both: Both, step: str) -> None:
    die_at(world, step, both)
    assert technicians(world, both) == (["tech-2", "tech-1"] if step in MADE else ["tech-1", "tech-2"])
    tend(world)
    check_settled(world)


@pytest.mark.parametrize("step", STEPS)
def test_until_repair_no_other_client_gets_a_slot_of_the_two(world: World, both: Both, step: str) -> None:
    """What one has until the swap and the other has from then on is protected by pins and marks alone."""
    die_at(world, step, both)
    for booking in (stored(world, each.booking_id) for each in both):
        wanted = {"property_id": "prop-3", "technician_id": booking.technician_id, "duration_minutes": 15}
        for start in (booking.start, booking.end - timedelta(minutes=15)):
            request = world.hold_request(start=rfc3339(start), **wanted)
            with pytest.raises((SlotBooked, SlotHeld)):
                world.services.holds.place(world.caller("bot"), request)


@pytest.mark.parametrize("step", STEPS)
def test_a_repeat_gets_the_swap_once_however_the_first_worker_died(world: World, pair: Both, step: str) -> None:
    die_at(world, step, pair, KEY)
    with suppress(RequestInProgress):
        swap(world.services, world.caller("desk"), pair, KEY)
    tend(world)
    swapped = swap(world.services, world.caller("desk"), pair, KEY)
    assert [(each.version, each.technician_id) for each in swapped] == [(2, "tech-2"), (2, "tech-1")]
    assert technicians(world, pair) == ["tech-2", "tech-1"]
    check_settled(world)


@pytest.mark.parametrize("ends", ["cancel", "move"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_change_after_a_swap_that_is_not_mirrored_frees_nothing_that_the_other_has(
    world: World, both: Both, ends: str, first: int
) -> None:
    """The change mirrors its booking alone; the other one has to come with it, or its new slot would be free."""
    die_at(world, "after_swap", both)
    bob, changed, other = world.caller("desk"), both[first], stored(world, both[1 - first].booking_id)
    if ends == "cancel":
        world.services.booking_life.act(bob, changed.booking_id, "cancel")
    else:
        move(world.services, bob, changed, 2, start=at(18))
    wanted = {"property_id": "prop-3", "technician_id": other.technician_id, "start": rfc3339(other.start)}
    with pytest.raises(SlotBooked):
        world.services.holds.place(world.caller("bot"), world.hold_request(**wanted))
    tend(world)
    check_settled(world)


@pytest.mark.parametrize("step", STEPS)
def test_redis_lost_during_a_swap_does_no_harm(world: World, pair: Both, step: str) -> None:
    at_swap_step(world.services, step, lambda: lose_redis(world))
    swap(world.services, world.caller("desk"), pair)
    world.services.relay.tend()
    tend(world)
    assert technicians(world, pair) == ["tech-2", "tech-1"]
    check_settled(world)


@pytest.mark.parametrize("fault", UNSENT.values(), ids=UNSENT.keys())
@pytest.mark.parametrize("command", ["update", "find", "commitTransaction"])
def test_the_client_does_not_notice_a_fault_that_a_second_try_gets_over(
    world: World, pair: Both, command: str, fault: dict[str, Any]
) -> None:
    with ExitStack() as stack:
        faults = no_commit(world, {"times": 1}, failCommands=[command], **fault)
        at_swap_step(world.services, "after_swap_claims", lambda: stack.enter_context(faults))
        swapped = swap(world.services, world.caller("desk"), pair)
    assert [(each.version, len(each.history)) for each in swapped] == [(2, 2), (2, 2)]
    check_settled(world)


def test_a_commit_whose_reply_was_lost_is_recognized(world: World, pair: Both) -> None:
    client = world.services.db.client

    def lose_reply() -> None:
        client.admin.command("configureFailPoint", "onPrimaryTransactionalWrite", mode={"times": 1})

    at_swap_step(world.services, "after_swap_written", lose_reply)
    try:
        swapped = swap(world.services, world.caller("desk"), pair)
    finally:
        client.admin.command("configureFailPoint", "onPrimaryTransactionalWrite", mode="off")
    assert [each.version for each in swapped] == [2, 2]
    check_settled(world)


@pytest.mark.parametrize(("mode", "fault"), OPEN.values(), ids=OPEN.keys())
@pytest.mark.usefixtures("brief_writes")
def test_after_an_open_commit_nothing_is_undone(world: World, pair: Both, mode: Any, fault: dict[str, Any]) -> None:
    """A transaction that MongoDB never heard of again ends by itself; until then both bookings are as they were."""
    bob, is_open = world.caller("desk"), False
    with no_commit(world, mode, **fault):
        try:
            swap(world.services, bob, pair, KEY)
        except StoreUnavailable as error:
            is_open = not isinstance(error, NothingSent)
    assert is_open or technicians(world, pair) == ["tech-2", "tech-1"]
    assert len(pins(world)) == (2 if is_open else 0)
    tend(world)
    check_settled(world)
    assert wait_until(lambda: _settled(world, pair), seconds=30)
    assert technicians(world, pair) == ["tech-2", "tech-1"]
    check_settled(world)


def _settled(world: World, pair: Both) -> bool:
    """The same request again, until it has its answer."""
    with suppress(StoreUnavailable, RequestInProgress):
        return [each.version for each in swap(world.services, world.caller("desk"), pair, KEY)] == [2, 2]
    return False


class OneByOne(Exchanging):
    """The twin: the same writes in the same order, without a transaction."""

    def exchange(self, first: Change, second: Change) -> Documents | None:
        for write in writes_of(first, second):
            self._bookings.bulk_write([write])
            self._crash("after_swap_written")
        return None


def test_without_the_transaction_a_worker_that_dies_leaves_half_a_swap(world: World, pair: Both) -> None:
    doomed = another_server(world)
    written = []

    def die_at_the_second() -> None:
        written.append("one")
        if len(written) == 2:
            die()

    doomed.swapping._exchanging = OneByOne(world.services.db, doomed.swapping._store, lambda _point: None)
    at_swap_step(doomed, "after_swap_written", die_at_the_second)
    with pytest.raises(Died):
        swap(doomed, world.caller("desk"), pair)
    assert technicians(world, pair) == ["tech-1", "tech-1"]
    assert not any(claim[0].startswith("technician:") for claim in stored(world, pair[0].booking_id).claims)
    with pytest.raises(ClashUnsettled):
        tend(world)
