"""Counts of a minute in each process, and what several processes learn of each other through Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from models.errors import StoreUnavailable
from scripts.dev_server.child import wait_until
from services.observability import Metrics
from services.stores import shared_counts
from services.stores.connections import connect_redis
from services.stores.shared_counts import SharedCounts
from tests.servers import RedisServer

NAME = ("alice-co", "checkout", "192.0.2.7")
NOON = 1_796_040_000.0
"""A whole minute."""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own, which it may kill."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    with connect_redis(server.url) as client:
        yield client


class Process:
    """One process's counts under a clock of the test's own. It shares when the test says so, and not by itself."""

    def __init__(self, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared_counts, "SHARE_SECONDS", 3600)
        self.now = NOON
        self.metrics = Metrics()
        self.counts = SharedCounts(redis, self.metrics, now=lambda: self.now)

    def admitted(self, times: int, most: int, name: tuple[str, ...] = NAME) -> int:
        return [self.counts.spend(name, most) for _ in range(times)].count(None)


@pytest.fixture
def one(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(redis, monkeypatch)


@pytest.fixture
def other(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(redis, monkeypatch)


def test_so_many_are_counted_and_then_it_says_how_long_the_minute_lasts(one: Process) -> None:
    one.now = NOON + 12.5
    assert one.admitted(5, most=3) == 3
    assert one.counts.spend(NAME, 3) == 48
    assert one.admitted(1, 3, ("alice-co", "checkout", "192.0.2.8")) == 1
    one.now = NOON + 60
    assert one.admitted(5, most=3) == 3


def test_processes_learn_what_the_others_have_counted(one: Process, other: Process) -> None:
    assert one.admitted(3, most=5) == 3
    assert other.admitted(1, most=5) == 1
    for process in (one, other):
        process.counts.share()
    assert other.admitted(5, most=5) == 1
    other.counts.share()
    assert one.admitted(1, most=5) == 1
    one.counts.share()
    assert (one.admitted(1, most=5), other.admitted(0, most=5)) == (0, 0)


def test_without_sharing_each_process_would_admit_all_of_them(one: Process, other: Process) -> None:
    assert one.admitted(5, most=5) + other.admitted(5, most=5) == 10


def test_what_is_given_back_may_be_spent_again_by_any_process(one: Process, other: Process) -> None:
    assert one.admitted(2, most=2) == 2
    one.counts.share()
    one.counts.give_back(NAME)
    one.counts.share()
    other.admitted(1, most=2)
    other.counts.share()
    assert (one.admitted(1, most=2), other.admitted(1, most=2)) == (1, 0)


def test_redis_shows_no_address_and_forgets_within_two_minutes(one: Process, redis: Redis) -> None:
    one.admitted(1, most=2)
    one.admitted(1, 2, ("", "192.0.2.7"))
    one.counts.share()
    names = [str(name) for name in redis.keys("*")]
    assert sorted(name.startswith("hf:{alice-co}:count:") for name in names) == [False, True]
    assert not [name for name in names if "192.0.2.7" in name]
    assert all(0 < redis.ttl(name) <= 120 for name in names)


def test_while_redis_is_away_a_process_counts_alone_and_says_so_and_shares_afterwards(
    one: Process, server: RedisServer, redis: Redis
) -> None:
    server.kill()
    assert one.admitted(5, most=3) == 3
    with pytest.raises(StoreUnavailable):
        one.counts.share()
    assert one.metrics.registry.get_sample_value("holdfast_rate_limiter_failures_total") == 1
    server.start()
    one.counts.share()
    assert [redis.get(name) for name in redis.keys("*")] == ["3"]


CROWDS = "holdfast_rate_limiter_crowded_total"


def test_a_crowd_of_names_does_not_lift_the_limit(one: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "NAMES_KEPT", 2)
    monkeypatch.setattr(shared_counts, "SHARED_NAMES", 3)
    names = [("org", "checkout", str(number)) for number in range(200)]
    assert [one.admitted(2, 1, name) for name in names[:2]] == [1, 1]
    assert sum(one.admitted(2, 1, name) for name in names[2:]) == 3
    assert one.metrics.registry.get_sample_value(CROWDS) == 2 * 198
    assert [one.admitted(1, 1, name) for name in names[:2]] == [0, 0]
    one.now = NOON + 60
    assert one.admitted(2, 1, names[7]) == 1


def test_a_crowd_of_one_kind_takes_nothing_from_another_kind(one: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "NAMES_KEPT", 1)
    monkeypatch.setattr(shared_counts, "SHARED_NAMES", 1)
    assert sum(one.admitted(1, 1, ("", str(number))) for number in range(9)) == 2
    for kind in (("org", "checkout"), ("org", "customer"), ("other", "checkout")):
        assert one.admitted(3, 2, (*kind, "192.0.2.7")) == 2


def test_what_a_crowd_gives_back_may_be_spent_again_by_any_process(
    one: Process, other: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_counts, "NAMES_KEPT", 0)
    monkeypatch.setattr(shared_counts, "SHARED_NAMES", 1)
    assert one.admitted(3, 2, ("", "a")) == 2
    one.counts.give_back(("", "b"))
    one.counts.share()
    assert other.admitted(1, 3, ("", "c")) == 1
    other.counts.share()
    assert other.admitted(3, 3, ("", "d")) == 1


def test_the_memory_of_a_crowd_is_bounded(one: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "NAMES_KEPT", 10)
    one.admitted(1, 1)
    for number in range(2_000):
        one.counts.spend(("", str(number)), 5)
    assert len(one.counts._counts) <= 1 + 10 + shared_counts.SHARED_NAMES


def test_a_thread_shares_by_itself_four_times_a_second(redis: Redis) -> None:
    counts = SharedCounts(redis, Metrics())
    began = time.monotonic()
    counts.spend(NAME, 10)
    assert wait_until(lambda: bool(redis.keys("*")), seconds=30, every=0.01)
    assert time.monotonic() - began >= shared_counts.SHARE_SECONDS / 2
    counts.close()
