"""A store fails during a move, or knows less than the other: the change settles, or stays open and is not undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.booking import Booking, ReserveRequest
from models.errors import HoldNotFound, RequestInProgress, SlotBooked, SlotHeld, StoreUnavailable, VersionConflict
from scripts.dev_server.child import wait_until
from services import Services, build_services
from services.bookings import rescheduling
from services.holds.placing import Placing
from services.ledger.outcomes import WriteRefused
from services.stores.connections import connect_redis
from tests.bookings.evidence import another_server, everything, insert_only, lose_redis, make_overdue, owners
from tests.bookings.moving import at, at_step, check_settled, check_stands, failing, later, move, pins, stored
from tests.world import World, settings, tomorrow

DEFINITE: dict[str, dict[str, Any]] = {
    "one connection broken": {"closeConnection": True},
    "one error to retry": {"errorCode": 262, "errorLabels": ["RetryableWriteError"]},
}
"""Faults of one command after which the change is made and the worker knows it."""
OPEN: dict[str, tuple[Any, dict[str, Any]]] = {
    "every connection broken": ("alwaysOn", {"closeConnection": True}),
    "errors to retry without end": ("alwaysOn", {"errorCode": 262, "errorLabels": ["RetryableWriteError"]}),
    "interrupted": ({"times": 1}, {"errorCode": 11601}),
    "longer than we wait": ({"times": 1}, {"blockConnection": True, "blockTimeMS": 2_000}),
}
"""Faults after which the worker cannot know the outcome."""


@pytest.fixture
def booking(world: World) -> Booking:
    """A visit tomorrow from ten to eleven."""
    return world.services.bookings.book(world.caller("desk"), world.direct_request()).booking


@pytest.fixture
def without_redis(world: World) -> Iterator[Services]:
    """A process that cannot reach Redis."""
    client = connect_redis("redis://127.0.0.1:1/0")
    yield build_services(settings(), redis=client, mongo=world.services.db)
    client.close()


def resolve_pins(world: World) -> None:
    """Resolves all pins as the relay does after their deadlines."""
    for name in pins(world):
        make_overdue(world, name)
    world.services.relay._pins.resolve_overdue(world.org)


@pytest.mark.parametrize("fault", DEFINITE.values(), ids=DEFINITE.keys())
def test_the_client_does_not_notice_a_fault_that_can_be_settled(
    world: World, booking: Booking, fault: dict[str, Any]
) -> None:
    with failing(world, {"times": 1}, **fault):
        moved = move(world.services, world.caller("desk"), booking, start=at(10, 30))
    assert (moved.version, len(moved.history)) == (2, 2)
    check_stands(world, moved)


def test_a_change_whose_reply_was_lost_is_recognized(world: World, booking: Booking) -> None:
    world.services.db.client.admin.command(
        "configureFailPoint", "onPrimaryTransactionalWrite", mode={"times": 1}, data={"closeConnection": True}
    )
    moved = move(world.services, world.caller("desk"), booking, start=at(10, 30))
    assert (moved.version, len(moved.history)) == (2, 2)
    check_stands(world, moved)


def test_a_failed_write_concern_may_leave_the_outcome_open(world: World, booking: Booking) -> None:
    """The change is there, but a read that waits for the majority may not show it yet."""
    bob = world.caller("desk")
    with failing(world, {"times": 1}, writeConcernError={"code": 64, "errmsg": "test"}), suppress(StoreUnavailable):
        move(world.services, bob, booking, start=at(10, 30))
    assert wait_until(lambda: stored(world, booking.booking_id).version == 2, seconds=30)
    moved = move(world.services, bob, booking, start=at(10, 30))
    assert (moved.version, len(moved.history)) == (2, 2)
    world.services.booking_life._mirror.settle(moved)  # the relay
    resolve_pins(world)
    check_stands(world, moved)


@pytest.mark.parametrize(("mode", "fault"), OPEN.values(), ids=OPEN.keys())
@pytest.mark.parametrize("then", ["repeated", "left to the relay"])
@pytest.mark.usefixtures("brief_writes")
def test_after_an_open_outcome_nothing_is_undone(
    world: World, booking: Booking, mode: Any, fault: dict[str, Any], then: str
) -> None:
    bob = world.caller("desk")
    with failing(world, mode, **fault):
        with pytest.raises(StoreUnavailable):
            move(world.services, bob, booking, start=at(10, 30))
        assert len(pins(world)) == 1
        with pytest.raises((SlotHeld, SlotBooked)):
            world.services.holds.place(world.caller("bot"), world.hold_request(start=at(11)))
        with pytest.raises((SlotHeld, SlotBooked)):
            world.services.holds.place(world.caller("bot"), world.hold_request(start=at(9, 30)))
    if then == "repeated":
        moved = move(later(world), bob, booking, start=at(10, 30))
        assert (moved.version, len(moved.history)) == (2, 2)
    resolve_pins(world)
    check_stands(world, stored(world, booking.booking_id))


@pytest.mark.parametrize("fields", [{"start": at(10, 30)}, {"description": "new"}], ids=["move", "edit"])
def test_a_definite_refusal_by_mongodb_leaves_the_booking_and_no_pin(
    world: World, booking: Booking, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MongoDB refuses an active booking without claims. Only a bug in the product would send one."""
    monkeypatch.setattr(rescheduling, "difference", lambda _old, _new: ({"claims": []}, {}))
    with pytest.raises(WriteRefused):
        move(world.services, world.caller("desk"), booking, **fields)
    check_stands(world, booking)


def test_without_redis_a_visit_is_not_moved(world: World, booking: Booking, without_redis: Services) -> None:
    before = everything(world)
    for fields in ({"start": at(14)}, {"duration_minutes": 30}, {"technician_id": "tech-2"}):
        with pytest.raises(StoreUnavailable):
            move(without_redis, world.caller("desk"), booking, **fields)
    assert everything(world) == before


def test_without_redis_details_are_changed(world: World, booking: Booking, without_redis: Services) -> None:
    edited = move(without_redis, world.caller("desk"), booking, description="Ring twice.")
    assert (edited.version, stored(world, booking.booking_id)) == (2, edited)
    world.services.booking_life._mirror.settle(edited)  # the relay
    check_stands(world, edited)


def test_a_lost_redis_is_no_obstacle(world: World, booking: Booking) -> None:
    lose_redis(world)
    moved = move(world.services, world.caller("desk"), booking, start=at(10, 30))
    check_stands(world, moved)
    lose_redis(world)
    back = move(world.services, world.caller("desk"), moved, 2, start=at(14), technician_id="tech-2")
    check_stands(world, back)


def test_while_the_mirror_is_cold_a_booked_slot_is_refused_and_the_mirror_repaired(
    world: World, booking: Booking
) -> None:
    bob = world.caller("desk")
    other = world.services.bookings.book(bob, world.direct_request(start=at(14))).booking
    lose_redis(world)
    with pytest.raises(SlotBooked) as refused:
        move(world.services, bob, booking, start=at(13, 30))
    assert {(block.kind, block.start) for block in refused.value.members["conflicts"]} == {
        ("property", tomorrow(14)),
        ("technician", tomorrow(14)),
    }
    assert owners(world) == {f"booked {other.booking_id}": 8}
    assert (pins(world), stored(world, booking.booking_id)) == ([], booking)
    world.services.relay._rebuild.run(world.org)
    check_settled(world)


def test_a_booking_that_the_mirror_missed_is_respected_and_mirrored(world: World, booking: Booking) -> None:
    missed = insert_only(world, world.caller("desk"), world.direct_request(start=at(11, 15)))
    with pytest.raises(SlotBooked) as refused:
        move(world.services, world.caller("desk"), booking, start=at(10, 30))
    assert {(block.kind, block.start) for block in refused.value.members["conflicts"]} == {
        ("property", tomorrow(11, 15)),
        ("technician", tomorrow(11, 15)),
    }
    assert owners(world) == {f"booked {booking.booking_id}": 8, f"booked {missed.booking_id}": 8}
    assert stored(world, booking.booking_id) == booking
    check_settled(world)


def test_a_missed_booking_that_was_cancelled_in_between_is_no_obstacle(
    world: World, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, mirror_blockers = world.caller("desk"), Placing.mirror_blockers
    missed = insert_only(world, bob, world.direct_request(start=at(11)))

    def cancel_first(placing: Placing, *arguments: Any, **named: Any) -> Any:
        another_server(world).booking_life.act(bob, missed.booking_id, "cancel")
        return mirror_blockers(placing, *arguments, **named)

    monkeypatch.setattr(Placing, "mirror_blockers", cancel_first)
    check_stands(world, move(world.services, bob, booking, start=at(10, 30)))


@pytest.mark.parametrize("marks", ["that have ended", "that still stand", "that were never made"])
def test_an_overdue_reservation_makes_way(world: World, booking: Booking, marks: str) -> None:
    bob, client = world.caller("desk"), world.services.redis
    fields = {"property_id": "prop-1", "technician_id": "tech-1", "start": at(14), "reserved_by": "Dr. Who"}
    reserved = world.services.bookings.reserve(bob, ReserveRequest.model_validate(fields)).booking
    long_ago = datetime.now(UTC) - timedelta(seconds=5)
    world.services.db["bookings"].update_one({"_id": reserved.booking_id}, {"$set": {"reserved_until": long_ago}})
    keys = [key for key in world.claim_keys() if str(client.get(key)).startswith("r|")]
    if marks != "that still stand":
        client.delete(*keys)
    if marks == "that were never made":
        client.delete(world.names.booking(reserved.booking_id))
    moved = move(world.services, bob, booking, start=at(13, 30))
    assert stored(world, reserved.booking_id).status == "expired"
    check_stands(world, moved)


def test_a_repeat_during_the_first_request_is_in_progress(world: World, booking: Booking) -> None:
    bob, twin, refusals = world.caller("desk"), another_server(world), list[type[Exception]]()

    def ask_as_well() -> None:
        with pytest.raises(RequestInProgress) as refused:
            move(twin, bob, booking, start=at(10, 30))
        refusals.append(refused.type)
        assert refused.value.retry_after_seconds

    at_step(world.services, "after_move_claim", ask_as_well)
    moved = move(world.services, bob, booking, start=at(10, 30))
    assert (refusals, moved.version) == ([RequestInProgress], 2)
    assert move(twin, bob, booking, start=at(10, 30)) == moved
    check_stands(world, moved)


@pytest.mark.parametrize("step", ["after_move", "after_move_mirrored"])
def test_a_repeat_after_the_write_of_the_first_gets_the_same_answer(world: World, booking: Booking, step: str) -> None:
    bob, twin, answers = world.caller("desk"), another_server(world), list[Booking]()
    at_step(world.services, step, lambda: answers.append(move(twin, bob, booking, start=at(10, 30))))
    moved = move(world.services, bob, booking, start=at(10, 30))
    assert answers == [moved]
    check_stands(world, moved)


def test_a_change_behind_the_pin_of_another_key_is_in_progress(world: World, booking: Booking) -> None:
    """Only the key that began a change takes it over. For other keys it is in progress until the relay has decided."""
    bob, ada, refusals = world.caller("desk"), world.caller("admin"), list[bool]()

    def ask_as_well() -> None:
        with pytest.raises(RequestInProgress):
            move(later(world), ada, booking, start=at(10, 30))
        refusals.append(True)

    at_step(world.services, "after_move_claim", ask_as_well)
    moved = move(world.services, bob, booking, start=at(10, 30))
    assert refusals
    with pytest.raises(VersionConflict):
        move(later(world), ada, booking, start=at(10, 30))
    check_stands(world, moved)


def test_a_pin_cannot_be_read_extended_or_booked_as_a_hold(world: World, booking: Booking) -> None:
    bob, tried = world.caller("desk"), list[str]()

    def try_all() -> None:
        (name,) = pins(world)
        tried.append(name)
        holds, bookings = world.services.holds, world.services.bookings
        for ask in (
            lambda: holds.get(bob, name),
            lambda: holds.extend(bob, name, 600),
            lambda: bookings.book(bob, world.book_request(hold_id=name)),
        ):
            with pytest.raises(HoldNotFound):
                ask()
        assert pins(world) == [name]

    at_step(world.services, "after_move_claim", try_all)
    check_stands(world, move(world.services, bob, booking, start=at(10, 30)))
    assert tried


def test_a_refused_move_can_be_requested_again(world: World, booking: Booking) -> None:
    """The pin of the second request has the same name, and the record of that name says released."""
    bob = world.caller("desk")
    missed = insert_only(world, bob, world.direct_request(start=at(14)))
    for _ in range(2):
        with pytest.raises(SlotBooked):
            move(world.services, bob, booking, start=at(13, 30))
    world.services.booking_life.act(bob, missed.booking_id, "cancel")
    check_stands(world, move(world.services, bob, booking, start=at(13, 30)))
