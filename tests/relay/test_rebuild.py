"""Rebuilding one org's mirror from MongoDB after Redis was lost."""

from __future__ import annotations

from datetime import timedelta
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


def test_every_active_booking_is_mirrored_and_the_mirror_trusted_again(world: World, bob: Caller) -> None:
    kept = [book(world, bob, hour) for hour in (8, 10, 12)]
    cancelled = book(world, bob, 14)
    world.services.booking_life.act(bob, cancelled, "cancel")
    marks = world.marks()
    lose_redis(world)
    assert rebuild_of(world).run(world.org)
    assert world.marks() == marks
    assert owners(world) == {f"booked {booking_id}": 8 for booking_id in kept}
    assert world.services.redis.exists(world.names.rebuild) == 0
    with pytest.raises(SlotBooked):
        world.services.holds.place(bob, world.hold_request())
    assert world.services.holds.place(bob, world.hold_request(start=rfc3339(tomorrow(14)))).created


def test_a_mirror_that_was_whole_keeps_its_marks_and_gets_a_new_epoch(world: World, bob: Caller) -> None:
    book(world, bob, 10)
    epoch, marks = world.services.redis.get(world.names.epoch), world.marks()
    assert rebuild_of(world).run(world.org)
    assert world.marks() == marks
    assert world.services.redis.get(world.names.epoch) not in (None, epoch)


def test_holds_that_were_placed_before_the_rebuild_stay(world: World, alice: Caller, bob: Caller) -> None:
    book(world, bob, 10)
    lose_redis(world)
    hold = world.services.holds.place(alice, world.hold_request(start=rfc3339(tomorrow(14)))).hold
    rebuild_of(world).run(world.org)
    assert world.services.holds.get(alice, hold.hold_id).status == "held"
    assert world.services.bookings.book(alice, world.book_request(hold_id=hold.hold_id)).created


def test_other_orgs_are_not_touched(world: World, bob: Caller) -> None:
    book(world, bob, 10)
    lose_redis(world)
    rebuild_of(world).run(world.other_org)
    assert owners(world) == {}
    assert world.services.redis.get(world.names.epoch) is None


def test_the_orgs_to_rebuild_are_those_without_an_epoch(world: World) -> None:
    epochs, orgs = epochs_of(world), [world.org, world.other_org]
    assert epochs.missing(orgs) == []
    world.services.redis.delete(world.names.epoch)
    assert epochs.missing(orgs) == [world.org]
    lose_redis(world)
    assert epochs.missing(orgs) == orgs


def test_redis_lost_again_during_a_rebuild_leaves_the_mirror_untrusted(
    world: World, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = book(world, bob, 8), book(world, bob, 10)
    settle, settled = Mirror.settle, list[str]()

    def settle_and_lose(mirror: Mirror, booking: Any, *, quiet: bool) -> None:
        settle(mirror, booking, quiet=quiet)
        settled.append(booking.booking_id)
        if len(settled) == 1:
            lose_redis(world)

    lose_redis(world)
    monkeypatch.setattr(Mirror, "settle", settle_and_lose)
    assert not rebuild_of(world).run(world.org)
    assert settled == [first, second]
    assert world.services.redis.get(world.names.epoch) is None
    assert rebuild_of(world).run(world.org)
    assert owners(world) == {f"booked {first}": 8, f"booked {second}": 8}


def test_of_two_rebuilds_at_once_the_later_one_sets_the_epoch(
    world: World, bob: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(world, bob, 10)
    lose_redis(world)
    settle, inner = Mirror.settle, list[bool]()

    def settle_beside_another(mirror: Mirror, booking: Any, *, quiet: bool) -> None:
        settle(mirror, booking, quiet=quiet)
        if not inner:
            inner.append(True)
            inner.append(rebuild_of(world).run(world.org))

    monkeypatch.setattr(Mirror, "settle", settle_beside_another)
    outer = rebuild_of(world).run(world.org)
    assert (outer, inner[1]) == (False, True)
    assert world.services.redis.get(world.names.epoch) is not None


def test_a_visit_that_is_over_gets_no_marks(world: World, bob: Caller) -> None:
    booking_id = book(world, bob, 10)
    past = {"$set": {"start": tomorrow() - timedelta(days=2000), "end": tomorrow(11) - timedelta(days=2000)}}
    world.services.db["bookings"].update_one({"_id": booking_id}, past)
    lose_redis(world)
    before = everything(world)["bookings"]
    assert rebuild_of(world).run(world.org)
    assert owners(world) == {}
    assert everything(world)["bookings"] == before


def test_a_late_worker_does_not_bring_back_a_booking_cancelled_before_the_rebuild(world: World, bob: Caller) -> None:
    services = world.services
    made = services.bookings.book(bob, world.direct_request()).booking
    services.booking_life.act(bob, made.booking_id, "cancel")
    lose_redis(world)
    assert rebuild_of(world).run(world.org)
    store = BookingStore(services.db, services.settings.grid_minutes)
    Mirror(services.redis, Scripts(services.redis), services.grid, store.find).settle(made)
    assert owners(world) == {}
