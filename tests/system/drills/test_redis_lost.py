"""Redis loses everything between hold and book, between begin and insert, or during a rebuild."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers
from tests.system.drills.installation import SOON, Answer, Installation
from tests.system.drills.rules import check_every_free_slot_can_be_held, check_rules


@pytest.fixture(scope="module")
def customers(installation: Installation) -> Customers:
    return Customers(installation, installation.local_api())


@pytest.fixture(autouse=True)
def rebuilt(installation: Installation, customers: Customers) -> Iterator[None]:
    """Each drill begins with a whole mirror, and every rule holds after it."""
    installation.settle()
    yield
    check_rules(customers)


def flush(installation: Installation) -> None:
    installation.world.services.redis.flushall()


def is_trusted(installation: Installation) -> bool:
    return installation.world.services.redis.get(installation.world.names.epoch) is not None


def test_between_hold_and_book_the_customer_gets_410_and_holds_again(
    installation: Installation, customers: Customers
) -> None:
    deed, slot = customers.wish(), installation.slot()
    hold = customers.held(slot)
    flush(installation)
    assert customers.book(deed, {"hold_id": hold.body["hold_id"]}).status_and_code == (410, "hold_expired")
    assert customers.book(deed, {"hold_id": customers.held(slot).body["hold_id"]}).status == 201


@pytest.mark.parametrize("direct", [False, True], ids=["with a hold", "directly"])
def test_between_begin_and_insert_the_booking_is_made_and_others_are_refused(
    installation: Installation, customers: Customers, direct: bool
) -> None:
    deed, slot, answers = customers.wish(), installation.slot(), list[Answer]()
    what = slot if direct else {"hold_id": customers.held(slot).body["hold_id"]}
    with installation.inserts_wait():
        worker = threading.Thread(target=lambda: answers.append(customers.book(deed, what)))
        worker.start()
        assert wait_until(lambda: bool(installation.pins()), seconds=SOON)
        flush(installation)
    worker.join(SOON)
    assert [answer.status for answer in answers] == [201]
    assert customers.hold(slot).status_and_code == (409, "slot_booked")
    assert customers.book(customers.wish(), slot).status_and_code == (409, "slot_booked")
    assert customers.book(deed, what).status in (200, 201) if not direct else True


def test_a_hold_that_slipped_in_before_the_insert_does_not_make_two_bookings(
    installation: Installation, customers: Customers
) -> None:
    deed, late, slot, answers = customers.wish(), customers.wish(), installation.slot(), list[Answer]()
    hold = customers.held(slot)
    with installation.inserts_wait():
        worker = threading.Thread(
            target=lambda: answers.append(customers.book(deed, {"hold_id": hold.body["hold_id"]}))
        )
        worker.start()
        assert wait_until(lambda: bool(installation.pins()), seconds=SOON)
        flush(installation)
        slipped_in = customers.hold(slot)
    worker.join(SOON)
    assert answers[0].status == 201
    if slipped_in.status == 201:
        assert customers.book(late, {"hold_id": slipped_in.body["hold_id"]}).status in (409, 410)
    assert customers.hold(slot).status_and_code == (409, "slot_booked")


def test_during_a_rebuild_the_mirror_stays_untrusted_until_the_next_rebuild(
    installation: Installation, customers: Customers
) -> None:
    slots = [installation.slot() for _ in range(3)]
    for slot in slots[:2]:
        assert customers.book(customers.wish(), slot).status == 201
    flush(installation)
    relay, rebuild_token = installation.world.services.relay, installation.world.names.rebuild
    with installation.failing(["find"], None, blockConnection=True, blockTimeMS=400):
        tending = threading.Thread(target=relay.tend)
        tending.start()
        assert wait_until(lambda: bool(installation.world.services.redis.exists(rebuild_token)), seconds=SOON)
        flush(installation)
        tending.join(SOON)
    assert not is_trusted(installation)
    assert customers.hold(slots[0]).status_and_code == (409, "slot_booked")
    relay.tend()
    assert is_trusted(installation)
    check_every_free_slot_can_be_held(customers, slots)


def test_a_late_worker_does_not_bring_a_cancelled_booking_back(
    installation: Installation, customers: Customers
) -> None:
    deed, slot, answers = customers.wish(), installation.slot(), list[Answer]()
    slow = installation.proxy(installation.redis)
    late = Customers(installation, installation.local_api(redis=slow))
    late.held()

    def book_late() -> None:
        answers.append(late.book(deed, slot))

    with installation.inserts_wait():
        worker = threading.Thread(target=book_late)
        worker.start()
        assert wait_until(lambda: bool(installation.pins()), seconds=SOON)
        slow.stall()
    assert wait_until(lambda: bool(installation.world.bookings(**{"customer.name": deed.name})), seconds=SOON)
    [booking] = installation.world.bookings(**{"customer.name": deed.name})
    assert customers.cancel(deed, booking["_id"]).status == 200
    flush(installation)
    installation.world.services.relay.tend()
    slow.heal()
    worker.join(SOON)
    assert answers[0].status == 201
    check_every_free_slot_can_be_held(customers, [slot])
