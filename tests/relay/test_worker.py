"""The relay finishes the work of a dead worker, which these tests leave behind by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.errors import SlotBooked
from scripts.dev_server.child import wait_until
from services.claims.mirror import Mirror
from services.ledger.expiry import Reservations
from tests.bookings.evidence import another_server, begin, everything, insert_only, lose_redis, make_overdue, owners
from tests.bookings.reserving import NEAR_SECONDS, due_in, ends_ms, expired, now_in_store, reserve, run_out
from tests.world import World, name_of, rfc3339, tomorrow

SOON = 30


@pytest.fixture
def world(lonely_world: World) -> World:
    """A world alone in its database."""
    return lonely_world


@contextmanager
def following(world: World) -> Iterator[Callable[[], bool]]:
    """A relay that follows MongoDB's changes during the block; gives a function that says whether it has begun."""
    relay = world.services.relay
    thread = threading.Thread(target=relay.follow)
    thread.start()
    try:
        yield lambda: world.services.db["relay_state"].find_one() is not None
    finally:
        relay.stop()
        thread.join(SOON)
    assert not thread.is_alive()


def held(world: World) -> str:
    return world.services.holds.place(world.caller("checkout"), world.hold_request()).hold.hold_id


def test_a_confirmation_whose_worker_died_before_the_insert_becomes_a_hold_again(world: World) -> None:
    hold_id = held(world)
    begin(world, world.caller("checkout"), hold_id)
    make_overdue(world, hold_id)
    world.services.relay.tend()
    assert owners(world) == {f"held {name_of(hold_id)}": 8}
    assert world.services.redis.exists(world.names.pins) == 0
    assert world.services.bookings.book(world.caller("checkout"), world.book_request(hold_id=hold_id)).created


def test_a_confirmation_whose_worker_died_after_the_insert_becomes_a_booking(world: World) -> None:
    alice, hold_id = world.caller("checkout"), held(world)
    begin(world, alice, hold_id)
    booking = insert_only(world, alice, world.book_request(hold_id=hold_id), hold_id)
    make_overdue(world, hold_id)
    world.services.relay.tend()
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    hold = world.services.holds.get(alice, hold_id)
    assert (hold.status, hold.booking_id) == ("booked", booking.booking_id)
    assert world.services.redis.exists(world.names.pins) == 0
    found = world.services.bookings.book(alice, world.book_request(hold_id=hold_id))
    assert (found.booking, found.created) == (booking, False)


def test_a_pin_within_its_window_is_left_alone(world: World) -> None:
    hold_id = held(world)
    begin(world, world.caller("checkout"), hold_id)
    world.services.relay.tend()
    assert owners(world) == {f"confirming {name_of(hold_id)}": 8}


def test_a_pin_of_an_expired_hold_is_released(world: World) -> None:
    hold_id = held(world)
    begin(world, world.caller("checkout"), hold_id)
    world.services.redis.hset(world.names.hold(name_of(hold_id)), "expires_ms", 1)
    make_overdue(world, hold_id)
    world.services.relay.tend()
    assert owners(world) == {}


def test_a_pin_of_which_only_the_deadline_is_left_is_removed(world: World) -> None:
    make_overdue(world, "h_nothing")
    world.services.relay.tend()
    assert world.services.redis.exists(world.names.pins) == 0


def test_tending_where_nothing_is_due_changes_nothing(world: World) -> None:
    held(world)
    later = world.direct_request(start=rfc3339(tomorrow(14)))
    world.services.bookings.book(world.caller("desk"), later)
    before = everything(world)
    world.services.relay.tend()
    assert everything(world) == before


def test_only_an_org_with_pins_is_asked_for_those_that_are_overdue(world: World) -> None:
    claims = world.services.relay._pins._claims
    orgs = [world.org, world.other_org]
    assert claims.pinned(orgs) == []
    begin(world, world.caller("checkout"), held(world))
    assert claims.pinned(orgs) == [world.org]


def test_the_mirror_is_rebuilt_after_redis_was_lost(world: World) -> None:
    booking = world.services.bookings.book(world.caller("desk"), world.direct_request()).booking
    lose_redis(world)
    world.services.relay.tend()
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    assert world.services.redis.get(world.names.epoch)


def test_only_one_relay_tends_at_a_time_and_another_takes_over(world: World) -> None:
    other = another_server(world)
    world.services.relay.tend()
    hold_id = held(world)
    begin(world, world.caller("checkout"), hold_id)
    make_overdue(world, hold_id)
    other.relay.tend()
    assert owners(world) == {f"confirming {name_of(hold_id)}": 8}
    world.services.db["leases"].update_many({}, {"$set": {"until": tomorrow(0) - timedelta(days=2000)}})
    other.relay.tend()
    assert owners(world) == {f"held {name_of(hold_id)}": 8}


def test_bookings_cancellations_and_catalogue_changes_are_mirrored_from_mongodbs_log(world: World) -> None:
    bob = world.caller("desk")
    kept = world.services.bookings.book(bob, world.direct_request()).booking
    epoch = world.services.redis.get(world.names.epoch)
    with following(world) as at_it:
        assert wait_until(at_it, seconds=SOON)
        missed = insert_only(world, bob, world.direct_request(start=rfc3339(tomorrow(14))))
        assert wait_until(lambda: f"booked {missed.booking_id}" in owners(world), seconds=SOON)
        gone = {"$set": {"status": "cancelled", "active": False, "version": 2}}
        world.services.db["bookings"].update_one({"_id": kept.booking_id}, gone)
        assert wait_until(lambda: owners(world) == {f"booked {missed.booking_id}": 8}, seconds=SOON)
        world.services.db["properties"].update_one({"org": world.org, "id": "prop-1"}, {"$set": {"name": "New name"}})
        assert wait_until(lambda: world.services.redis.get(world.names.epoch) != epoch, seconds=SOON)


def test_a_relay_continues_where_the_last_one_stopped(world: World) -> None:
    bob = world.caller("desk")
    with following(world) as at_it:
        assert wait_until(at_it, seconds=SOON)
    missed = insert_only(world, bob, world.direct_request())
    world.services.db["leases"].delete_many({})
    next_one = World(another_server(world), org=world.org + "-next")
    with following(next_one):
        assert wait_until(lambda: owners(world) == {f"booked {missed.booking_id}": 8}, seconds=SOON)
    with pytest.raises(SlotBooked):
        world.services.holds.place(bob, world.hold_request())
    next_one.services.access.close()


def test_when_the_resume_token_is_lost_everything_is_mirrored_anew(world: World) -> None:
    world.services.relay.carry_over_changes()
    world.services.relay.tend()
    missed = insert_only(world, world.caller("desk"), world.direct_request())
    epoch = world.services.redis.get(world.names.epoch)
    history_lost = {"errorCode": 286, "failCommands": ["aggregate"], "appName": "holdfast"}
    fail_once(world, history_lost)
    with following(world):
        assert wait_until(lambda: world.services.redis.get(world.names.epoch) is None, seconds=SOON)
        world.services.relay.tend()
    assert owners(world) == {f"booked {missed.booking_id}": 8}
    assert world.services.redis.get(world.names.epoch) not in (None, epoch)


def fail_once(world: World, data: dict[str, object]) -> None:
    """Lets MongoDB fail the next command of this kind."""
    world.services.db.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)


def test_overdue_reservations_of_every_org_expire_by_the_index_of_deadlines(world: World) -> None:
    other = World(world.services)
    overdue = [(each, reserve(each, hour)) for each in (world, other) for hour in (8, 10)]
    kept = [reserve(world, 12), reserve(other, 12)]
    for each, booking in overdue:
        run_out(each, booking)
    with watched(world) as asked:
        world.services.relay.tend()
    assert all(expired(each, booking) for each, booking in overdue)
    assert [now_in_store(world, kept[0]), now_in_store(other, kept[1])] == kept
    for each, booking in zip((world, other), kept, strict=True):
        assert owners(each) == {f"booked {booking.booking_id}": 8}
        released = [event for event in events(each) if event["kind"] == "change"]
        assert {(event["id"], event["state"]) for event in released} == {
            (gone.booking_id, "free") for where, gone in overdue if where is each
        }
    looked = [each for each in asked if "$expr" in each["command"].get("filter", {})]
    assert [(each["planSummary"], each["keysExamined"]) for each in looked] == [
        ("IXSCAN { reserved_until: 1 }", len(overdue))
    ]
    before = everything(world)
    world.services.relay.tend()
    assert everything(world) == before


def test_a_confirmed_or_cancelled_reservation_is_left_alone(world: World) -> None:
    bob, life = world.caller("desk"), world.services.booking_life
    ended = [
        life.act(bob, reserve(world, 8).booking_id, "confirm"),
        life.act(bob, reserve(world, 10).booking_id, "cancel"),
    ]
    for booking in ended:
        run_out(world, booking, marks_stay=True)
    before = everything(world)
    world.services.relay.tend()
    assert everything(world) == before


def test_a_confirmed_reservation_whose_worker_died_before_the_mirror_keeps_its_slot(world: World) -> None:
    relay, bob = world.services.relay, world.caller("desk")
    with following(world) as at_it:
        assert wait_until(at_it, seconds=SOON)
        due = due_in(world, reserve(world), NEAR_SECONDS)
        with pytest.MonkeyPatch.context() as dying:
            dying.setattr(Mirror, "settle_or_leave", lambda *_late: None)
            world.services.booking_life.act(bob, due.booking_id, "confirm")
        assert due.reserved_until
        over = due.reserved_until
        assert wait_until(lambda: datetime.now(UTC) > over, seconds=SOON)
        assert owners(world) == {f"booked {due.booking_id}": 8}
        assert wait_until(lambda: ends_ms(world) == {round(due.end.timestamp() * 1000)}, seconds=SOON)
        relay.tend()
    assert owners(world) == {f"booked {due.booking_id}": 8}
    assert now_in_store(world, due).status == "confirmed"


def test_an_overdue_reservation_blocks_nobody_after_a_rebuild(world: World) -> None:
    overdue, kept = reserve(world, 8), reserve(world, 10)
    run_out(world, overdue)
    lose_redis(world)
    with pytest.MonkeyPatch.context() as without:
        without.setattr(Reservations, "expire_overdue", lambda _reservations: 0)
        world.services.relay.tend()
    assert world.services.redis.get(world.names.epoch)
    assert owners(world) == {f"booked {kept.booking_id}": 8}
    assert kept.reserved_until
    assert ends_ms(world) == {round(min(kept.reserved_until, kept.end).timestamp() * 1000)}
    start = rfc3339(tomorrow(8))
    assert world.services.bookings.book(world.caller("bot"), world.direct_request(start=start)).created
    assert expired(world, overdue)


@contextmanager
def watched(world: World) -> Iterator[list[dict[str, Any]]]:
    """The commands that MongoDB got in the block, with their plans; filled in at the end of the block."""
    db, asked = world.services.db, list[dict[str, Any]]()
    db.command("profile", 2)
    try:
        yield asked
    finally:
        db.command("profile", 0)
        asked += db["system.profile"].find({"ns": f"{db.name}.bookings"})
        db["system.profile"].drop()


def events(world: World) -> list[dict[str, str]]:
    """The org's live events so far."""
    client: Any = world.services.redis
    return [fields for _, fields in client.xrange(world.names.events)]
