"""A worker dies by SIGKILL with the documents of several requests in one insert; the clients repeat at another."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers, Deed
from tests.system.drills.installation import SOON, Answer, Api, Installation
from tests.system.drills.rules import check_rules

CROWD = 5

Wish = tuple[Deed, dict[str, Any], dict[str, str]]
"""Who books, what (a hold or a slot), and under which idempotency key."""


def wishes(customers: Customers) -> list[Wish]:
    """Some book what they hold, some directly."""
    holding = [(customers.wish(), {"hold_id": customers.held().body["hold_id"]}, {}) for _ in range(CROWD // 2)]
    slots = [(customers.wish(), customers.installation.slot()) for _ in range(CROWD - CROWD // 2)]
    return [*holding, *((deed, slot, {"Idempotency_Key": f"once {deed.name}"}) for deed, slot in slots)]


@contextmanager
def booking_at(
    api: Api, customers: Customers, wanted: list[Wish], slow: AbstractContextManager[None]
) -> Iterator[list[Future[Answer]]]:
    """All of them book at this API at one moment, while inserts are slow. So the first document goes alone, and the
    others wait and go together."""
    there = Customers(customers.installation, api)
    with ThreadPoolExecutor(CROWD) as pool, slow:
        yield [pool.submit(there.book, deed, what, **headers) for deed, what, headers in wanted]


def inserts_under_way(installation: Installation) -> int:
    """How many inserts of bookings MongoDB has begun and not answered."""
    with installation.mongo.client() as client:
        return len([*client.admin.aggregate([{"$currentOp": {}}, {"$match": {"command.insert": "bookings"}}])])


def batch_was_lost(asked: list[Future[Answer]]) -> bool:
    """Whether no request of the batch was answered. The one that went alone may have been."""
    statuses = [each.result().status for each in asked]
    return statuses.count(0) >= CROWD - 1 and set(statuses) <= {0, 201}


def lost_batch(installation: Installation, customers: Customers) -> list[Wish]:
    """Wishes of a batch whose worker died before it answered. On a busy machine the requests may come one by one, with
    no batch; then others are made."""
    api, tried = installation.api("after_batch"), list[list[Wish]]()

    def is_lost() -> bool:
        assert wait_until(api.is_up, seconds=SOON)
        tried.append(wishes(customers))
        slow = installation.failing(["insert"], None, blockConnection=True, blockTimeMS=500)
        with booking_at(api, customers, tried[-1], slow) as asked:
            return batch_was_lost(asked)

    assert wait_until(is_lost, seconds=2 * SOON)
    return tried[-1]


def check_booked_once_each(customers: Customers, wanted: list[Wish]) -> None:
    for deed, what, headers in wanted:
        first = customers.book_until_answered(deed, what, **headers)
        assert first.is_ok, first
        again = customers.book(deed, what, **headers)
        assert again.body["booking_id"] == first.body["booking_id"]
        assert len(customers.installation.world.bookings(**{"customer.name": deed.name})) == 1
    check_rules(customers)


def test_a_worker_dies_with_the_answer_to_a_batch_in_its_hands(
    installation: Installation, customers: Customers
) -> None:
    wanted = lost_batch(installation, customers)
    written = installation.world.bookings(**{"customer.name": {"$in": [deed.name for deed, *_ in wanted]}})
    assert len(written) >= 2
    check_booked_once_each(customers, wanted)


def test_a_worker_dies_before_mongodb_answers_a_batch(installation: Installation, customers: Customers) -> None:
    wanted, api = wishes(customers), installation.api()
    with booking_at(api, customers, wanted, installation.inserts_wait()) as asked:
        assert wait_until(lambda: inserts_under_way(installation) > 1, seconds=SOON, every=0.01)
        api.child.kill()
        assert {each.result().status for each in asked} == {0}
    check_booked_once_each(customers, wanted)


def test_a_batch_whose_worker_died_and_whose_clients_are_gone_is_settled_by_the_relay(
    installation: Installation, customers: Customers
) -> None:
    lost_batch(installation, customers)
    check_rules(customers)
