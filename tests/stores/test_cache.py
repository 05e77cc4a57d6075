"""The memory of a process is bounded, and many callers share one read."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.errors import StoreUnavailable
from services.stores.cache import Fresh, Recent, SharedReads


def test_a_new_entry_replaces_the_least_recently_used_one() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (1, None, 3, 2)


def test_an_entry_is_made_once_and_can_be_dropped() -> None:
    recent: Recent[str, object] = Recent(2)
    first = recent.get_or_put("a", object)
    assert recent.get_or_put("a", object) is first
    recent.clear()
    assert recent.get("a") is None


def test_all_threads_get_the_same_entry() -> None:
    recent: Recent[str, object] = Recent(2)
    start = threading.Barrier(8)

    def make(_: int) -> object:
        start.wait(30)
        return recent.get_or_put("a", object)

    with ThreadPoolExecutor(8) as pool:
        assert len({id(made) for made in pool.map(make, range(8))}) == 1


class SlowStore:
    """A store whose read ends only when the test lets it."""

    def __init__(self, outcome: BaseException | None = None) -> None:
        self.reads = 0
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.outcome = outcome

    def read(self) -> object:
        self.reads += 1
        self.begun.set()
        assert self.may_go_on.wait(30)
        if self.outcome is not None:
            raise self.outcome
        return self


def ask_twice(store: SlowStore) -> list[object]:
    """What two callers at the same time get: the first one reads, the second one waits for its result."""
    shared, joined = SharedReads(), threading.Event()
    got: list[object] = []

    def ask(read: object) -> None:
        try:
            got.append(shared.read("key", read))  # type: ignore[arg-type]  # the second read is never called
        except BaseException as error:
            got.append(error)

    leader = threading.Thread(target=ask, args=[store.read])
    leader.start()
    assert store.begun.wait(30)
    future = shared._under_way["key"]
    follower = threading.Thread(target=ask, args=[None])
    result = future.result

    def joined_result(timeout: float | None = None) -> object:
        joined.set()
        return result(timeout)

    future.result = joined_result  # type: ignore[method-assign]
    follower.start()
    assert joined.wait(30)
    store.may_go_on.set()
    leader.join(30)
    follower.join(30)
    return got


def test_a_caller_during_a_read_gets_its_value() -> None:
    store = SlowStore()
    assert ask_twice(store) == [store, store]
    assert store.reads == 1


def test_a_caller_during_a_read_gets_its_refusal() -> None:
    refusal = StoreUnavailable()
    assert ask_twice(SlowStore(refusal)) == [refusal, refusal]


def test_a_reader_that_is_ended_does_not_end_those_that_wait_for_it() -> None:
    got = ask_twice(SlowStore(SystemExit()))
    assert {type(each) for each in got} == {SystemExit, StoreUnavailable}


def test_a_read_after_a_failed_one_is_a_new_one() -> None:
    shared = SharedReads()

    def fail() -> object:
        raise StoreUnavailable()

    with pytest.raises(StoreUnavailable):
        shared.read("key", fail)
    assert shared.read("key", lambda: "value") == "value"


def test_a_fresh_value_is_computed_once_for_many_and_again_when_it_is_old() -> None:
    store, now = SlowStore(), 0.0
    fresh: Fresh[object] = Fresh(store.read, 1.0, monotonic=lambda: now)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(fresh.value) for _ in range(20)]
        assert store.begun.wait(30)
        store.may_go_on.set()
        assert {each.result(30) for each in asked} == {store}
    assert store.reads == 1
    now = 0.99
    assert (fresh.value(), store.reads) == (store, 1)
    now = 1.0
    assert (fresh.value(), store.reads) == (store, 2)


def test_a_computation_that_fails_leaves_nothing_behind() -> None:
    store = SlowStore(outcome=StoreUnavailable())
    store.may_go_on.set()
    fresh: Fresh[object] = Fresh(store.read, 1.0)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            fresh.value()
    assert store.reads == 2
