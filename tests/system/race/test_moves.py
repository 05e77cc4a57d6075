"""Many requests move bookings at one moment, among holds and cancellations. Controls: test_moves_unguarded."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from models.booking import Booking, ReserveRequest
from models.errors import InvalidTransition, RequestInProgress, SlotBooked, SlotHeld, VersionConflict
from tests.bookings.moving import check_settled, later, move, pins, stored, whole
from tests.system.race.together import CROWD, Outcome, at_once, fresh_slots
from tests.world import World, rfc3339, tomorrow

TAKEN = {SlotHeld, SlotBooked}
OUTRUN = {VersionConflict, RequestInProgress}


def book(world: World, start: datetime, **fields: Any) -> Booking:
    request = world.direct_request(start=rfc3339(start), **fields)
    return world.services.bookings.book(world.caller("desk"), request).booking


def moving(world: World, booking: Booking, version: int | None = 1, role: str = "desk", **fields: Any) -> Any:
    """An act that moves a booking; `start` is a time."""
    if "start" in fields:
        fields["start"] = rfc3339(fields["start"])
    return partial(move, world.services, world.caller(role), booking, version, **fields)


def started(world: World, booking: Booking) -> datetime:
    found = stored(world, booking.booking_id)
    assert (found.active, whole(world, found)) == (True, True)
    return found.start


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_two_bookings_that_want_each_others_slot_are_both_refused_and_stay(world: World) -> None:
    for start in fresh_slots():
        one, two = book(world, start), book(world, start + hours(1))
        outcome = at_once([moving(world, one, start=two.start), moving(world, two, start=one.start)])
        assert (outcome.values, outcome.kinds()) == ([], {SlotBooked})
        assert (started(world, one), started(world, two)) == (one.start, two.start)
    check_settled(world)


def test_two_moves_that_overlap_each_other_leave_both_bookings_whole(world: World) -> None:
    """Each would overlap the other's old slot and new slot: at most one moves."""
    for start in fresh_slots():
        one, two = book(world, start), book(world, start + hours(1.5))
        both = [moving(world, one, start=start + hours(0.5)), moving(world, two, start=start + hours(1))]
        outcome = at_once(both)
        assert outcome.kinds() <= TAKEN
        assert len(outcome.values) == 1
        assert started(world, one) != started(world, two)
    check_settled(world)


def test_a_move_into_a_slot_that_another_leaves_succeeds_or_is_refused(world: World) -> None:
    for start in fresh_slots():
        one, two = book(world, start), book(world, start + hours(1))
        outcome = at_once([moving(world, one, start=two.start), moving(world, two, start=start + hours(3))])
        assert started(world, two) == start + hours(3)
        assert started(world, one) == (two.start if len(outcome.values) == 2 else one.start)
        assert outcome.kinds() <= TAKEN
    check_settled(world)


def test_of_many_moves_to_one_slot_exactly_one_gets_it(world: World) -> None:
    for start in fresh_slots(10):
        bookings = [book(world, start + hours(number / 4), duration_minutes=15) for number in range(12)]
        target = start + hours(4)
        outcome = at_once([moving(world, booking, start=target) for booking in bookings])
        assert len(outcome.values) == 1
        assert outcome.kinds() <= TAKEN
        assert sorted(started(world, booking) == target for booking in bookings) == [False] * 11 + [True]
    check_settled(world)


def test_a_move_and_a_hold_on_one_slot_never_both_succeed_and_the_owner_books_it(world: World) -> None:
    alice, holds, bookings = world.caller("checkout"), world.services.holds, world.services.bookings
    for start in fresh_slots():
        booking, wanted = book(world, start), world.hold_request(start=rfc3339(start + hours(2.5)))
        acts: list[Callable[[], Any]] = [partial(holds.place, alice, wanted)] * 3
        outcome = at_once([moving(world, booking, start=start + hours(2)), *acts])
        assert len(outcome.values) == 1
        assert outcome.kinds() <= TAKEN
        (winner,) = outcome.values
        if isinstance(winner, Booking):
            assert started(world, booking) == start + hours(2)
        else:
            assert started(world, booking) == start
            assert bookings.book(alice, world.book_request(hold_id=winner.hold.hold_id)).created
    check_settled(world)


def test_a_move_and_a_direct_booking_on_one_slot_never_both_succeed(world: World) -> None:
    for start in fresh_slots():
        booking = book(world, start)
        acts: list[Callable[[], Any]] = [partial(book, world, start + hours(2.5), technician_id="tech-2")] * 2
        outcome = at_once([moving(world, booking, start=start + hours(2)), *acts])
        assert len(outcome.values) == 1
        assert outcome.kinds() <= TAKEN
        assert len(world.bookings(start={"$gte": start, "$lt": start + hours(6)})) in (1, 2)
    check_settled(world)


@pytest.mark.parametrize("version", [1, None])
def test_a_booking_that_is_moved_and_cancelled_at_once_ends_cancelled(world: World, version: int | None) -> None:
    bob, life = world.caller("desk"), world.services.booking_life
    for start in fresh_slots():
        booking = book(world, start)
        cancel: Callable[[], Any] = partial(life.act, bob, booking.booking_id, "cancel")
        outcome = at_once([moving(world, booking, version, start=start + hours(0.5)), cancel])
        found = stored(world, booking.booking_id)
        assert (found.status, found.version, len(found.history)) == (
            "cancelled",
            1 + len(outcome.values),
            found.version,
        )
        assert outcome.kinds() <= {VersionConflict, InvalidTransition}
        assert world.marks() == {}
    check_settled(world)


def move_to_many_slots(world: World, start: datetime) -> tuple[Booking, Outcome[Booking]]:
    """Move one version of a booking to many slots at one moment."""
    booking = book(world, start, duration_minutes=15)
    slots = [start + hours(1 + number / 4) for number in range(12)]
    return booking, at_once([moving(world, booking, start=slot) for slot in slots])


def test_of_many_moves_of_one_version_exactly_one_is_made(world: World) -> None:
    for start in fresh_slots(10):
        booking, outcome = move_to_many_slots(world, start)
        (moved,) = outcome.values
        assert outcome.kinds() <= OUTRUN
        assert moved == stored(world, booking.booking_id)
        assert (moved.version, len(moved.history)) == (2, 2)
    check_settled(world)


def test_moves_of_any_version_are_made_one_after_another(world: World) -> None:
    for start in fresh_slots(5):
        booking = book(world, start, duration_minutes=15)
        slots = [start + hours(1 + number / 4) for number in range(6)]
        outcome = at_once([moving(world, booking, None, start=slot) for slot in slots])
        assert outcome.kinds() <= OUTRUN
        found = stored(world, booking.booking_id)
        assert found.version == 1 + len(outcome.values) == len(found.history)
        assert sorted(moved.version for moved in outcome.values) == list(range(2, found.version + 1))
    check_settled(world)


@pytest.mark.parametrize("distance", [2, 0.5], ids=["elsewhere", "over itself"])
def test_repeated_moves_at_once_make_one_change_and_all_answers_agree(world: World, distance: float) -> None:
    for start in fresh_slots(10):
        booking = book(world, start)
        twin = moving(world, booking, start=start + hours(distance))
        outcome = at_once([twin] * CROWD)
        assert outcome.kinds() <= {RequestInProgress}
        answers = [*outcome.values, twin()]
        assert all(answer == answers[0] for answer in answers)
        assert answers[0] == stored(world, booking.booking_id)
        assert answers[0].version == 2
    check_settled(world)


def test_repeated_moves_that_each_take_over_the_other_make_one_change(world: World) -> None:
    """To each server the others look dead, so each takes over at once what another still does."""
    bob, servers = world.caller("desk"), [later(world) for _ in range(4)]
    for start in fresh_slots():
        booking = book(world, start)
        wanted = world.hold_request(start=rfc3339(start + hours(2)))
        acts: list[Callable[[], Any]] = [partial(world.services.holds.place, bob, wanted)] * 4
        acts += [partial(move, each, bob, booking, start=rfc3339(wanted.start)) for each in servers]
        outcome = at_once(acts)
        assert outcome.kinds() <= TAKEN
        if any(isinstance(value, Booking) for value in outcome.values):
            assert all(value == stored(world, booking.booking_id) for value in outcome.values)
            assert outcome.values[0].version == 2
        else:
            assert (len(outcome.values), stored(world, booking.booking_id)) == (1, booking)
    check_settled(world)


def test_a_reservation_that_is_moved_and_confirmed_at_once_becomes_both_or_the_loser_is_refused(world: World) -> None:
    bob, life = world.caller("desk"), world.services.booking_life
    for start in fresh_slots():
        fields = {"property_id": "prop-1", "technician_id": "tech-1", "start": rfc3339(start), "reserved_by": "Who"}
        booking = world.services.bookings.reserve(bob, ReserveRequest.model_validate(fields)).booking
        confirm: Callable[[], Any] = partial(life.act, bob, booking.booking_id, "confirm")
        outcome = at_once([moving(world, booking, start=start + hours(0.5)), confirm])
        found = stored(world, booking.booking_id)
        assert found.status == "confirmed"
        assert found.start == (start + hours(0.5) if len(outcome.values) == 2 else start)
        assert (found.version, outcome.kinds() <= {VersionConflict}) == (1 + len(outcome.values), True)
    check_settled(world)


def test_a_move_and_a_change_of_details_at_once_lose_neither(world: World) -> None:
    for start in fresh_slots():
        booking = book(world, start)
        outcome = at_once(
            [
                moving(world, booking, None, start=start + hours(0.5)),
                moving(world, booking, None, description="Ring twice."),
                moving(world, booking, None, role="bot", priority="high"),
            ]
        )
        found = stored(world, booking.booking_id)
        assert outcome.errors == []
        assert (found.version, found.description, found.priority) == (4, "Ring twice.", "high")
        assert found.start == start + hours(0.5)
    check_settled(world)


def moves_at_random(world: World, bookings: list[Booking], chance: random.Random) -> int:
    """Moves some of the bookings to other times, properties and technicians. The number of moves that were made."""
    moved = 0
    for _ in range(15):
        fields: dict[str, Any] = {
            "start": tomorrow(0) + timedelta(minutes=15 * chance.randint(0, 100)),
            "technician_id": f"tech-{chance.randint(1, 3)}",
            "property_id": f"prop-{chance.randint(1, 3)}",
            "duration_minutes": 15 * chance.randint(1, 6),
            "buffer_before_minutes": 15 * chance.randint(0, 1),
        }
        chosen = chance.sample(sorted(fields), chance.randint(1, 4))
        with suppress(SlotHeld, SlotBooked, VersionConflict, RequestInProgress):
            moving(world, chance.choice(bookings), None, **{name: fields[name] for name in chosen})()
            moved += 1
    return moved


def holds_at_random(world: World, chance: random.Random) -> int:
    """Holds free slots; releases a half of them, and books and cancels the others. The number of bookings.

    Raises any refusal of such a booking, because its slot is held.
    """
    booked, alice, services = 0, world.caller("checkout"), world.services
    for _ in range(15):
        start = rfc3339(tomorrow(0) + timedelta(minutes=15 * chance.randint(0, 100)))
        wanted = world.hold_request(start=start, technician_id=None, property_id=f"prop-{chance.randint(1, 3)}")
        try:
            hold_id = services.holds.place(alice, wanted).hold.hold_id
        except (SlotHeld, SlotBooked):
            continue
        if chance.random() < 0.5:
            services.holds.release(alice, hold_id)
            continue
        made = services.bookings.book(alice, world.book_request(hold_id=hold_id)).booking
        services.booking_life.act(world.caller("desk"), made.booking_id, "cancel")
        booked += 1
    return booked


def test_twenty_bookings_moved_at_random_among_holds_stay_whole(world: World) -> None:
    seed = random.randrange(2**32)
    bookings = []
    for number in range(20):
        site, who = f"prop-{number % 3 + 1}", f"tech-{number % 3 + 1}"
        bookings.append(book(world, tomorrow(0) + hours(number), property_id=site, technician_id=who))
    acts = [partial(moves_at_random, world, bookings, random.Random(f"{seed} {number}")) for number in range(12)]
    acts += [partial(holds_at_random, world, random.Random(f"{seed} h {number}")) for number in range(4)]
    outcome = at_once(acts)
    assert outcome.errors == [], f"seed {seed}"
    assert sum(outcome.values) > 20
    for booking in bookings:
        assert started(world, booking)
    assert all(document["version"] == len(document["history"]) for document in world.bookings()), f"seed {seed}"
    assert pins(world) == []
    check_settled(world)
