"""Two visits swap their technicians: both or neither, under the rules of a move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.access import IdempotencyClaim
from models.booking import ReserveRequest
from models.catalogue import TechnicianPatch
from models.errors import (
    BookingNotFound,
    InvalidRequest,
    InvalidTransition,
    OutsideWorkingHours,
    RequestInProgress,
    SlotBooked,
    SlotHeld,
    TooLate,
    VersionConflict,
)
from tests.bookings.evidence import everything, insert_only, lose_redis
from tests.bookings.moving import Died, at, check_settled, die, move, stored
from tests.dispatch.swaps import APART, Both, at_swap_step, book, swap
from tests.world import World

KEY = IdempotencyClaim("swap-1", "what was asked")


@pytest.fixture
def both(world: World) -> Both:
    return book(world, 1), book(world, 2)


def technicians(world: World, both: Both) -> list[str]:
    return [stored(world, each.booking_id).technician_id for each in both]


@pytest.mark.parametrize("second", APART.values(), ids=APART.keys())
def test_two_visits_swap_their_technicians_and_keep_their_times_and_properties(
    world: World, second: dict[str, Any]
) -> None:
    both = book(world, 1), book(world, 2, **second)
    swapped = swap(world.services, world.caller("desk"), both)
    assert [each.technician_id for each in swapped] == ["tech-2", "tech-1"]
    for before, after in zip(both, swapped, strict=True):
        same = ("property_id", "start", "end", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
        assert all(getattr(before, name) == getattr(after, name) for name in same)
        assert after == stored(world, after.booking_id)
    check_settled(world)


def test_both_histories_say_who_came_before_and_with_whom_they_swapped(world: World, both: Both) -> None:
    bob = world.caller("desk")
    one, two = swap(world.services, bob, both)
    assert (one.version, two.version) == (2, 2)
    entry, other = one.history[-1], two.history[-1]
    assert (entry["by"], entry["action"]) == (bob.name, "swap")
    assert entry["changes"]["technician_id"] == {"from": "tech-1", "to": "tech-2"}
    with_two, with_one = entry["changes"]["with"]["to"], other["changes"]["with"]["to"]
    assert (with_two["booking_id"], with_two["version"]) == (two.booking_id, 2)
    assert (with_one["booking_id"], with_one["swap_id"]) == (one.booking_id, with_two["swap_id"])


def test_what_a_swap_leaves_is_free_and_what_it_takes_is_not(world: World) -> None:
    both = book(world, 1), book(world, 2, start=at(14))
    swap(world.services, world.caller("desk"), both)
    holds, alice = world.services.holds, world.caller("checkout")
    for technician, hour in (("tech-1", 14), ("tech-2", 10)):
        with pytest.raises(SlotBooked):
            holds.place(alice, world.hold_request(property_id="prop-3", technician_id=technician, start=at(hour)))
    for technician, hour in (("tech-1", 10), ("tech-2", 14)):
        request = world.hold_request(property_id="prop-3", technician_id=technician, start=at(hour))
        assert holds.place(alice, request).created


def test_a_reservation_swaps_too_and_stays_one(world: World) -> None:
    bob = world.caller("desk")
    fields = {"property_id": "prop-2", "technician_id": "tech-2", "start": at(10), "reserved_by": "Dora"}
    reserved = world.services.bookings.reserve(bob, ReserveRequest.model_validate(fields)).booking
    one, two = swap(world.services, bob, (book(world, 1), reserved))
    assert (one.status, two.status, two.technician_id) == ("confirmed", "pending", "tech-1")
    assert two.reserved_until == reserved.reserved_until


@pytest.mark.parametrize("taken", [SlotHeld, SlotBooked])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_swap_into_a_taken_time_is_refused_and_changes_nothing(world: World, taken: type, order: Any) -> None:
    """The second visit is longer, so the first technician is needed at a time that is taken."""
    pair = book(world, 1), book(world, 2, duration_minutes=120)
    other = {"property_id": "prop-3", "technician_id": "tech-1", "start": at(11)}
    if taken is SlotHeld:
        world.services.holds.place(world.caller("checkout"), world.hold_request(**other))
    else:
        world.services.bookings.book(world.caller("desk"), world.direct_request(**other))
    before = everything(world)
    with pytest.raises(taken) as refused:
        swap(world.services, world.caller("desk"), (pair[order[0]], pair[order[1]]))
    assert [(each.kind, each.id) for each in refused.value.members["conflicts"]] == [("technician", "tech-1")]
    assert {name: found for name, found in everything(world).items() if name == "bookings"} == {
        "bookings": before["bookings"]
    }
    assert technicians(world, pair) == ["tech-1", "tech-2"]


def test_a_booking_that_only_mongodb_knows_refuses_the_swap_and_is_mirrored(world: World) -> None:
    both = book(world, 1), book(world, 2, duration_minutes=120)
    insert_only(
        world,
        world.caller("desk"),
        world.direct_request(property_id="prop-3", technician_id="tech-1", start=at(11)),
    )
    with pytest.raises(SlotBooked):
        swap(world.services, world.caller("desk"), both)
    assert technicians(world, both) == ["tech-1", "tech-2"]
    check_settled(world)


def test_a_technician_who_does_not_work_then_refuses_the_swap_unless_staff_lift_the_rule(world: World) -> None:
    both = book(world, 1), book(world, 2, start=at(14))
    mornings = TechnicianPatch.model_validate({"working_hours": {day: [["08:00", "12:00"]] for day in _DAYS}})
    world.services.catalogue_desk.patch_technician(world.org, "tech-1", mornings)
    bob = world.caller("desk")
    with pytest.raises(OutsideWorkingHours):
        swap(world.services, bob, both)
    assert technicians(world, both) == ["tech-1", "tech-2"]
    one, two = swap(world.services, bob, both, override=["working_hours"])
    assert (one.technician_id, two.technician_id) == ("tech-2", "tech-1")
    assert two.history[-1]["changes"]["override"]["to"] == ["working_hours"]
    check_settled(world)


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.mark.parametrize("ended", [0, 1])
def test_a_visit_that_has_ended_is_not_swapped(world: World, both: Both, ended: int) -> None:
    bob = world.caller("desk")
    world.services.booking_life.act(bob, both[ended].booking_id, "cancel")
    with pytest.raises(InvalidTransition, match=both[ended].booking_id):
        swap(world.services, bob, both)


def test_a_visit_that_is_over_is_too_late(world: World, both: Both) -> None:
    world.services.swapping._clock = lambda: both[0].end
    with pytest.raises(TooLate):
        swap(world.services, world.caller("desk"), both)


def test_a_booking_with_itself_and_one_with_the_same_technician_are_no_swap(world: World, both: Both) -> None:
    bob = world.caller("desk")
    later = book(world, 1, start=at(14))
    for second in (both[0], later):
        with pytest.raises(InvalidRequest) as refused:
            swap(world.services, bob, (both[0], second))
        assert [fault.field for fault in refused.value.faults] == ["with"]


def test_a_booking_of_nobody_or_of_another_org_is_not_found(world: World, both: Both) -> None:
    bob, charlie = world.caller("desk"), world.services.access.authenticate(world.rival_key)
    for caller, pair in ((charlie, both), (bob, (both[0], both[1].changed(booking_id="bk_none")))):
        with pytest.raises(BookingNotFound):
            swap(world.services, caller, pair)
    assert technicians(world, both) == ["tech-1", "tech-2"]


def test_a_repeat_with_its_key_gets_the_first_answer_and_one_without_swaps_back(world: World, both: Both) -> None:
    bob = world.caller("desk")
    first = swap(world.services, bob, both, KEY)
    edited = move(world.services, bob, first[0], 2, description="Ring twice.")
    assert swap(world.services, bob, both, KEY) == first
    assert world.services.swapping.first_answer(bob, both[1].booking_id, KEY) == first
    assert stored(world, edited.booking_id) == edited
    back = swap(world.services, bob, both)
    assert [each.technician_id for each in back] == ["tech-1", "tech-2"]
    check_settled(world)


def test_technicians_that_change_meanwhile_are_a_version_conflict_and_other_changes_are_none(
    world: World, both: Both
) -> None:
    bob, changes = world.caller("desk"), [{"description": "Ring twice."}, {"technician_id": "tech-3"}]

    def change() -> None:
        if changes:
            move(world.services, bob, both[0], None, **changes.pop(0))

    at_swap_step(world.services, "after_swap_claims", change)
    with pytest.raises(VersionConflict):
        swap(world.services, bob, both)
    assert technicians(world, both) == ["tech-3", "tech-2"]
    check_settled(world)
    swapped = swap(world.services, bob, both)
    assert [each.technician_id for each in swapped] == ["tech-2", "tech-3"]
    check_settled(world)


def test_the_same_two_cannot_be_swapped_twice_at_a_time(world: World, both: Both) -> None:
    bob, refused = world.caller("desk"), []

    def swap_too() -> None:
        for pair in (both, both[::-1]):
            with pytest.raises(RequestInProgress) as error:
                swap(world.services, bob, pair)
            refused.append(error.value)

    at_swap_step(world.services, "after_swap_claims", swap_too)
    swap(world.services, bob, both)
    assert len(refused) == 2
    check_settled(world)


def test_a_lost_redis_is_no_obstacle(world: World, both: Both) -> None:
    lose_redis(world)
    swap(world.services, world.caller("desk"), both)
    assert technicians(world, both) == ["tech-2", "tech-1"]
    check_settled(world)


def test_the_marks_of_a_reservation_outlast_its_deadline_during_a_swap(world: World) -> None:
    """The other visit has its slot from the commit on. Until the mirror shows that, these marks alone protect it."""
    bob, services = world.caller("desk"), world.services
    fields = {"property_id": "prop-2", "technician_id": "tech-2", "start": at(10), "reserved_by": "Dora"}
    reserved = services.bookings.reserve(bob, ReserveRequest.model_validate(fields)).booking
    soon = {"version": 2, "reserved_until": datetime.now(UTC) + timedelta(seconds=30)}
    services.db["bookings"].update_one({"_id": reserved.booking_id}, {"$set": soon})
    at_swap_step(services, "after_swap", die)
    with pytest.raises(Died):
        swap(services, bob, (book(world, 1), reserved))
    keys = [world.names.claim("technician:tech-2", services.grid.tick(reserved.start) + tick) for tick in range(4)]
    client: Any = services.redis
    assert [client.get(key) for key in keys] == [f"r|{reserved.booking_id}"] * 4
    assert min(client.pttl(key) for key in keys) > 60_000
