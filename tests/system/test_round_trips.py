"""What each operation costs, counted on the real servers: by Redis itself, and by the commands that MongoDB is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.read_concern import ReadConcern

from models.access import Caller, IdempotencyClaim
from models.booking import ReserveRequest
from models.booking_changes import BookingPatch
from models.catalogue import TechnicianPatch
from models.errors import SlotBooked, SlotHeld
from services.stores.connections import connect_redis
from tests.servers import MongoServer, RedisServer
from tests.system.till import Cost, Heard, Till
from tests.world import PATIENT, World, rfc3339, services_over, tomorrow


@pytest.fixture
def till(stores: tuple[RedisServer, MongoServer]) -> Iterator[Till]:
    """A warm world in which the catalogue and the cast's keys are in memory and every script was run before."""
    redis, mongo = stores
    heard, client, watcher = Heard(), connect_redis(redis.url, PATIENT), redis.client()
    with MongoClient[dict[str, Any]](mongo.url, tz_aware=True, event_listeners=[heard]) as mongo_client:
        concerns = {"write_concern": WriteConcern(w="majority", j=True), "read_concern": ReadConcern("majority")}
        db = mongo_client.get_database("holdfast_test", **concerns)  # type: ignore[arg-type]  # two kinds of value
        world = World(services_over(client, db))
        holds, alice = world.services.holds, world.caller()
        hold = holds.place(alice, world.hold_request()).hold
        holds.extend(alice, holds.get(alice, hold.hold_id).hold_id, 600)
        holds.release(alice, hold.hold_id)
        hold = holds.place(alice, world.hold_request(property_id="prop-3", technician_id="tech-3")).hold
        world.services.bookings.book(alice, world.book_request(hold_id=hold.hold_id))
        for role in ("desk", "bot"):
            world.caller(role)
        yield Till(world, heard, watcher)
        world.services.access.close()
    client.close()
    watcher.close()


@pytest.fixture
def alice(till: Till) -> Caller:
    return till.world.caller("checkout")


@pytest.fixture
def bob(till: Till) -> Caller:
    return till.world.caller("desk")


@pytest.fixture(params=["no key", "idempotency key"])
def key(request: pytest.FixtureRequest) -> IdempotencyClaim | None:
    return None if request.param == "no key" else IdempotencyClaim("a key", "a print")


def test_a_hold_is_one_call_to_redis_and_none_to_mongodb(
    till: Till, alice: Caller, key: IdempotencyClaim | None
) -> None:
    services, request = till.world.services, till.world.hold_request(holder="alice")
    assert till.cost_of(lambda: services.holds.place(alice, request, key)) == Cost(1, 1, [])


def test_so_are_its_repeats(till: Till, alice: Caller, key: IdempotencyClaim | None) -> None:
    services, request = till.world.services, till.world.hold_request(holder="alice")
    services.holds.place(alice, request, key)
    assert till.cost_of(lambda: services.holds.place(alice, request, key)) == Cost(1, 1, [])


@pytest.mark.parametrize(("changed", "why"), [({}, SlotHeld), ({"property_id": "prop-3"}, SlotBooked)])
def test_a_refused_hold_is_one_call_as_well(
    till: Till,
    alice: Caller,
    bob: Caller,
    key: IdempotencyClaim | None,
    changed: dict[str, str],
    why: type[Exception],
) -> None:
    services = till.world.services
    services.holds.place(alice, till.world.hold_request())

    def refused() -> None:
        with pytest.raises(why):
            services.holds.place(bob, till.world.hold_request(**changed), key)

    assert till.cost_of(refused) == Cost(1, 1, [])


def test_so_is_a_strangers_hold_inside_time_off(till: Till, alice: Caller) -> None:
    world, off = till.world, {"start": rfc3339(tomorrow(8)), "end": rfc3339(tomorrow(18))}
    world.services.catalogue_desk.patch_technician(
        world.org, "tech-1", TechnicianPatch.model_validate({"time_off": [off]})
    )
    refused = partial(pytest.raises, SlotBooked, world.services.holds.place, alice, world.hold_request())
    refused()  # reads the catalogue
    assert till.cost_of(refused) == Cost(1, 1, [])


def test_any_technician_and_a_search_are_one_call(till: Till, alice: Caller) -> None:
    services = till.world.services
    evening = {"start": rfc3339(tomorrow(20))}  # a request of more than 16 KiB would be read by Redis in two pieces
    services.holds.place(alice, till.world.hold_request(**evening, duration_minutes=120))
    wish = till.world.hold_request(**evening, technician_id=None, fallback="next_available")
    assert till.cost_of(lambda: services.holds.place(alice, wish)) == Cost(1, 1, [])


def test_a_hold_is_read_extended_and_released_with_one_call_each(till: Till, alice: Caller) -> None:
    holds = till.world.services.holds
    hold_id = holds.place(alice, till.world.hold_request()).hold.hold_id
    holds.extend(alice, hold_id, 1)  # runs each script once
    assert till.cost_of(lambda: holds.get(alice, hold_id)) == Cost(1, 1, [])
    assert till.cost_of(lambda: holds.extend(alice, hold_id, 600)) == Cost(1, 1, [])
    assert till.cost_of(lambda: holds.release(alice, hold_id)) == Cost(1, 1, [])


def test_booking_a_hold_is_two_calls_to_redis_and_one_insert(
    till: Till, alice: Caller, key: IdempotencyClaim | None
) -> None:
    services = till.world.services
    hold_id = services.holds.place(alice, till.world.hold_request(), key).hold.hold_id
    request, claim = till.world.book_request(hold_id=hold_id), key and IdempotencyClaim("another key", "a print")
    assert till.cost_of(lambda: services.bookings.book(alice, request, claim)) == Cost(2, 2, ["insert"])


def test_a_direct_booking_is_two_calls_to_redis_and_one_insert(
    till: Till, bob: Caller, key: IdempotencyClaim | None
) -> None:
    services, request = till.world.services, till.world.direct_request()
    assert till.cost_of(lambda: services.bookings.book(bob, request, key)) == Cost(2, 2, ["insert"])


def test_a_refused_direct_booking_is_one_call_to_redis_and_with_a_key_a_look_for_its_first_answer(
    till: Till, bob: Caller, key: IdempotencyClaim | None
) -> None:
    services, request = till.world.services, till.world.direct_request(property_id="prop-3")

    def refused() -> None:
        with pytest.raises(SlotBooked):
            services.bookings.book(bob, request, key)

    assert till.cost_of(refused) == Cost(1, 1, ["find"] if key else [])


def test_a_repeated_booking_is_one_call_and_one_read(till: Till, alice: Caller, key: IdempotencyClaim | None) -> None:
    services = till.world.services
    hold_id = services.holds.place(alice, till.world.hold_request()).hold.hold_id
    request = till.world.book_request(hold_id=hold_id)
    services.bookings.book(alice, request, key)
    assert till.cost_of(lambda: services.bookings.book(alice, request, key)) == Cost(1, 1, ["find"])


def test_cancelling_is_one_read_one_write_and_one_call_to_redis(till: Till, bob: Caller) -> None:
    services = till.world.services
    booking = services.bookings.book(bob, till.world.direct_request()).booking
    cost = till.cost_of(lambda: services.booking_life.act(bob, booking.booking_id, "cancel"))
    assert cost == Cost(1, 1, ["find", "findAndModify"])


def to(start: datetime) -> BookingPatch:
    """A change of nothing but the start."""
    return BookingPatch.model_validate({"start": rfc3339(start)})


def test_a_move_is_three_calls_to_redis_one_read_and_one_change(till: Till, bob: Caller) -> None:
    """Pin, mirror, give the pin back; it makes no difference whether the visit overlaps its old time."""
    services = till.world.services
    booking = services.bookings.book(bob, till.world.direct_request()).booking
    made, first = Cost(3, 3, ["find", "findAndModify"]), to(tomorrow(12))
    services.booking_life.reschedule(bob, booking.booking_id, first, 1)  # runs each script once
    for version, start in ((2, tomorrow(14)), (3, tomorrow(14, 30))):
        act = partial(services.booking_life.reschedule, bob, booking.booking_id, to(start), version)
        assert till.cost_of(act) == made
        assert till.cost_of(act) == Cost(0, 0, ["find"])  # its repeat


def reserved(till: Till, bob: Caller) -> str:
    start = {"start": rfc3339(tomorrow(12)), "reserved_by": "Dr. Who"}
    fields = {"property_id": "prop-1", "technician_id": "tech-1"} | start
    return till.world.services.bookings.reserve(bob, ReserveRequest.model_validate(fields)).booking.booking_id


def test_a_reservation_is_moved_like_any_booking_after_a_read_whether_it_is_over(till: Till, bob: Caller) -> None:
    services, booking_id = till.world.services, reserved(till, bob)
    services.booking_life.reschedule(bob, booking_id, to(tomorrow(13)), 1)  # runs each script once
    cost = till.cost_of(lambda: services.booking_life.reschedule(bob, booking_id, to(tomorrow(14)), 2))
    assert cost == Cost(3, 3, ["find", "find", "findAndModify"])


def test_confirming_a_reservation_reads_whether_it_is_over_and_keeps_its_marks_by_two_calls_more(
    till: Till, bob: Caller
) -> None:
    services = till.world.services
    first = reserved(till, bob)
    services.booking_life.act(bob, first, "confirm")  # runs each script once
    services.booking_life.act(bob, first, "cancel")
    booking_id = reserved(till, bob)
    cost = till.cost_of(lambda: services.booking_life.act(bob, booking_id, "confirm"))
    assert cost == Cost(3, 3, ["find", "find", "findAndModify"])


def test_a_refusal_by_a_reservation_asks_mongodb_once_whether_it_is_over(
    till: Till, alice: Caller, bob: Caller
) -> None:
    services = till.world.services
    reserved(till, bob)

    def refused() -> None:
        with pytest.raises(SlotBooked):
            services.holds.place(alice, till.world.hold_request(start=rfc3339(tomorrow(12))))

    refused()
    assert till.cost_of(refused) == Cost(1, 1, ["find"])


def test_a_change_of_details_is_one_call_to_redis_one_read_and_one_change(till: Till, bob: Caller) -> None:
    services = till.world.services
    booking = services.bookings.book(bob, till.world.direct_request()).booking
    patch = BookingPatch(description="Ring twice.")
    cost = till.cost_of(lambda: services.booking_life.reschedule(bob, booking.booking_id, patch, 1))
    assert cost == Cost(1, 1, ["find", "findAndModify"])


def test_a_refused_move_is_one_call_and_one_read(till: Till, alice: Caller, bob: Caller) -> None:
    services = till.world.services
    booking = services.bookings.book(bob, till.world.direct_request()).booking
    services.holds.place(alice, till.world.hold_request(start=rfc3339(tomorrow(14))))

    def refused() -> None:
        with pytest.raises(SlotHeld):
            services.booking_life.reschedule(bob, booking.booking_id, to(tomorrow(14, 30)), 1)

    assert till.cost_of(refused) == Cost(1, 1, ["find"])


def test_what_an_operation_costs_does_not_grow_with_the_number_of_bookings(
    till: Till, alice: Caller, bob: Caller
) -> None:
    services = till.world.services
    for hour in range(12, 20):
        services.bookings.book(bob, till.world.direct_request(start=rfc3339(tomorrow(hour))))
    request = till.world.hold_request(start=rfc3339(tomorrow(8)))
    assert till.cost_of(lambda: services.holds.place(alice, request)) == Cost(1, 1, [])
