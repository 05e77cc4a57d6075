"""MongoDB is killed or frozen, refuses, or loses a reply: holds go on, and each booking is made once."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from tests.system.drills.customers import Customers, Deed, at_once, in_time, is_unavailable, served
from tests.system.drills.installation import OUTAGES, SOON, Answer, Installation, away
from tests.system.drills.proxy import Proxy
from tests.system.drills.rules import check_every_free_slot_can_be_held, check_rules

pytestmark = pytest.mark.real_timeouts

INSERT = b"\x02insert\x00"
"""The bytes that name the command in the message of an insert."""

NEVER_SEEN: dict[str, tuple[int | None, dict[str, Any]]] = {
    "one connection broken": (1, {"closeConnection": True}),
    "one error to retry": (1, {"errorCode": 262, "errorLabels": ["RetryableWriteError"]}),
}
"""Faults of an insert that the worker mends before it answers."""
OUTCOME_OPEN: dict[str, tuple[int | None, dict[str, Any]]] = {
    "every connection broken": (None, {"closeConnection": True}),
    "errors to retry without end": (None, {"errorCode": 262, "errorLabels": ["RetryableWriteError"]}),
    "interrupted": (1, {"errorCode": 11601}),
    "longer than we wait": (1, {"blockConnection": True, "blockTimeMS": 2_000}),
}
"""Faults of an insert after which the worker cannot know the outcome."""


def check_kept(customers: Customers, hold: Answer, slot: dict[str, Any]) -> None:
    """The hold is still there, and others are refused."""
    status = served(lambda: customers.ask("GET", f"/hold/{hold.body['hold_id']}")).body["status"]
    assert status in ("held", "confirming")
    refused = served(lambda: customers.hold(slot))
    assert refused.status_and_code == (409, "slot_held"), refused


def check_booked_once(customers: Customers, deed: Deed, what: dict[str, Any], **headers: str) -> None:
    """Two repeats end with one booking."""
    first = customers.book_until_answered(deed, what, **headers)
    assert first.is_ok, first
    again = customers.book_until_answered(deed, what, **headers)
    assert (again.is_ok, again.body["booking_id"]) == (True, first.body["booking_id"])
    assert len(customers.installation.world.bookings(**{"customer.name": deed.name})) == 1
    check_rules(customers)


@pytest.mark.parametrize("how", OUTAGES)
def test_without_mongodb_holds_go_on_and_other_requests_get_503(
    installation: Installation, customers: Customers, how: str
) -> None:
    deed, cancelling, kept = customers.wish(), customers.wish(), installation.slot()
    hold, other = customers.held(kept), customers.held()
    booking = customers.book_until_answered(cancelling, {"hold_id": other.body["hold_id"]}).body["booking_id"]
    with away(installation.mongo, how):
        fresh = customers.held()
        waiting = at_once(
            lambda: customers.readiness(503),
            lambda: customers.book(deed, {"hold_id": hold.body["hold_id"]}),
            lambda: customers.book(customers.wish(), installation.slot()),
            lambda: customers.ask("GET", f"/bookings/{booking}"),
            lambda: customers.cancel(cancelling, booking),
        )
        assert all(is_unavailable(answer) for answer in waiting), waiting
        checks = waiting[0].body["checks"]
        assert (checks["redis"], checks["mongodb"]) == ("ok", "MongoDB does not answer.")
        answer = customers.ask("GET", "/healthz")
        assert in_time(answer, 200), answer
        check_kept(customers, hold, kept)
    customers.readiness(200)
    check_booked_once(customers, deed, {"hold_id": hold.body["hold_id"]})
    customers.booked({"hold_id": fresh.body["hold_id"]})
    assert served(lambda: customers.cancel(cancelling, booking)).status == 200
    check_rules(customers)


def test_a_request_waits_for_a_failover(installation: Installation, customers: Customers) -> None:
    deed, hold = customers.wish(), customers.held()
    with installation.mongo.client() as client:
        client.admin.command("replSetStepDown", 1, force=True)
    answer = customers.book(deed, {"hold_id": hold.body["hold_id"]})
    assert is_unavailable(answer) or in_time(answer, 201), answer
    assert customers.held()
    check_booked_once(customers, deed, {"hold_id": hold.body["hold_id"]})


@pytest.mark.parametrize("redis_is", ["flushed", "frozen"])
def test_with_both_stores_in_trouble_everything_is_still_answered_in_time(
    installation: Installation, customers: Customers, redis_is: str
) -> None:
    deed, hold = customers.wish(), customers.held()
    carried = {name: hold.body[name] for name in ("hold_id", "property_id", "technician_id", "start")}
    redis: AbstractContextManager[None] = nullcontext()
    if redis_is == "flushed":
        installation.world.services.redis.flushall()
    else:
        redis = away(installation.redis, "frozen")
    with away(installation.mongo, "frozen"), redis:
        for _ in range(2):
            waiting = at_once(
                lambda: customers.hold(installation.slot()),
                lambda: customers.book(customers.wish(), installation.slot()),
                lambda: customers.book(deed, carried | {"if_expired": "book_if_free"}),
                lambda: customers.ask(
                    "GET", "/availability?property_id=prop-1&from=" + installation.slot()["start"][:10]
                ),
                lambda: customers.readiness(503),
            )
            assert all(is_unavailable(answer) for answer in waiting), waiting
    check_booked_once(customers, deed, carried | {"if_expired": "book_if_free"})


@pytest.mark.parametrize("fault", NEVER_SEEN)
def test_the_client_does_not_see_a_fault_that_the_worker_can_mend(
    installation: Installation, customers: Customers, fault: str
) -> None:
    times, data = NEVER_SEEN[fault]

    def is_mended() -> bool:
        deed, hold = customers.wish(), customers.held()
        with installation.failing(["insert"], times, **data):
            answer = customers.book(deed, {"hold_id": hold.body["hold_id"]})
        assert in_time(answer, 201) or is_unavailable(answer), answer
        check_booked_once(customers, deed, {"hold_id": hold.body["hold_id"]})
        return answer.status == 201

    assert wait_until(is_mended, seconds=SOON)


def test_an_unmet_write_concern_may_leave_the_outcome_open(installation: Installation, customers: Customers) -> None:
    deed, hold = customers.wish(), customers.held()
    with installation.failing(["insert"], writeConcernError={"code": 64, "errmsg": "drill"}):
        answer = customers.book(deed, {"hold_id": hold.body["hold_id"]})
    assert is_unavailable(answer) or in_time(answer, 201), answer
    check_booked_once(customers, deed, {"hold_id": hold.body["hold_id"]})


@pytest.mark.parametrize("fault", OUTCOME_OPEN)
def test_after_an_open_outcome_the_hold_is_kept_and_the_repeat_books_once(
    installation: Installation, customers: Customers, fault: str
) -> None:
    deed, slot = customers.wish(), installation.slot()
    hold = customers.held(slot)
    times, data = OUTCOME_OPEN[fault]
    with installation.failing(["insert"], times, **data):
        answer = customers.book(deed, {"hold_id": hold.body["hold_id"]})
        assert is_unavailable(answer), answer
        check_kept(customers, hold, slot)
    check_booked_once(customers, deed, {"hold_id": hold.body["hold_id"]})


@pytest.mark.parametrize("fault", ["every connection broken", "longer than we wait"])
def test_a_direct_booking_of_open_outcome_is_repeated_under_its_key(
    installation: Installation, customers: Customers, fault: str
) -> None:
    deed, slot = customers.wish(), installation.slot()
    times, data = OUTCOME_OPEN[fault]
    with installation.failing(["insert"], times, **data):
        answer = customers.book(deed, slot, Idempotency_Key=f"open {fault}")
        assert is_unavailable(answer), answer
        assert served(lambda: customers.hold(slot)).status_and_code == (409, "slot_held")
    check_booked_once(customers, deed, slot, Idempotency_Key=f"open {fault}")


def test_the_driver_finds_an_insert_whose_reply_mongodb_lost(installation: Installation, customers: Customers) -> None:
    def is_found() -> bool:
        deed, hold = customers.wish(), customers.held()
        installation.fail_point("onPrimaryTransactionalWrite", {"times": 1}, {"closeConnection": True})
        answer = customers.book(deed, {"hold_id": hold.body["hold_id"]})
        assert in_time(answer, 201) or is_unavailable(answer), answer
        check_booked_once(customers, deed, {"hold_id": hold.body["hold_id"]})
        return answer.status == 201

    assert wait_until(is_found, seconds=SOON)


@pytest.mark.parametrize("hang_up", [True, False], ids=["connection ends", "silence"])
def test_an_insert_whose_reply_was_lost_is_found_again(
    installation: Installation, behind_mongo: Customers, mongo_proxy: Proxy, hang_up: bool
) -> None:
    def status() -> int:
        deed, slot = behind_mongo.wish(), installation.slot()
        hold = behind_mongo.held(slot)
        mongo_proxy.lose_reply(INSERT, hang_up=hang_up)
        answer = behind_mongo.book(deed, {"hold_id": hold.body["hold_id"]})
        assert mongo_proxy.lost.is_set()
        assert len(installation.world.bookings(**{"customer.name": deed.name})) == 1
        assert (hang_up and in_time(answer, 201)) or is_unavailable(answer), answer
        if answer.status == 503:
            check_kept(behind_mongo, hold, slot)
        check_booked_once(behind_mongo, deed, {"hold_id": hold.body["hold_id"]})
        return answer.status

    assert wait_until(lambda: status() == (201 if hang_up else 503), seconds=SOON)


def test_without_a_key_a_direct_booking_whose_reply_was_lost_is_made_at_most_once(
    installation: Installation, behind_mongo: Customers, mongo_proxy: Proxy
) -> None:
    deed, slot = behind_mongo.wish(), installation.slot()
    mongo_proxy.lose_reply(INSERT)
    answer = behind_mongo.book(deed, slot)
    assert is_unavailable(answer), answer
    repeated = behind_mongo.book_until_answered(deed, slot)
    assert repeated.status == 409, repeated
    check_rules(behind_mongo)
    check_every_free_slot_can_be_held(behind_mongo, [slot])


def test_a_worker_that_cannot_reach_mongodb_leaves_the_attempt_of_another_alone(
    installation: Installation, customers: Customers, behind_mongo: Customers, mongo_proxy: Proxy
) -> None:
    """Two workers confirm one hold. The insert of the first hangs, and the second cannot reach MongoDB."""
    deed, slot = customers.wish(), installation.slot()
    hold = customers.held(slot)
    with installation.failing(["insert"], blockConnection=True, blockTimeMS=2_000):
        assert is_unavailable(customers.book(deed, {"hold_id": hold.body["hold_id"]}))
        mongo_proxy.cut()
        assert is_unavailable(behind_mongo.book(deed, {"hold_id": hold.body["hold_id"]}))
        assert customers.ask("GET", f"/hold/{hold.body['hold_id']}").body["status"] == "confirming"
        assert customers.ask("DELETE", f"/hold/{hold.body['hold_id']}").status_and_code == (409, "request_in_progress")
    mongo_proxy.heal()
    check_booked_once(customers, deed, {"hold_id": hold.body["hold_id"]})
