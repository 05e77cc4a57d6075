"""The outbox sends many entries at once, lets no receiver hold up another, and tries again what failed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services.clock import utc_now
from services.observability import Metrics
from services.outbox.deliveries import FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, Deliveries
from services.outbox.entries import Again, Dead, Delivered, Entry, NotYet, Outcome, Suppressed
from services.outbox.shares import MOST_PER_QUEUE, MOST_TO_WEBHOOKS
from services.outbox.store import OutboxStore
from tests.outbox.test_store import new
from tests.world import World

SOON = 30
HOUR = timedelta(hours=1)


@dataclass
class Courier:
    """answer: what becomes of an entry. gate: what an entry of a receiver waits for."""

    answer: Callable[[Entry], Outcome] = lambda _entry: Delivered({})
    gates: dict[str, threading.Event] = field(default_factory=dict)
    sent: list[Entry] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, entry: Entry) -> Outcome:
        with self.lock:
            self.sent.append(entry)
            self.at_once[entry.receiver] += 1
            self.most[entry.receiver] = max(self.most[entry.receiver], self.at_once[entry.receiver])
        try:
            if entry.receiver in self.gates:
                assert self.gates[entry.receiver].wait(SOON)
            return self.answer(entry)
        finally:
            with self.lock:
                self.at_once[entry.receiver] -= 1


class Rig:
    def __init__(self, world: World) -> None:
        self.entries = world.services.db["outbox"]
        self.store = OutboxStore(world.services.db, utc_now)
        self.courier = Courier()
        self.metrics = Metrics()
        self.draws: list[tuple[float, float]] = []
        self.deliveries = Deliveries(
            store=self.store,
            couriers={"webhook": self.courier, "sms": self.courier},
            counts=dict,
            metrics=self.metrics,
            crash=lambda _point: None,
            uniform=self._draw,
        )

    def _draw(self, low: float, high: float) -> float:
        self.draws.append((low, high))
        return high

    def tend(self) -> None:
        self.deliveries.tend()
        assert self.deliveries.settle(SOON)

    def states(self) -> list[str]:
        return [each["state"] for each in self.entries.find().sort("booking_id")]

    def counted(self, outcome: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "holdfast_outbox_attempts_total", {"channel": "webhook", "outcome": outcome}
        )
        return value or 0.0


@pytest.fixture
def rig(world: World) -> Rig:
    return Rig(world)


def test_all_that_is_due_is_sent_and_no_more_at_once_than_a_queue_may(rig: Rig) -> None:
    rig.store.insert([new(f"bk_{number}") for number in range(50)])
    for _ in range(20):
        rig.tend()
    assert rig.states() == ["delivered"] * 50
    assert len(rig.courier.sent) == 50
    assert 1 <= rig.courier.most["wh_1"] <= MOST_PER_QUEUE
    assert rig.counted("delivered") == 50


def test_receivers_that_do_not_answer_keep_no_other_waiting(rig: Rig) -> None:
    """Many of them, of one org and of many, and of one that answered before."""
    rig.store.insert([new(receiver="quick"), new("bk_2", receiver="turned", org="other")])
    rig.tend()
    gate = threading.Event()
    stalled = [(f"slow_{number}", "acme" if number % 2 else f"org_{number}") for number in range(60)]
    rig.courier.gates |= dict.fromkeys(["turned", *(receiver for receiver, _ in stalled)], gate)
    for receiver, org in stalled:
        rig.store.insert([new(f"bk_{number}", receiver=receiver, org=org) for number in range(3)])
    rig.store.insert([new(f"turn_{number}", receiver="turned", org="other") for number in range(20)])
    try:
        rig.deliveries.tend()
        rig.store.insert([new(f"late_{number}", receiver="quick") for number in range(20)])
        sent = {"receiver": "quick", "state": "delivered"}
        assert wait_until(lambda: rig.deliveries.tend() or rig.entries.count_documents(sent) == 21, seconds=SOON)
        assert all(rig.courier.most[receiver] <= 1 for receiver, _ in stalled)
        assert rig.courier.most["turned"] <= MOST_PER_QUEUE
        assert sum(rig.courier.at_once.values()) <= MOST_TO_WEBHOOKS
    finally:
        gate.set()
        rig.deliveries.settle(SOON)


def test_a_failure_is_tried_again_after_a_time_whose_bound_doubles(rig: Rig) -> None:
    rig.courier.answer = lambda _entry: Again({"error": "timeout"})
    rig.store.insert([new()])
    for attempt in range(4):
        rig.entries.update_many({}, [{"$set": {"due": "$$NOW"}}])
        rig.deliveries._shares._rests.clear()
        rig.tend()
        (entry,) = rig.entries.find()
        assert entry["attempts"] == attempt + 1
        expected = timedelta(seconds=FIRST_DELAY_SECONDS * 2**attempt)
        assert abs(entry["due"] - utc_now() - expected) < timedelta(seconds=4)
    assert rig.deliveries._delay(40, None) == LONGEST_DELAY_SECONDS
    assert rig.deliveries._delay(0, 90.0) == 90.0
    assert all(low == 0 for low, _ in rig.draws)
    assert rig.counted("failed") == 4


def test_a_queue_rests_after_a_failure_and_is_then_asked_by_one(rig: Rig) -> None:
    rig.courier.answer = lambda _entry: Again({})
    rig.store.insert([new(f"bk_{number}") for number in range(30)])
    rig.tend()
    asked = len(rig.courier.sent)
    assert asked <= MOST_PER_QUEUE
    rig.tend()
    assert len(rig.courier.sent) == asked
    rest = rig.deliveries._shares._rests["acme/wh_1"]
    assert rest.failures == 1
    rest.until = 0.0
    rig.tend()
    assert len(rig.courier.sent) == asked + 1
    rest.until = 0.0
    rig.courier.answer = lambda _entry: Delivered({})
    for _ in range(10):
        rig.tend()
    assert rig.states().count("delivered") == 30 - asked - 1


def test_what_a_courier_says_becomes_the_state(rig: Rig) -> None:
    answers: dict[str, Outcome] = {
        "bk_1": Dead({"error": "no"}),
        "bk_2": Suppressed({}),
        "bk_3": NotYet(utc_now() + HOUR),
    }
    rig.courier.answer = lambda entry: answers[entry.booking_id]
    rig.store.insert([new(name) for name in answers])
    rig.tend()
    assert rig.states() == ["dead", "suppressed", "waiting"]
    assert [each["attempts"] for each in rig.entries.find().sort("booking_id")] == [1, 1, 0]


def test_a_fault_of_a_courier_or_a_store_is_a_failed_attempt(rig: Rig) -> None:
    def fail(entry: Entry) -> Outcome:
        raise StoreUnavailable if entry.booking_id == "bk_1" else ValueError("of ours")

    rig.courier.answer = fail
    rig.store.insert([new("bk_1"), new("bk_2", receiver="wh_2")])
    rig.tend()
    assert rig.states() == ["waiting"] * 2
    errors = {each["detail"]["error"] for each in rig.entries.find()}
    assert errors == {"store_unavailable", "ValueError"}


def test_memory_of_resting_queues_ends_with_what_they_had_to_send(rig: Rig) -> None:
    rig.courier.answer = lambda _entry: Again({})
    rig.store.insert([new()])
    rig.tend()
    assert rig.deliveries._shares._rests
    rig.entries.delete_many({})
    rig.tend()
    assert not rig.deliveries._shares._rests
