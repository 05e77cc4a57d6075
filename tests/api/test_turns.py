"""How many requests a worker works on at a time, and how many of them may come without a key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from api.http.dispatch import AT_ONCE, KEYLESS_AT_ONCE
from services.stores.faults import mongo_faults
from tests.api.stubs import SLOT, Send, Stubbed

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


def test_many_calendars_take_few_turns_and_leave_the_others_to_holds(stubbed: Stubbed) -> None:
    stubbed.feeds.first = door = Door()
    send = stubbed.send()
    with many(door, lambda: calendar(send)) as readers:
        assert door.crowd(KEYLESS_AT_ONCE)
        assert hold(send) == 201
        assert not wait(readers, A_WHILE, "FIRST_COMPLETED").done
        assert door.waiting == KEYLESS_AT_ONCE
    assert {reader.result() for reader in readers} == {404}


def test_with_no_bound_of_their_own_calendars_would_take_every_turn(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.dispatch.KEYLESS_AT_ONCE", CROWD)
    stubbed.feeds.first = door = Door()
    send = stubbed.send()
    with ThreadPoolExecutor(1) as alice, many(door, lambda: calendar(send)):
        assert door.crowd(AT_ONCE)
        held = alice.submit(hold, send)
        assert not wait([held], A_WHILE).done
        door.open()
        assert held.result(10) == 201


def test_a_calendar_takes_a_turn_and_a_probe_takes_none(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    door, place = Door(), stubbed.holds.place

    def place_slowly(*asked: Any) -> Any:
        door()
        return place(*asked)

    monkeypatch.setattr(stubbed.holds, "place", place_slowly)
    send = stubbed.send()
    with ThreadPoolExecutor(1) as reader, many(door, lambda: hold(send)) as holds:
        assert door.crowd(AT_ONCE)
        read = reader.submit(calendar, send)
        assert not wait([read], A_WHILE).done
        assert stubbed.feeds.asked == []
        assert [send("GET", path, key=None).status_code for path in PROBES] == [200] * len(PROBES)
        door.open()
        assert read.result(10) == 404
    assert {each.result() for each in holds} == {201}


@pytest.mark.parametrize(("store_failed", "waiting"), [(True, {503}), (False, {201})])
def test_a_request_waits_for_a_turn_unless_a_store_failed_just_before(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch, store_failed: bool, waiting: set[int]
) -> None:
    door, place = Door(), stubbed.holds.place

    def place_slowly(*asked: Any) -> Any:
        door()
        return place(*asked)

    def fail(*_asked: Any) -> Any:
        with mongo_faults():
            raise AutoReconnect("gone")

    send = stubbed.send()
    if store_failed:
        monkeypatch.setattr(stubbed.holds, "place", fail)
        assert hold(send) == 503
    monkeypatch.setattr(stubbed.holds, "place", place_slowly)
    with many(door, lambda: hold(send)) as holds:
        assert door.crowd(AT_ONCE)
        refused, in_turn = wait(holds, 2 * A_WHILE)
    assert len(refused) == (CROWD - AT_ONCE if store_failed else 0)
    assert {each.result() for each in in_turn} == {201}
    assert {each.result() for each in refused or in_turn} == waiting
