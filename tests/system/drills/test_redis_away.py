"""Redis is killed or frozen, or loses a reply: holds are refused in time, and bookings with their slot go on."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from services.ids import hold_name
from tests.system.drills.customers import HOLDER, Customers, in_time, is_unavailable, place_of, served, within
from tests.system.drills.installation import OUTAGES, SOON, Installation, away
from tests.system.drills.proxy import MIRRORING, Proxy
from tests.system.drills.rules import check_every_free_slot_can_be_held, check_rules

pytestmark = pytest.mark.real_timeouts


@pytest.mark.parametrize("how", OUTAGES)
def test_holds_are_refused_in_time_and_granted_again_by_themselves(
    installation: Installation, customers: Customers, how: str
) -> None:
    slot, kept = installation.slot(), customers.held()
    with away(installation.redis, how):
        for _ in range(3):
            answer = customers.hold(slot)
            assert is_unavailable(answer), answer
        answer = customers.ask("GET", f"/hold/{kept.body['hold_id']}")
        assert is_unavailable(answer), answer
    # A stalled hold may have been placed all the same. A request without a holder waits until that hold expires.
    assert within(2, lambda: customers.hold(installation.slot()).status == 201)
    assert served(lambda: customers.ask("GET", f"/hold/{kept.body['hold_id']}")).body["status"] == "held"


@pytest.mark.parametrize("how", OUTAGES)
def test_bookings_that_name_their_slot_go_on_with_mongodb_alone(
    installation: Installation, customers: Customers, how: str
) -> None:
    direct, carried, alone, loser = (customers.wish() for _ in range(4))
    hold, other, slot = customers.held(), customers.held(), installation.slot()
    with away(installation.redis, how):
        answer = customers.book_until_answered(direct, slot, Idempotency_Key=f"direct {how}")
        assert in_time(answer, 201), answer
        answer = customers.book_until_answered(carried, {"hold_id": hold.body["hold_id"]} | place_of(hold))
        assert answer.is_ok, answer
        again = customers.book_until_answered(carried, {"hold_id": hold.body["hold_id"]} | place_of(hold))
        assert in_time(again, 200), again
        answer = customers.book(alone, {"hold_id": other.body["hold_id"]})
        assert is_unavailable(answer), answer
        answer = customers.book_until_answered(loser, slot)
        assert in_time(answer, 409), answer
    assert within(2, lambda: customers.book(alone, {"hold_id": other.body["hold_id"]}).is_ok)
    check_rules(customers)
    for taken in (slot, place_of(hold), place_of(other)):
        assert customers.finds_booked(taken)


@pytest.mark.usefixtures("within_a_day")
@pytest.mark.parametrize("how", OUTAGES)
def test_one_process_books_no_more_for_an_address_than_its_share_of_a_day(
    installation: Installation, customers: Customers, how: str
) -> None:
    figure = "public_bookings_per_address_per_day"
    fresh = Customers(installation, installation.local_api())
    fresh.deeds = customers.deeds
    assert served(lambda: fresh.ask("PATCH", "/policy", {figure: 2}, role="admin")).status == 200
    slots = [installation.slot() for _ in range(3)]
    holds = [
        served(lambda slot=slot: fresh.hold(slot, role="checkout", holder=f"{HOLDER}-{how}"))  # type: ignore[misc]
        for slot in slots
    ]
    with away(installation.redis, how):
        for hold, status in zip(holds, (201, 201, 429), strict=True):
            deed = fresh.wish()
            what = {"hold_id": hold.body["hold_id"], "customer": {"name": deed.name}} | place_of(hold)
            answer = served(lambda what=what: fresh.ask("POST", "/book", what, role="checkout"))  # type: ignore[misc]
            deed.answers.append(answer)
            assert answer.is_ok if status == 201 else in_time(answer, status), answer
        assert figure in answer.body["detail"]
    assert wait_until(lambda: fresh.ask("PATCH", "/policy", {figure: 30}, role="admin").status == 200, seconds=SOON)
    check_rules(customers)


@pytest.mark.parametrize("how", OUTAGES)
def test_what_needs_no_redis_is_answered(installation: Installation, customers: Customers, how: str) -> None:
    deed, hold = customers.wish(), customers.held()
    booking = customers.book_until_answered(deed, {"hold_id": hold.body["hold_id"]}).body["booking_id"]
    with away(installation.redis, how):
        for path in (
            "/healthz",
            f"/bookings/{booking}",
            "/bookings",
            "/properties",
            "/technicians",
            "/properties/prop-1",
        ):
            answer = served(lambda path=path: customers.ask("GET", path))  # type: ignore[misc]
            assert in_time(answer, 200), (path, answer)
        answer = customers.readiness(503)
        assert (answer.body["checks"]["redis"], answer.body["checks"]["mongodb"]) == ("Redis does not answer.", "ok")
        answer = served(lambda: customers.cancel(deed, booking))
        assert in_time(answer, 200), answer
    assert within(2, lambda: customers.ask("GET", "/readyz").status == 200)
    check_rules(customers)


def test_a_redis_that_comes_back_empty_is_not_trusted_until_it_is_rebuilt(
    installation: Installation, customers: Customers
) -> None:
    slot, free = installation.slot(), installation.slot()
    customers.booked(slot)
    installation.redis.kill()
    shutil.rmtree(installation.redis.folder / "appendonlydir")
    installation.redis.start()
    assert within(2, lambda: customers.hold(slot).status_and_code == (409, "slot_booked"))
    granted = customers.held(free)
    assert served(lambda: customers.book(customers.wish(), slot)).status_and_code == (409, "slot_booked")
    assert installation.world.services.redis.get(installation.world.names.epoch) is None
    installation.lapse_leases()
    relay = installation.relay()
    assert wait_until(
        lambda: installation.world.services.redis.get(installation.world.names.epoch) is not None, seconds=SOON
    )
    relay.stop()
    path = f"/hold/{granted.body['hold_id']}"
    assert served(lambda: customers.ask("GET", path)).body["status"] == "held"
    check_rules(customers)
    assert served(lambda: customers.ask("DELETE", path)).status == 204
    check_every_free_slot_can_be_held(customers, [slot, free])


@pytest.mark.parametrize("by", ["holder", "key", "both"])
def test_a_repeated_hold_whose_reply_was_lost_answers_the_same_hold(
    installation: Installation, behind_redis: Customers, redis_proxy: Proxy, by: str
) -> None:
    slot = installation.slot()
    fields: dict[str, Any] = {} if by == "key" else {"holder": f"{HOLDER}-{by}"}
    headers = {} if by == "holder" else {"Idempotency_Key": f"lost-{by}"}
    redis_proxy.lose_reply(b"EVALSHA")
    lost = behind_redis.ask("POST", "/hold", slot | fields, role="bot", **headers)
    assert redis_proxy.lost.is_set()
    assert is_unavailable(lost), lost
    repeated = served(lambda: behind_redis.ask("POST", "/hold", slot | fields, role="bot", **headers))
    assert repeated.status == (200 if by == "holder" else 201), repeated
    mark = installation.world.marks()[f"property:prop-1:{_tick(installation, slot)}"]
    assert mark.split("|")[1] == hold_name(repeated.body["hold_id"])
    assert served(lambda: behind_redis.hold(slot)).status_and_code == (409, "slot_held")
    path = f"/hold/{repeated.body['hold_id']}"
    assert served(lambda: behind_redis.ask("GET", path, role="bot")).body["status"] == "held"


def test_a_confirmation_whose_beginning_lost_its_reply_is_repeated(
    installation: Installation, behind_redis: Customers, redis_proxy: Proxy
) -> None:
    deed, hold = behind_redis.wish(), behind_redis.held()
    redis_proxy.lose_reply(b"EVALSHA")
    lost = behind_redis.book(deed, {"hold_id": hold.body["hold_id"]})
    assert is_unavailable(lost), lost
    assert behind_redis.book_until_answered(deed, {"hold_id": hold.body["hold_id"]}).is_ok
    check_rules(behind_redis)


def test_a_direct_booking_whose_claim_lost_its_reply_is_booked_once(
    installation: Installation, behind_redis: Customers, redis_proxy: Proxy
) -> None:
    def is_booked() -> bool:
        deed, slot = behind_redis.wish(), installation.slot()
        redis_proxy.lose_reply(b"EVALSHA")
        answer = behind_redis.book(deed, slot, Idempotency_Key=f"direct-lost {deed.name}")
        assert in_time(answer, 201) or is_unavailable(answer), answer
        assert behind_redis.book_until_answered(deed, slot, Idempotency_Key=f"direct-lost {deed.name}").is_ok
        check_rules(behind_redis)
        return answer.status == 201

    assert wait_until(is_booked, seconds=SOON)


def test_a_stalled_mirror_write_does_not_take_the_booking_back(
    installation: Installation, behind_redis: Customers, redis_proxy: Proxy
) -> None:
    def is_booked() -> bool:
        deed, hold = behind_redis.wish(), behind_redis.held()
        redis_proxy.lose_reply(MIRRORING)
        answer = behind_redis.book(deed, {"hold_id": hold.body["hold_id"]})
        assert in_time(answer, 201) or is_unavailable(answer), answer
        check_rules(behind_redis)
        return answer.status == 201 and redis_proxy.lost.is_set()

    assert wait_until(is_booked, seconds=SOON)


def test_every_request_is_answered_in_time_while_the_connection_to_redis_stalls(
    installation: Installation, behind_redis: Customers, redis_proxy: Proxy
) -> None:
    deed, hold = behind_redis.wish(), behind_redis.held()
    redis_proxy.stall()
    for answer in (behind_redis.hold(installation.slot()), behind_redis.book(deed, {"hold_id": hold.body["hold_id"]})):
        assert is_unavailable(answer), answer
    redis_proxy.heal()
    assert behind_redis.book_until_answered(deed, {"hold_id": hold.body["hold_id"]}).is_ok
    check_rules(behind_redis)


def _tick(installation: Installation, slot: dict[str, Any]) -> int:
    return installation.world.services.grid.tick(installation.world.hold_request(start=slot["start"]).start)
