"""Rebuilding one org's mirror from MongoDB after Redis was lost."""

from __future__ import annotations

from typing import Any

import pytest

from models.access import Caller
from models.errors import SlotBooked
from services.claims.epochs import Epochs
from services.claims.mirror import Mirror
from services.claims.scripts import Scripts
from services.ledger.store import BookingStore
from services.relay.rebuild import Rebuild
from tests.bookings.evidence import everything, lose_redis, owners
from tests.world import World, rfc3339, tomorrow


def rebuild_of(world: World) -> Rebuild:
    services = world.services
    store, scripts = BookingStore(services.db, 15), Scripts(services.redis)
    mirror = Mirror(services.redis, scripts, services.grid, store.find)
    return Rebuild(epochs_of(world), mirror, store, services.clock)


def epochs_of(world: World) -> Epochs:
    return Epochs(world.services.redis, Scripts(world.services.redis))


def book(world: World, caller: Caller, hour: int) -> str:
    return world.services.bookings.book(caller, world.direct_request(start=rfc3339(tomorrow(hour)))).booking.booking_id


def test_every_active_booking_is_mirrored_and_the_mirror_trusted_again(any_world: World, bob: Caller) -> None:
    kept = [book(any_world, bob, hour) for hour in (8, 10, 12)]
    cancelled = book(any_world, bob, 14)
    any_world.services.booking_life.act(bob, cancelled, "cancel")
    marks = any_world.marks()
    lose_redis(any_world)
    assert rebuild_of(any_world).run(any_world.org)
    assert any_world.marks() == marks
    assert owners(any_world) == {f"booked {booking_id}": 8 for booking_id in kept}
    assert any_world.services.redis.exists(any_world.names.rebuild) == 0
    with pytest.raises(SlotBooked):
        any_world.services.holds.place(bob, any_world.hold_request())
    assert any_world.services.holds.place(bob, any_world.hold_request(start=rfc3339(tomorrow(14)))).created


def test_a_mirror_that_was_whole_keeps_its_marks_and_gets_a_new_epoch(any_world: World, bob: Caller) -> None:
    book(any_world, bob, 10)
    epoch, marks = any_world.services.redis.get(any_world.names.epoch), any_world.marks()
    assert rebuild_of(any_world).run(any_world.org)
    assert any_world.marks() == marks
    assert any_world.services.redis.get(any_world.names.epoch) not in (None, epoch)


def test_holds_that_were_placed_before_the_rebuild_stay(any_world: World, alice: Caller, bob: Caller) -> None:
    book(any_world, bob, 10)
    lose_redis(any_world)
    hold = any_world.services.holds.place(alice, any_world.hold_request(start=rfc3339(tomorrow(14)))).hold
    rebuild_of(any_world).run(any_world.org)
    assert any_world.services.holds.get(alice, hold.hold_id).status == "held"
    assert any_world.services.bookings.book(alice, any_world.book_request(hold_id=hold.hold_id)).created


def test_other_orgs_are_not_touched(any_world: World, bob: Caller) -> None:
    book(any_world, bob, 10)
    lose_redis(any_world)
    rebuild_of(any_world).run(any_world.other_org)
    assert owners(any_world) == {}
    assert any_world.services.redis.get(any_world.names.epoch) is None


def test_the_orgs_to_rebuild_are_those_without_an_epoch(any_world: World) -> None:
    epochs, orgs = epochs_of(any_world), [any_world.org, any_world.other_org]
    assert epochs.missing(orgs) == []
    any_world.services.redis.delete(any_world.names.epoch)
    assert epochs.missing(orgs) == [any_world.org]
    lose_redis(any_world)
    assert epochs.missing(orgs) == orgs


def test_redis_lost_again_during_a_rebuild_leaves_the_mirror_untrusted(
    any_world: World, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = book(any_world, bob, 8), book(any_world, bob, 10)
    settle, settled = Mirror.settle, list[str]()

    def settle_and_lose(mirror: Mirror, booking: Any) -> None:
        settle(mirror, booking)
        settled.append(booking.booking_id)
        if len(settled) == 1:
            lose_redis(any_world)

    lose_redis(any_world)
    monkeypatch.setattr(Mirror, "settle", settle_and_lose)
    assert not rebuild_of(any_world).run(any_world.org)
    assert settled == [first, second]
    assert any_world.services.redis.get(any_world.names.epoch) is None
    assert rebuild_of(any_world).run(any_world.org)
    assert owners(any_world) == {f"booked {first}": 8, f"booked {second}": 8}


def test_of_two_rebuilds_at_once_the_later_one_sets_the_epoch(
    any_world: World, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(any_world, bob, 10)
    lose_redis(any_world)
    settle, inner = Mirror.settle, list[bool]()

    def settle_beside_another(mirror: Mirror, booking: Any) -> None:
        settle(mirror, booking)
        if not inner:
            inner.append(True)
            inner.append(rebuild_of(any_world).run(any_world.org))

    monkeypatch.setattr(Mirror, "settle", settle_beside_another)
    outer = rebuild_of(any_world).run(any_world.org)
    assert (outer, inner[1]) == (False, True)
    assert any_world.services.redis.get(any_world.names.epoch) is not None


def test_a_visit_that_is_over_gets_no_marks(any_world: World, bob: Caller) -> None:
    booking_id = book(any_world, bob, 10)
    past = {"$set": {"start": tomorrow().replace(year=2020), "end": tomorrow(11).replace(year=2020)}}
    any_world.services.db["bookings"].update_one({"_id": booking_id}, past)
    lose_redis(any_world)
    before = everything(any_world)["bookings"]
    assert rebuild_of(any_world).run(any_world.org)
    assert owners(any_world) == {}
    assert everything(any_world)["bookings"] == before


def test_a_late_worker_does_not_bring_back_a_booking_cancelled_before_the_rebuild(
    any_world: World, bob: Caller
) -> None:
    services = any_world.services
    made = services.bookings.book(bob, any_world.direct_request()).booking
    services.booking_life.act(bob, made.booking_id, "cancel")
    lose_redis(any_world)
    assert rebuild_of(any_world).run(any_world.org)
    store = BookingStore(services.db, services.settings.grid_minutes)
    Mirror(services.redis, Scripts(services.redis), services.grid, store.find).settle(made)
    assert owners(any_world) == {}
