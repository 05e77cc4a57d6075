"""Redis was lost, or its mirror missed a booking: MongoDB decides, and the request repairs the mirror."""

from __future__ import annotations

import pytest

from models.access import Caller, IdempotencyClaim
from models.catalogue import PropertyPatch
from models.errors import PropertyUnavailable, SlotBooked
from services.holds.placing import Placing
from tests.bookings.evidence import (
    another_server,
    everything,
    insert_only,
    lose_redis,
    owners,
    warm,
)
from tests.catalogue.desks import desk_over
from tests.redis_dump import keys_of
from tests.world import World, name_of, rfc3339, tomorrow


def test_a_hold_on_a_slot_that_only_mongodb_has_as_booked_is_refused_and_the_mirror_repaired(
    world: World, alice: Caller, bob: Caller
) -> None:
    booking = world.services.bookings.book(bob, world.direct_request()).booking
    lose_redis(world)
    before = everything(world)["bookings"]
    key = IdempotencyClaim("a key", "a print")
    with pytest.raises(SlotBooked) as refused:
        world.services.holds.place(alice, world.hold_request(holder="alice"), key)
    assert {(block.kind, block.state) for block in refused.value.members["conflicts"]} == {
        ("property", "booked"),
        ("technician", "booked"),
    }
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    kinds = {key.removeprefix(world.names.prefix).split(":")[0] for key in keys_of(world.services.redis, bob.org)}
    assert kinds == {"p", "t", "spans", "booking", "events"}
    assert everything(world)["bookings"] == before


def test_ones_own_booking_is_named_as_such_although_only_mongodb_has_it(world: World, alice: Caller) -> None:
    mine = world.hold_request(holder="alice")
    hold_id = world.services.holds.place(alice, mine).hold.hold_id
    world.services.bookings.book(alice, world.book_request(hold_id=hold_id))
    lose_redis(world)
    for holder, yours in (("alice", True), ("bob", None)):
        with pytest.raises(SlotBooked) as refused:
            world.services.holds.place(alice, world.hold_request(holder=holder))
        assert [block.yours for block in refused.value.members["conflicts"]] == [yours] * 2


def test_a_free_slot_is_held_while_the_mirror_is_cold(world: World, alice: Caller, bob: Caller) -> None:
    world.services.bookings.book(bob, world.direct_request())
    lose_redis(world)
    start = rfc3339(tomorrow(14))
    placed = world.services.holds.place(alice, world.hold_request(start=start))
    assert placed.created
    assert world.services.bookings.book(alice, world.book_request(hold_id=placed.hold.hold_id)).created


@pytest.mark.parametrize("booked", [False, True])
def test_a_hold_is_replaced_while_the_mirror_is_cold_unless_mongodb_has_a_booking_there(
    world: World, alice: Caller, bob: Caller, booked: bool
) -> None:
    holds = world.services.holds
    if booked:
        world.services.bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(14))))
    lose_redis(world)
    old = holds.place(alice, world.hold_request(holder="alice")).hold.hold_id
    warm(world)
    holds.place(alice, world.hold_request(holder="bob", start=rfc3339(tomorrow(16))))  # this server knows the epoch
    world.services.redis.delete(world.names.epoch)
    new = world.hold_request(holder="alice", start=rfc3339(tomorrow(14)), replaces=old)
    if booked:
        with pytest.raises(SlotBooked):
            holds.place(alice, new)
    else:
        assert holds.place(alice, new).created
    assert holds.get(alice, old).status == ("held" if booked else "released")


def test_a_search_while_cold_skips_booked_slots(world: World, alice: Caller, bob: Caller) -> None:
    for hour in (10, 11):
        world.services.bookings.book(bob, world.direct_request(start=rfc3339(tomorrow(hour))))
    lose_redis(world)
    found = world.services.holds.place(alice, world.hold_request(fallback="next_available")).hold
    assert (found.start, found.fallback_used) == (tomorrow(12), True)
    assert owners(world)[f"held {name_of(found.hold_id)}"] == 8


def test_any_technician_while_cold_is_a_free_one(world: World, alice: Caller, bob: Caller) -> None:
    world.services.bookings.book(bob, world.direct_request(property_id="prop-2"))
    lose_redis(world)
    found = world.services.holds.place(alice, world.hold_request(technician_id=None)).hold
    assert found.visit.technician_id == "tech-2"


def test_while_cold_the_catalogue_is_read_again_because_no_epoch_shows_its_changes(world: World, alice: Caller) -> None:
    hold = world.services.holds.place(alice, world.hold_request()).hold
    world.services.holds.release(alice, hold.hold_id)
    lose_redis(world)
    elsewhere = another_server(world)
    silent = desk_over(elsewhere.db, elsewhere.clock, elsewhere.catalogue)
    silent.patch_property(world.org, "prop-1", PropertyPatch(status="unavailable"))
    with pytest.raises(PropertyUnavailable):
        world.services.holds.place(alice, world.hold_request())
    assert owners(world) == {}


def test_a_direct_booking_while_cold_is_refused_by_mongodb_and_leaves_no_pin(world: World) -> None:
    bob = world.caller("desk")
    booking = world.services.bookings.book(bob, world.direct_request()).booking
    lose_redis(world)
    with pytest.raises(SlotBooked) as refused:
        world.services.bookings.book(bob, world.direct_request())
    assert len(refused.value.members["conflicts"]) == 2
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    assert world.services.redis.exists(world.names.pins) == 0


@pytest.mark.parametrize("key", [None, IdempotencyClaim("a key", "a print")], ids=["no key", "idempotency key"])
def test_a_direct_booking_over_a_booking_that_the_mirror_missed_is_refused_and_the_mirror_repaired(
    world: World, key: IdempotencyClaim | None
) -> None:
    bob = world.caller("desk")
    booking = insert_only(world, bob, world.direct_request(start=rfc3339(tomorrow(10, 30))))
    with pytest.raises(SlotBooked):
        world.services.bookings.book(bob, world.direct_request(), key)
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    assert world.services.redis.exists(world.names.pins) == 0
    assert world.double_booked() == []
    free = world.direct_request(start=rfc3339(tomorrow(9, 30)))
    assert world.services.bookings.book(bob, free, key).created


def test_a_direct_search_skips_a_booking_that_the_mirror_missed(world: World) -> None:
    bob = world.caller("desk")
    insert_only(world, bob, world.direct_request())
    booked = world.services.bookings.book(bob, world.direct_request(fallback="next_available")).booking
    assert (booked.start, booked.fallback_used) == (tomorrow(11), True)


def test_a_hold_on_a_booking_that_the_mirror_missed_is_refused_at_book_and_the_mirror_repaired(world: World) -> None:
    alice, bob = world.caller("checkout"), world.caller("desk")
    booking = insert_only(world, bob, world.direct_request(start=rfc3339(tomorrow(10, 30))))
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    with pytest.raises(SlotBooked):
        world.services.bookings.book(alice, world.book_request(hold_id=hold_id))
    assert owners(world) == {f"booked {booking.booking_id}": 8}
    assert world.services.holds.get(alice, hold_id).status == "released"
    assert world.double_booked() == []


def test_a_hold_under_a_mirrored_booking_is_refused_at_book(world: World) -> None:
    alice, bob = world.caller("checkout"), world.caller("desk")
    hold_id = world.services.holds.place(alice, world.hold_request()).hold.hold_id
    elsewhere = {"property_id": "prop-2", "start": rfc3339(tomorrow(9, 30))}
    booking = insert_only(world, bob, world.direct_request(**elsewhere))
    with pytest.raises(SlotBooked):
        world.services.bookings.book(bob, world.direct_request(**elsewhere, technician_id="tech-2"))
    assert owners(world) == {f"booked {booking.booking_id}": 8, f"held {name_of(hold_id)}": 6}
    with pytest.raises(SlotBooked):
        world.services.bookings.book(alice, world.book_request(hold_id=hold_id))
    assert world.double_booked() == []


@pytest.mark.parametrize("key", [None, IdempotencyClaim("a key", "a print")], ids=["same holder", "idempotency key"])
def test_a_repeat_makes_the_check_before_which_the_first_worker_died(
    world: World, alice: Caller, bob: Caller, monkeypatch: pytest.MonkeyPatch, key: IdempotencyClaim | None
) -> None:
    booking = world.services.bookings.book(bob, world.direct_request()).booking
    lose_redis(world)
    request = world.hold_request(holder="alice")
    with monkeypatch.context() as dying:
        dying.setattr(Placing, "_survives_cold", die)
        with pytest.raises(KeyboardInterrupt):
            world.services.holds.place(alice, request, key)
    assert set(owners(world).values()) == {8}
    with pytest.raises(SlotBooked):
        world.services.holds.place(alice, request, key)
    assert owners(world) == {f"booked {booking.booking_id}": 8}


def die(*_arguments: object) -> bool:
    """Ends the request like a worker that is killed before it has read MongoDB."""
    raise KeyboardInterrupt
