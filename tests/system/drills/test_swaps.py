"""A worker dies at each step of a swap: both visits have swapped their technicians or neither has, and a repeat swaps
once."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.dev_server.child import wait_until
from tests.dispatch.swaps import MADE, STEPS
from tests.system.drills.customers import Customers
from tests.system.drills.installation import SOON, Answer, Api, Installation
from tests.system.drills.rules import check_rules

KEY = "swap-1"


@pytest.fixture(scope="module")
def doomed(installation: Installation) -> dict[str, Api]:
    """For each step an API whose worker dies at it every time."""
    return {step: installation.api(step) for step in STEPS}


class Pair:
    """Two bookings at one time with a technician each, and a key of their own for the swap."""

    def __init__(self, customers: Customers) -> None:
        self.customers, self.installation = customers, customers.installation
        slot = self.installation.slot()
        self.names = [slot["technician_id"], "tech-2" if slot["technician_id"] != "tech-2" else "tech-3"]
        self.ids = []
        for property_id, technician_id in zip((slot["property_id"], "prop-3"), self.names, strict=True):
            place = slot | {"property_id": property_id, "technician_id": technician_id}
            booked = customers.book(customers.wish(), place)
            assert booked.status == 201, booked
            self.ids.append(booked.body["booking_id"])

    def swap(self, by: Customers | Api | None = None) -> Answer:
        path, body, key = f"/bookings/{self.ids[0]}/swap", {"with": self.ids[1]}, f"{KEY}-{self.ids[0]}"
        if isinstance(by, Api):
            return by.ask("POST", path, self.installation.world.keys["desk"], body, Idempotency_Key=key)
        return (by or self.customers).ask("POST", path, body, Idempotency_Key=key)

    def swap_until_answered(self) -> Answer:
        """Repeat the swap, as the API asks clients to, until it has an outcome."""
        answers: list[Answer] = []

        def is_answered() -> bool:
            answers.append(self.swap())
            return answers[-1].body.get("code") not in ("request_in_progress", "store_unavailable")

        assert wait_until(is_answered, seconds=2 * SOON, every=0.1), answers[-1]
        return answers[-1]

    def technicians(self) -> list[str]:
        found: dict[str, Any] = {each["_id"]: each for each in self.installation.world.bookings()}
        return [found[each]["technician_id"] for each in self.ids]


@pytest.mark.parametrize("flushed", [False, True], ids=["redis-kept", "redis-flushed"])
@pytest.mark.parametrize("step", STEPS)
def test_a_swap_whose_worker_died_is_repeated_without_harm(
    installation: Installation, customers: Customers, doomed: dict[str, Api], step: str, flushed: bool
) -> None:
    pair = Pair(customers)
    assert pair.swap(doomed[step]).status == 0
    assert pair.technicians() == (pair.names[::-1] if step in MADE else pair.names)
    if flushed:
        installation.world.services.redis.flushall()
    installation.lapse_leases()
    relay = installation.relay()
    answer = pair.swap_until_answered()
    relay.stop()
    assert (answer.status, [each["version"] for each in answer.body["bookings"]]) == (200, [2, 2])
    assert pair.technicians() == pair.names[::-1]
    again = pair.swap()
    assert (again.status, again.body) == (200, answer.body)
    installation.settle()
    check_rules(customers)


@pytest.mark.parametrize("step", STEPS)
def test_without_a_repeat_the_relay_finishes_the_swap(
    installation: Installation, customers: Customers, doomed: dict[str, Api], step: str
) -> None:
    pair = Pair(customers)
    assert pair.swap(doomed[step]).status == 0
    assert len(installation.pins()) == 2
    installation.lapse_leases()
    relay = installation.relay()
    assert wait_until(lambda: installation.pins() == [], seconds=2 * SOON), relay.log_tail()
    relay.stop()
    assert pair.technicians() == (pair.names[::-1] if step in MADE else pair.names)
    installation.settle()
    check_rules(customers)
