"""How many requests a worker works on at a time, with and without a key, in which order, and how long others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from api.http.turns import AT_ONCE, KEYLESS_AT_ONCE, LONGEST_WAIT_SECONDS, Queue
from scripts.dev_server.child import wait_until
from services.stores.faults import mongo_faults
from tests.api.stubs import SLOT, Send, Stubbed
from tests.own_time import own_time

CALENDAR = "/technicians/tech-7/calendar.ics?token=t"
PROBES = ("/healthz", "/readyz", "/openapi.json")
CROWD = 2 * AT_ONCE
A_WHILE = 0.5


class Door:
    """Counts the requests that come to it, and keeps them until it is opened."""

    def __init__(self) -> None:
        self.waiting = 0
        self._changed = threading.Condition()
        self._open = False

    def __call__(self) -> None:
        with self._changed:
            self.waiting += 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._open, 30)

    def crowd(self, size: int) -> bool:
        """Waits until so many requests are there."""
        with self._changed:
            return self._changed.wait_for(lambda: self.waiting >= size, 10)

    def open(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()


@contextmanager
def many(door: Door, send: Callable[[], int]) -> Iterator[list[Future[int]]]:
    """A crowd that sends the same; the door is opened at the end, and all are answered."""
    with ThreadPoolExecutor(CROWD + 1) as pool:
        try:
            yield [pool.submit(send) for _ in range(CROWD)]
        finally:
            door.open()


def hold(send: Send) -> int:
    return send("POST", "/hold", json=SLOT).status_code


def calendar(send: Send) -> int:
    return send("GET", CALENDAR, key=None).status_code


def test_many_calendars_take_few_turns_and_leave_the_others_to_holds(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.turns.LONGEST_WAIT_SECONDS", 30)  # none is refused before all was looked at
    stubbed.feeds.first = door = Door()
    send = stubbed.send()
    with many(door, lambda: calendar(send)) as readers:
        assert door.crowd(KEYLESS_AT_ONCE)
        assert hold(send) == 201
        assert not wait(readers, A_WHILE, "FIRST_COMPLETED").done
        assert door.waiting == KEYLESS_AT_ONCE
    assert {reader.result() for reader in readers} == {404}


def test_with_no_bound_of_their_own_calendars_would_be_served_all_at_once(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.turns.KEYLESS_AT_ONCE", CROWD)
    stubbed.feeds.first = door = Door()
    send = stubbed.send()
    with many(door, lambda: calendar(send)):
        assert door.crowd(CROWD)


class SlowHolds:
    """Lets holds wait at a door, and notes in which order they came to it."""

    def __init__(self, stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.door = Door()
        self._place = stubbed.holds.place
        monkeypatch.setattr(stubbed.holds, "place", self)

    def __call__(self, *asked: Any) -> Any:
        self.door()
        return self._place(*asked)


@pytest.fixture
def slow(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> SlowHolds:
    return SlowHolds(stubbed, monkeypatch)


def test_calendars_and_probes_need_no_turn_of_those_with_a_key(stubbed: Stubbed, slow: SlowHolds) -> None:
    send = stubbed.send()
    with many(slow.door, lambda: hold(send)):
        assert slow.door.crowd(AT_ONCE)
        assert calendar(send) == 404
        assert [send("GET", path, key=None).status_code for path in PROBES] == [200] * len(PROBES)


def test_a_request_without_a_turn_within_a_second_is_refused_and_does_nothing(
    stubbed: Stubbed, slow: SlowHolds
) -> None:
    send = stubbed.send()
    with many(slow.door, lambda: hold(send)) as holds:
        assert slow.door.crowd(AT_ONCE)
        with own_time() as waited:
            began = monotonic()
            reply = send("POST", "/hold", json=SLOT)
            assert monotonic() - began >= LONGEST_WAIT_SECONDS
            assert waited() < LONGEST_WAIT_SECONDS + A_WHILE
        assert (reply.status_code, reply.get_json()["code"]) == (503, "store_unavailable")
        assert reply.headers["Retry-After"] == "1"
        assert wait_until(lambda: sum(each.done() for each in holds) == CROWD - AT_ONCE, seconds=30)
        assert {each.result() for each in holds if each.done()} == {503}
        assert slow.door.waiting == AT_ONCE
    assert [each.result() for each in holds].count(201) == AT_ONCE


def test_behind_a_store_that_failed_just_before_a_request_waits_less(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_asked: Any) -> Any:
        with mongo_faults():
            raise AutoReconnect("gone")

    monkeypatch.setattr("api.http.turns.LONGEST_WAIT_SECONDS", 30)
    monkeypatch.setattr("services.stores.faults.TROUBLE_SECONDS", 60)  # the crowd may come late
    send = stubbed.send()
    with monkeypatch.context() as broken:
        broken.setattr(stubbed.holds, "place", fail)
        assert hold(send) == 503
    slow = SlowHolds(stubbed, monkeypatch)
    with many(slow.door, lambda: hold(send)):
        assert slow.door.crowd(AT_ONCE)
        with own_time() as waited:
            assert hold(send) == 503
            assert waited() < LONGEST_WAIT_SECONDS


def never() -> bool:
    return False


def queue(turns: int, seconds: float = 10) -> Queue:
    return Queue(turns, seconds, never)


def test_turns_go_first_come_first_served_also_past_newcomers() -> None:
    turns, order = queue(1), list[int]()
    assert turns.take(monotonic())

    def come(number: int) -> None:
        assert turns.take(monotonic())
        order.append(number)
        turns.give_back()

    with ThreadPoolExecutor(20) as pool:
        for number in range(20):
            pool.submit(come, number)
            assert wait_until(lambda: len(turns._waiting) > number, seconds=30)  # noqa: B023  # waited for at once
        turns.give_back()
    assert order == list(range(20))
    assert turns.take(monotonic())
    assert not turns.take(monotonic() - 11)


def test_a_turn_that_was_waited_for_in_vain_is_not_lost() -> None:
    turns = queue(1, 0.05)
    assert turns.take(monotonic())
    assert [turns.take(monotonic()) for _ in range(3)] == [False] * 3
    turns.give_back()
    assert turns.take(monotonic())


def test_many_that_come_and_give_up_leave_every_turn_behind() -> None:
    turns, held = queue(3, 0.002), list[bool]()

    def come() -> None:
        if turns.take(monotonic()):
            held.append(True)
            turns.give_back()

    with ThreadPoolExecutor(16) as pool:
        for _ in range(2000):
            pool.submit(come)
    assert held
    assert [turns.take(monotonic()) for _ in range(4)] == [True] * 3 + [False]
