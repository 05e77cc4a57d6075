"""A worker dies by SIGKILL at each step of a series; the client repeats its request, or the relay does the rest."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from tests.system.drills.installation import Answer, Api, Installation

POINTS = ("after_series_claim", "after_series_write", "after_series")
VISITS = 3


@pytest.fixture(scope="module")
def doomed(installation: Installation) -> dict[str, Api]:
    """For each crash point an API whose worker dies at it every time."""
    return {point: installation.api(point) for point in POINTS}


def wanted(slot: dict[str, Any]) -> dict[str, Any]:
    return slot | {"rrule": f"FREQ=WEEKLY;COUNT={VISITS}", "customer": {"name": "Alice"}, "override": ["horizon"]}


def visits(installation: Installation, slot: dict[str, Any]) -> int:
    """How many visits of a series there are at the time of day of a slot."""
    made = installation.world.bookings(active=True, series_id={"$gt": ""})
    return len([each for each in made if f"{each['start']:%H:%M}" == slot["start"][11:16]])


@pytest.mark.parametrize("flushed", [False, True], ids=["redis-kept", "redis-flushed"])
@pytest.mark.parametrize("point", POINTS)
def test_a_series_whose_worker_died_is_repeated_without_harm(
    installation: Installation, healthy: Api, doomed: dict[str, Api], point: str, flushed: bool
) -> None:
    slot, key = installation.slot(), installation.world.keys["desk"]
    before = visits(installation, slot)
    once = {"Idempotency_Key": f"desk-{slot['start']}"}
    assert doomed[point].ask("POST", "/series", key, wanted(slot), **once).status == 0
    assert visits(installation, slot) == before + (VISITS if point == "after_series" else 0)
    if flushed:
        installation.world.services.redis.flushall()
    answers: list[Answer] = []

    def is_answered() -> bool:
        # While the first attempt may still run, or its transaction is open, a repeat is refused.
        answers.append(healthy.ask("POST", "/series", key, wanted(slot), **once))
        return answers[-1].is_ok

    assert wait_until(is_answered, seconds=30, every=0.1), answers[-1]
    assert {answer.body["code"] for answer in answers[:-1]} <= {"request_in_progress", "store_unavailable"}
    assert len(answers[-1].body["bookings"]) == VISITS
    assert visits(installation, slot) == before + VISITS
    assert installation.world.double_booked() == []


@pytest.mark.parametrize("point", POINTS[:2])
def test_without_a_repeat_the_visits_of_a_dead_worker_become_free(
    installation: Installation, healthy: Api, doomed: dict[str, Api], point: str
) -> None:
    slot, key = installation.slot(), installation.world.keys["desk"]
    assert doomed[point].ask("POST", "/series", key, wanted(slot)).status == 0
    other = slot | {"customer": {"name": "Bob"}}
    assert healthy.ask("POST", "/book", key, other).body["code"] == "slot_held"
    installation.settle()
    # What a dead worker wrote and did not commit MongoDB takes back by itself, after some seconds.
    # The key lets a repeat take over the pin of an attempt that met it.
    once = {"Idempotency_Key": f"other-{slot['start']}"}
    assert wait_until(lambda: healthy.ask("POST", "/book", key, other, **once).is_ok, seconds=30, every=0.2)
