"""A worker is killed with -9 at each step of a booking; the client repeats its request at another worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from tests.system.drills.installation import Answer, Api, Installation

CUSTOMER = {"name": "Alice", "phone": "+45 31 31 31 31"}
HOLDER = "web-5f1c9a7be2d04c6b"
IN_CONFIRMING = ("before_begin", "after_begin", "after_insert", "after_finish")
IN_DIRECT = ("after_begin", "after_insert", "after_finish")


@pytest.fixture(scope="module")
def doomed(place: Installation) -> dict[str, Api]:
    """One API for each point, whose worker dies there every time."""
    return {point: place.api(point) for point in IN_CONFIRMING}


@pytest.fixture
def slot(place: Installation) -> dict[str, Any]:
    """A slot that no other test of this file uses."""
    return place.slot()


def hold(api: Api, place: Installation, slot: dict[str, Any], role: str = "checkout", holder: str = HOLDER) -> Answer:
    return api.ask("POST", "/hold", place.world.keys[role], slot | {"holder": holder})


def forget_redis(place: Installation, flushed: bool) -> None:
    if flushed:
        place.world.services.redis.flushall()


def check_the_rules(place: Installation, slot: dict[str, Any], healthy: Api) -> None:
    """One booking of the slot, no double booking anywhere, the mirror equal to MongoDB, and no way in for others."""
    assert len(place.world.bookings(active=True, start=_moment(slot), property_id="prop-1")) == 1
    assert place.world.double_booked() == []
    other = hold(healthy, place, slot, role="bot", holder="+4520202020")
    assert (other.status, other.body["code"]) == (409, "slot_booked")
    place.settle()
    booked = {key for key, mark in place.world.marks().items() if mark.startswith("booked|")}
    claims = {
        f"{claim['resource']}:{claim['tick']}"
        for booking in place.world.bookings(active=True)
        for claim in booking["claims"]
    }
    assert booked == claims
    assert {mark.split("|")[0] for mark in place.world.marks().values()} <= {"booked", "held"}


def _moment(slot: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(slot["start"])


@pytest.mark.parametrize("flushed", [False, True], ids=["redis-kept", "redis-flushed"])
@pytest.mark.parametrize("point", IN_CONFIRMING)
def test_a_confirmation_whose_worker_died_is_repeated_without_harm(
    place: Installation, healthy: Api, doomed: dict[str, Api], slot: dict[str, Any], point: str, flushed: bool
) -> None:
    held = hold(healthy, place, slot)
    assert held.status == 201, held
    body = {"hold_id": held.body["hold_id"], "customer": CUSTOMER}
    assert doomed[point].ask("POST", "/book", place.world.keys["checkout"], body).status == 0
    forget_redis(place, flushed)
    repeated = healthy.ask("POST", "/book", place.world.keys["checkout"], body)
    if flushed and point in ("before_begin", "after_begin"):
        # The hold was lost with Redis and nothing had been booked: the client is told, and holds again.
        assert (repeated.status, repeated.body["code"]) == (410, "hold_expired")
        body = {"hold_id": hold(healthy, place, slot).body["hold_id"], "customer": CUSTOMER}
        repeated = healthy.ask("POST", "/book", place.world.keys["checkout"], body)
    assert repeated.is_ok, repeated
    assert repeated.body["hold_id"] == body["hold_id"]
    check_the_rules(place, slot, healthy)


@pytest.mark.parametrize("flushed", [False, True], ids=["redis-kept", "redis-flushed"])
@pytest.mark.parametrize("point", IN_DIRECT)
def test_a_direct_booking_whose_worker_died_is_repeated_without_harm(
    place: Installation, healthy: Api, doomed: dict[str, Api], slot: dict[str, Any], point: str, flushed: bool
) -> None:
    body, key = slot | {"customer": CUSTOMER}, place.world.keys["desk"]
    once = {"Idempotency_Key": f"desk-{slot['start']}"}
    assert doomed[point].ask("POST", "/book", key, body, **once).status == 0
    forget_redis(place, flushed)
    answers: list[Answer] = []

    def is_answered() -> bool:
        # Until a request can no longer be running, its repeat is told that it may be.
        answers.append(healthy.ask("POST", "/book", key, body, **once))
        return answers[-1].body.get("code") != "request_in_progress"

    assert wait_until(is_answered, seconds=5, every=0.1), answers[-1]
    assert answers[-1].is_ok, answers[-1]
    check_the_rules(place, slot, healthy)
