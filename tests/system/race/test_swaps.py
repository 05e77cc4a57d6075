"""Many requests swap visits at one moment, among moves, holds and cancellations. The control without the transaction is
in tests/dispatch/test_swapping_crashes."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from models.booking import Booking
from models.dispatch import SwapRequest
from models.errors import InvalidRequest, InvalidTransition, RequestInProgress, SlotBooked, SlotHeld, VersionConflict
from tests.bookings.moving import check_settled, move, stored
from tests.system.race.together import at_once, fresh_slots, mirrored
from tests.world import World, rfc3339

OUTRUN = {VersionConflict, RequestInProgress, InvalidRequest}
TAKEN = {SlotHeld, SlotBooked}
ROUNDS = 12


def book(world: World, number: int, start: Any, **fields: Any) -> Booking:
    place = {"property_id": f"prop-{number}", "technician_id": f"tech-{number}", "start": rfc3339(start)}
    return world.services.bookings.book(world.caller("desk"), world.direct_request(**place | fields)).booking


def swapping(world: World, one: Booking, two: Booking) -> Any:
    request = SwapRequest.model_validate({"with": two.booking_id})
    return partial(world.services.swapping.swap, world.caller("desk"), one.booking_id, request)


def technicians(world: World, *bookings: Booking) -> list[str]:
    return [stored(world, each.booking_id).technician_id for each in bookings]


def test_swaps_that_share_a_visit_leave_each_technician_with_one_visit(world: World) -> None:
    for start in fresh_slots(ROUNDS):
        one, two, three = (book(world, number, start) for number in (1, 2, 3))
        outcome = at_once([swapping(world, one, two), swapping(world, two, three), swapping(world, three, one)])
        assert outcome.values
        assert outcome.kinds() <= OUTRUN
        assert sorted(technicians(world, one, two, three)) == ["tech-1", "tech-2", "tech-3"]
        made = Counter(
            entry["action"] for each in (one, two, three) for entry in stored(world, each.booking_id).history
        )
        assert made["swap"] == 2 * len(outcome.values)
    check_settled(world)


def test_the_same_swap_asked_many_times_at_once_is_made_as_often_as_it_is_answered(world: World) -> None:
    for start in fresh_slots(ROUNDS):
        one, two = book(world, 1, start), book(world, 2, start)
        outcome = at_once([swapping(world, one, two), swapping(world, two, one)] * 3)
        assert outcome.kinds() <= OUTRUN
        odd = len(outcome.values) % 2
        assert technicians(world, one, two) == (["tech-2", "tech-1"] if odd else ["tech-1", "tech-2"])
    check_settled(world)


def test_a_swap_and_a_cancellation_at_once_leave_the_other_visit_whole(world: World) -> None:
    bob, life = world.caller("desk"), world.services.booking_life
    for start in fresh_slots(ROUNDS):
        one, two = book(world, 1, start), book(world, 2, start)
        cancel = partial(life.act, bob, two.booking_id, "cancel")
        outcome = at_once([swapping(world, one, two), cancel])
        assert outcome.kinds() <= {InvalidTransition, VersionConflict}
        swapped = "swap" in [entry["action"] for entry in stored(world, one.booking_id).history]
        assert technicians(world, one) == (["tech-2"] if swapped else ["tech-1"])
        assert not stored(world, two.booking_id).active
        assert mirrored(world)
    check_settled(world)


def test_a_swap_and_a_hold_of_what_it_needs_never_both_succeed(world: World) -> None:
    """The second visit is longer, so the first technician is needed for an hour more."""
    alice = world.caller("checkout")
    for start in fresh_slots(ROUNDS):
        one, two = book(world, 1, start), book(world, 2, start, duration_minutes=120)
        wanted = world.hold_request(property_id="prop-3", start=rfc3339(one.end))
        outcome = at_once([swapping(world, one, two), *[partial(world.services.holds.place, alice, wanted)] * 3])
        assert len(outcome.values) == 1
        assert outcome.kinds() <= TAKEN
        (winner,) = outcome.values
        if isinstance(winner, tuple):
            assert technicians(world, one, two) == ["tech-2", "tech-1"]
        else:
            request = world.book_request(hold_id=winner.hold.hold_id)
            assert world.services.bookings.book(alice, request).created
    check_settled(world)


def test_a_swap_and_a_move_of_one_of_the_two_leave_both_whole(world: World) -> None:
    bob = world.caller("desk")
    for start in fresh_slots(ROUNDS):
        one, two = book(world, 1, start), book(world, 2, start)
        for fields in ({"technician_id": "tech-3"}, {"duration_minutes": 120}):
            moving = partial(move, world.services, bob, one, None, **fields)
            outcome = at_once([swapping(world, one, two), moving])
            assert outcome.values
            assert outcome.kinds() <= OUTRUN | TAKEN
            assert len({*technicians(world, one, two)}) == 2
    check_settled(world)
