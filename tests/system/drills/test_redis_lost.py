"""Redis loses everything in the midst of something: between hold and book, begin and insert, or in a rebuild."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers
from tests.system.drills.installation import SOON, Answer, Installation
from tests.system.drills.rules import check_every_free_slot_can_be_held, check_rules


@pytest.fixture(scope="module")
def customers(place: Installation) -> Customers:
    return Customers(place, place.local_api())


@pytest.fixture(autouse=True)
def rebuilt(place: Installation, customers: Customers) -> Iterator[None]:
    """A whole mirror before each drill, and every rule kept after it."""
    place.settle()
    yield
    check_rules(customers)


def flush(place: Installation) -> None:
    place.world.services.redis.flushall()


def is_trusted(place: Installation) -> bool:
    return place.world.services.redis.get(place.world.names.epoch) is not None


def test_between_hold_and_book_the_customer_is_told_and_holds_again(place: Installation, customers: Customers) -> None:
    deed, slot = customers.wish(), place.slot()
    hold = customers.held(slot)
    flush(place)
    assert customers.book(deed, {"hold_id": hold.body["hold_id"]}).told == (410, "hold_expired")
    assert customers.book(deed, {"hold_id": customers.held(slot).body["hold_id"]}).status == 201


@pytest.mark.parametrize("direct", [False, True], ids=["with a hold", "directly"])
def test_between_begin_and_insert_the_booking_is_made_and_nobody_else_gets_in(
    place: Installation, customers: Customers, direct: bool
) -> None:
    deed, slot, answers = customers.wish(), place.slot(), list[Answer]()
    what = slot if direct else {"hold_id": customers.held(slot).body["hold_id"]}
    with place.failing(["insert"], blockConnection=True, blockTimeMS=300):
        worker = threading.Thread(target=lambda: answers.append(customers.book(deed, what)))
        worker.start()
        assert wait_until(lambda: bool(place.pins()), seconds=SOON)
        flush(place)
        worker.join(SOON)
    assert [answer.status for answer in answers] == [201]
    assert customers.hold(slot).told == (409, "slot_booked")
    assert customers.book(customers.wish(), slot).told == (409, "slot_booked")
    assert customers.book(deed, what).status in (200, 201) if not direct else True


def test_a_hold_that_slipped_in_before_the_insert_does_not_make_two_bookings(
    place: Installation, customers: Customers
) -> None:
    deed, late, slot, answers = customers.wish(), customers.wish(), place.slot(), list[Answer]()
    hold = customers.held(slot)
    with place.failing(["insert"], blockConnection=True, blockTimeMS=500):
        worker = threading.Thread(
            target=lambda: answers.append(customers.book(deed, {"hold_id": hold.body["hold_id"]}))
        )
        worker.start()
        assert wait_until(lambda: bool(place.pins()), seconds=SOON)
        flush(place)
        slipped_in = customers.hold(slot)
        worker.join(SOON)
    assert answers[0].status == 201
    if slipped_in.status == 201:
        assert customers.book(late, {"hold_id": slipped_in.body["hold_id"]}).status in (409, 410)
    assert customers.hold(slot).told == (409, "slot_booked")


def test_in_the_midst_of_a_rebuild_the_mirror_stays_untrusted_until_the_next_one(
    place: Installation, customers: Customers
) -> None:
    slots = [place.slot() for _ in range(3)]
    for slot in slots[:2]:
        assert customers.book(customers.wish(), slot).status == 201
    flush(place)
    relay, rebuild_token = place.world.services.relay, place.world.names.rebuild
    with place.failing(["find"], None, blockConnection=True, blockTimeMS=100):
        tending = threading.Thread(target=relay.tend)
        tending.start()
        assert wait_until(lambda: bool(place.world.services.redis.exists(rebuild_token)), seconds=SOON)
        flush(place)
        tending.join(SOON)
    assert not is_trusted(place)
    assert customers.hold(slots[0]).told == (409, "slot_booked")
    relay.tend()
    assert is_trusted(place)
    check_every_free_slot_can_be_held(customers, slots)


def test_a_cancelled_booking_is_not_brought_back_by_a_worker_that_is_late(
    place: Installation, customers: Customers
) -> None:
    deed, slot, answers = customers.wish(), place.slot(), list[Answer]()
    slow = place.proxy(place.redis)
    late = Customers(place, place.local_api(redis=slow))
    late.held()

    def book_late() -> None:
        answers.append(late.book(deed, slot))

    with place.failing(["insert"], blockConnection=True, blockTimeMS=300):
        worker = threading.Thread(target=book_late)
        worker.start()
        assert wait_until(lambda: bool(place.pins()), seconds=SOON)
        slow.stall()
    assert wait_until(lambda: bool(place.world.bookings(**{"customer.name": deed.name})), seconds=SOON)
    [booking] = place.world.bookings(**{"customer.name": deed.name})
    assert customers.cancel(deed, booking["_id"]).status == 200
    flush(place)
    place.world.services.relay.tend()
    slow.heal()
    worker.join(SOON)
    assert answers[0].status == 201
    check_every_free_slot_can_be_held(customers, [slot])
