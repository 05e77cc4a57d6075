"""A worker dies at a step of a move: the old or the new visit is whole, and a repeat or the relay repairs the rest."""

from __future__ import annotations

from typing import Any

import pytest

from models.booking import Booking
from models.errors import RequestInProgress, SlotBooked, SlotHeld, VersionConflict
from services.claims.scripts import Scripts
from services.ledger.documents import difference, noted
from services.ledger.outcomes import NothingSent
from services.stores.faults import RedisUnavailable
from tests.bookings.evidence import another_server, begin, insert_only, lose_redis, owners, visits_for
from tests.bookings.moving import STEPS, Died, at, at_step, check_settled, check_stands, die, later, move, stored, tend
from tests.world import World, rfc3339, tomorrow


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database, whose relay has caught up."""
    lonely_world.services.relay.carry_over_changes()
    lonely_world.services.redis.set(lonely_world.names.epoch, "an epoch")
    return lonely_world


@pytest.fixture
def booking(world: World) -> Booking:
    """A visit tomorrow from ten to eleven."""
    return world.services.bookings.book(world.caller("desk"), world.direct_request()).booking


WHERE: dict[str, dict[str, Any]] = {
    "elsewhere": {"start": at(14), "technician_id": "tech-2", "property_id": "prop-2"},
    "half over itself": {"start": at(10, 30)},
    "larger": {"duration_minutes": 120},
    "within itself": {"start": at(10, 15), "duration_minutes": 30},
}


def die_at(world: World, step: str, booking: Booking, **fields: Any) -> None:
    """Another worker begins a move and dies at this step."""
    doomed = another_server(world)
    at_step(doomed, step, die)
    with pytest.raises(Died):
        move(doomed, world.caller("desk"), booking, booking.version, **fields)


@pytest.mark.parametrize("fields", WHERE.values(), ids=WHERE.keys())
@pytest.mark.parametrize("step", STEPS)
def test_the_relay_repairs_a_broken_move_and_the_old_or_the_new_visit_is_whole(
    world: World, booking: Booking, step: str, fields: dict[str, Any]
) -> None:
    die_at(world, step, booking, **fields)
    found = stored(world, booking.booking_id)
    assert found == booking if step == "after_move_claim" else found.version == 2
    tend(world)
    check_stands(world, found)
    if fields == WHERE["elsewhere"]:
        other = {} if found.version == 2 else fields
        assert world.services.holds.place(world.caller("bot"), world.hold_request(**other)).created


@pytest.mark.parametrize("fields", WHERE.values(), ids=WHERE.keys())
@pytest.mark.parametrize("step", STEPS)
def test_a_repeat_gets_the_answer_once_the_first_worker_must_be_dead(
    world: World, booking: Booking, step: str, fields: dict[str, Any]
) -> None:
    bob = world.caller("desk")
    die_at(world, step, booking, **fields)
    if step == "after_move_claim":
        with pytest.raises(RequestInProgress):
            move(world.services, bob, booking, **fields)
        assert stored(world, booking.booking_id) == booking
    moved = move(later(world), bob, booking, **fields)
    assert moved.version == 2
    assert moved == stored(world, booking.booking_id) == move(world.services, bob, booking, **fields)
    tend(world)
    check_stands(world, moved)


def test_a_repeat_that_takes_over_leaves_no_pin_to_the_relay(world: World, booking: Booking) -> None:
    die_at(world, "after_move_claim", booking, start=at(10, 30))
    moved = move(later(world), world.caller("desk"), booking, start=at(10, 30))
    check_stands(world, moved)


@pytest.mark.parametrize("step", STEPS)
def test_until_repair_no_other_client_gets_the_new_time(world: World, booking: Booking, step: str) -> None:
    die_at(world, step, booking, start=at(14))
    refused = SlotBooked if step == "after_move_mirrored" else SlotHeld
    with pytest.raises(refused):
        world.services.holds.place(world.caller("bot"), world.hold_request(start=at(14, 30)))
    with pytest.raises((SlotBooked, SlotHeld)):
        world.services.bookings.book(world.caller("desk"), world.direct_request(start=at(13, 30)))


def test_a_move_blocked_only_by_its_own_pin_is_in_progress(world: World, booking: Booking) -> None:
    die_at(world, "after_move_claim", booking, start=at(14))
    with pytest.raises(RequestInProgress):
        move(world.services, world.caller("desk"), booking, start=at(14, 30))


def test_a_move_that_never_reached_mongodb_frees_the_new_time(world: World, booking: Booking) -> None:
    die_at(world, "after_move_claim", booking, start=at(14))
    tend(world)
    assert world.services.holds.place(world.caller("bot"), world.hold_request(start=at(14))).created


@pytest.mark.parametrize("step", ["after_move", "after_move_mirrored"])
def test_a_move_that_reached_mongodb_frees_the_old_time(world: World, booking: Booking, step: str) -> None:
    die_at(world, step, booking, start=at(14))
    tend(world)
    assert world.services.holds.place(world.caller("bot"), world.hold_request()).created


@pytest.mark.parametrize("step", STEPS)
def test_another_change_continues_after_a_dead_worker(world: World, booking: Booking, step: str) -> None:
    """The new move overlaps the dead worker's pin. The version has changed, so that worker cannot write any more."""
    bob = world.caller("desk")
    die_at(world, step, booking, start=at(14))
    if step == "after_move_claim":
        booking = move(world.services, bob, booking, description="Ring twice.")
    moved = move(world.services, bob, booking, 2, start=at(14, 30))
    assert (moved.version, moved.start.hour, moved.start.minute) == (3, 14, 30)
    tend(world)
    check_stands(world, moved)


@pytest.mark.parametrize("step", STEPS)
def test_a_booking_whose_move_was_left_halfway_can_be_cancelled(world: World, booking: Booking, step: str) -> None:
    die_at(world, step, booking, start=at(10, 30))
    cancelled = world.services.booking_life.act(world.caller("desk"), booking.booking_id, "cancel")
    assert cancelled.version == (2 if step == "after_move_claim" else 3)
    tend(world)
    assert owners(world) == {}
    check_settled(world)


@pytest.mark.parametrize("step", STEPS)
def test_redis_lost_during_a_move_does_no_harm(world: World, booking: Booking, step: str) -> None:
    at_step(world.services, step, lambda: lose_redis(world))
    moved = move(world.services, world.caller("desk"), booking, start=at(10, 30))
    assert moved.version == 2
    world.services.relay.tend()
    tend(world)
    check_stands(world, moved)


@pytest.mark.parametrize("step", STEPS)
def test_a_repeat_after_a_dead_worker_and_a_lost_redis_is_answered(world: World, booking: Booking, step: str) -> None:
    die_at(world, step, booking, start=at(10, 30))
    lose_redis(world)
    moved = move(world.services, world.caller("desk"), booking, start=at(10, 30))
    assert moved.version == 2
    world.services.relay._rebuild.run(world.org)
    check_stands(world, moved)


def test_a_slow_worker_and_the_repeat_that_took_over_make_one_change(world: World, booking: Booking) -> None:
    """The repeat takes over from a worker that only seems dead: both write, and the version admits one of them."""
    bob, slow, answers = world.caller("desk"), another_server(world), list[Booking]()
    at_step(slow, "after_move_claim", lambda: answers.append(move(later(world), bob, booking, start=at(14))))
    answers.append(move(slow, bob, booking, start=at(14)))
    assert answers[0] == answers[1] == stored(world, booking.booking_id)
    assert answers[0].version == 2
    tend(world)
    check_stands(world, answers[0])


def test_a_repeat_that_took_over_keeps_its_pin_until_the_other_change_is_mirrored(
    world: World, booking: Booking
) -> None:
    """The first worker writes late. The repeat finds a new version, and no worker has mirrored it yet."""
    bob, second = world.caller("desk"), later(world)
    die_at(world, "after_move_claim", booking, start=at(14))
    at_step(second, "after_move_claim", lambda: write_alone(world, booking, booking.changed(start=tomorrow(14))))
    assert move(second, bob, booking, start=at(14)).version == 2
    with pytest.raises((SlotBooked, SlotHeld)):
        world.services.holds.place(world.caller("bot"), world.hold_request(start=at(14)))


def test_a_repeat_that_took_over_and_lost_mongodb_leaves_the_pin(world: World, booking: Booking) -> None:
    """The repeat sent no write of its own, but the first worker may have written, and here it has."""
    bob, second = world.caller("desk"), later(world)
    die_at(world, "after_move_claim", booking, start=at(14))

    def lose_mongodb() -> None:
        write_alone(world, booking, booking.changed(start=tomorrow(14)))
        second.booking_life._store.update = send_nothing  # type: ignore[assignment,method-assign]

    at_step(second, "after_move_claim", lose_mongodb)
    with pytest.raises(NothingSent):
        move(second, bob, booking, start=at(14))
    with pytest.raises(SlotHeld):
        world.services.holds.place(world.caller("bot"), world.hold_request(start=at(14)))
    tend(world)
    check_stands(world, stored(world, booking.booking_id))


def send_nothing(*_arguments: object) -> None:
    raise NothingSent


def write_alone(world: World, booking: Booking, wanted: Booking) -> None:
    """Leaves what a worker leaves that dies right after its write: MongoDB has the change, and Redis has not."""
    worker = another_server(world).booking_life._rescheduling
    slot = world.direct_request(start=rfc3339(wanted.start)).slot
    assert slot is not None
    (visit,) = visits_for(world, slot)
    fields, changes = difference(booking, worker._moved(booking, wanted, visit))
    caller = world.caller("desk")
    assert worker._update(caller, booking, fields, noted(caller.name, "move", changes), visit)


def test_a_mirror_that_failed_for_a_moment_leaves_the_pin_to_the_relay(
    world: World, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis answers again in time to release the pin, but the move is not mirrored: only the pin protects its time."""
    run = Scripts.run

    def stall(scripts: Scripts, name: str, keys: list[str], args: list[Any]) -> list[Any]:
        if name == "mirror_booking":
            raise RedisUnavailable
        return run(scripts, name, keys, args)

    with monkeypatch.context() as stalling:
        stalling.setattr(Scripts, "run", stall)
        moved = move(world.services, world.caller("desk"), booking, start=at(14))
    with pytest.raises(SlotHeld):
        world.services.holds.place(world.caller("bot"), world.hold_request(start=at(14)))
    tend(world)
    check_stands(world, moved)


def test_a_booking_that_is_not_mirrored_yet_moves_over_its_own_pin(world: World) -> None:
    """Its worker died right after the insert, so its time still has the pin of its own confirmation."""
    alice, bob = world.caller("checkout"), world.caller("desk")
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    begin(world, alice, hold_id)
    booking = insert_only(world, alice, world.book_request(hold_id=hold_id), hold_id)
    check_stands(world, move(world.services, bob, booking, start=at(10, 30)))


@pytest.mark.parametrize("step", STEPS)
def test_a_cancellation_during_a_move_leaves_the_version_that_won(world: World, booking: Booking, step: str) -> None:
    """Another request cancels the booking during the move: the version alone decides which of them wins."""
    bob = world.caller("desk")
    at_step(world.services, step, lambda: another_server(world).booking_life.act(bob, booking.booking_id, "cancel"))
    if step == "after_move_claim":
        with pytest.raises(VersionConflict):
            move(world.services, bob, booking, start=at(10, 30))
    else:
        assert move(world.services, bob, booking, start=at(10, 30)).version == 2
    assert not stored(world, booking.booking_id).active
    assert owners(world) == {}
    check_settled(world)


@pytest.mark.parametrize("fields", WHERE.values(), ids=WHERE.keys())
def test_scripts_that_run_twice_answer_as_if_once(
    world: World, booking: Booking, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    run = Scripts.run

    def run_twice(scripts: Scripts, name: str, keys: list[str], args: list[Any]) -> list[Any]:
        run(scripts, name, keys, args)
        return run(scripts, name, keys, args)

    monkeypatch.setattr(Scripts, "run", run_twice)
    check_stands(world, move(world.services, world.caller("desk"), booking, **fields))
