"""A worker dies by SIGKILL at each step of a booking; the client repeats its request at another worker."""

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
def doomed(installation: Installation) -> dict[str, Api]:
    """For each crash point an API whose worker dies at it every time."""
    return {point: installation.api(point) for point in IN_CONFIRMING}


@pytest.fixture
def slot(installation: Installation) -> dict[str, Any]:
    """A slot that no other test of this file uses."""
    return installation.slot()


def hold(
    api: Api, installation: Installation, slot: dict[str, Any], role: str = "checkout", holder: str = HOLDER
) -> Answer:
    return api.ask("POST", "/hold", installation.world.keys[role], slot | {"holder": holder})


def forget_redis(installation: Installation, flushed: bool) -> None:
    if flushed:
        installation.world.services.redis.flushall()


def check_the_rules(installation: Installation, slot: dict[str, Any], healthy: Api) -> None:
    """The slot has one booking, nothing is double booked, the mirror equals MongoDB, and others are refused."""
    assert len(installation.world.bookings(active=True, start=_moment(slot), property_id="prop-1")) == 1
    assert installation.world.double_booked() == []
    other = hold(healthy, installation, slot, role="bot", holder="+4520202020")
    assert (other.status, other.body["code"]) == (409, "slot_booked")
    installation.settle()
    booked = {key for key, mark in installation.world.marks().items() if mark.startswith("booked|")}
    claims = {
        f"{claim['resource']}:{claim['tick']}"
        for booking in installation.world.bookings(active=True)
        for claim in booking["claims"]
    }
    assert booked == claims
    assert {mark.split("|")[0] for mark in installation.world.marks().values()} <= {"booked", "held"}


def _moment(slot: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(slot["start"])


@pytest.mark.parametrize("flushed", [False, True], ids=["redis-kept", "redis-flushed"])
@pytest.mark.parametrize("point", IN_CONFIRMING)
def test_a_confirmation_whose_worker_died_is_repeated_without_harm(
    installation: Installation, healthy: Api, doomed: dict[str, Api], slot: dict[str, Any], point: str, flushed: bool
) -> None:
    held = hold(healthy, installation, slot)
    assert held.status == 201, held
    body = {"hold_id": held.body["hold_id"], "customer": CUSTOMER}
    assert doomed[point].ask("POST", "/book", installation.world.keys["checkout"], body).status == 0
    forget_redis(installation, flushed)
    repeated = healthy.ask("POST", "/book", installation.world.keys["checkout"], body)
    if flushed and point in ("before_begin", "after_begin"):
        # The hold was lost with Redis and nothing was booked: the client gets 410 and holds again.
        assert (repeated.status, repeated.body["code"]) == (410, "hold_expired")
        body = {"hold_id": hold(healthy, installation, slot).body["hold_id"], "customer": CUSTOMER}
        repeated = healthy.ask("POST", "/book", installation.world.keys["checkout"], body)
    assert repeated.is_ok, repeated
    assert repeated.body["hold_id"] == body["hold_id"]
    check_the_rules(installation, slot, healthy)


@pytest.mark.parametrize("flushed", [False, True], ids=["redis-kept", "redis-flushed"])
@pytest.mark.parametrize("point", IN_DIRECT)
def test_a_direct_booking_whose_worker_died_is_repeated_without_harm(
    installation: Installation, healthy: Api, doomed: dict[str, Api], slot: dict[str, Any], point: str, flushed: bool
) -> None:
    body, key = slot | {"customer": CUSTOMER}, installation.world.keys["desk"]
    once = {"Idempotency_Key": f"desk-{slot['start']}"}
    assert doomed[point].ask("POST", "/book", key, body, **once).status == 0
    forget_redis(installation, flushed)
    answers: list[Answer] = []

    def is_answered() -> bool:
        # While the first attempt may still run, a repeat is refused.
        answers.append(healthy.ask("POST", "/book", key, body, **once))
        return answers[-1].body.get("code") != "request_in_progress"

    assert wait_until(is_answered, seconds=30, every=0.1), answers[-1]
    assert answers[-1].is_ok, answers[-1]
    check_the_rules(installation, slot, healthy)
