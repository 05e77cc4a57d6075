"""Callers that share the lane's one connection: each gets its own reply, its own error and its own time."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count

import pytest
from redis.connection import Connection
from redis.exceptions import DataError, NoScriptError, RedisError
from redis.exceptions import TimeoutError as Stalled

from scripts.dev_server.child import wait_until
from services.stores.redis_lane import ScriptLane
from tests.own_time import own_time
from tests.servers import RedisServer
from tests.stores.stand_in import CLOSE, PATIENCE, StandIn, echo, lane_to, stand_in

CROWD = 8
Answers = Callable[[list[str]], bytes]


@contextmanager
def crowd(answer: Answers, seconds: float = PATIENCE) -> Iterator[tuple[StandIn, ScriptLane, list[Future[str]]]]:
    """While the call "first" waits for its reply, the calls "0", "1", … gather; then all of them go in one write."""
    opened = threading.Event()

    def gated(words: list[str]) -> bytes:
        if words[-1] == "first":
            assert opened.wait(PATIENCE)
            return echo(words)
        return answer(words)

    with stand_in(gated) as server, ThreadPoolExecutor(CROWD + 1) as threads:
        lane = lane_to(server.url)
        first = threads.submit(lane.call, "ECHO", "first")
        assert wait_until(lambda: server.heard == ["first"], seconds=PATIENCE)
        lane._seconds = seconds
        calls = []
        for number in range(CROWD):
            calls.append(threads.submit(lane.call, "ECHO", str(number)))
            assert wait_until(lambda number=number: len(lane._waiting) == number + 1, seconds=PATIENCE)
        opened.set()
        assert first.result() == "first"
        yield server, lane, calls


def outcomes(calls: list[Future[str]]) -> list[str | type[BaseException]]:
    """The reply, or the kind of the error, of each call."""
    return [type(error) if (error := call.exception()) else call.result() for call in calls]


def test_calls_that_wait_go_in_one_write_and_each_gets_its_own_reply() -> None:
    with RedisServer() as server, server.client() as client, ThreadPoolExecutor(CROWD + 1) as threads:
        lane = lane_to(server.url)
        first = threads.submit(lane.call, "BLPOP", "gate", "0")
        assert wait_until(lambda: client.info("clients")["blocked_clients"] == 1, seconds=PATIENCE)
        calls = [threads.submit(lane.call, "ECHO", str(number)) for number in range(CROWD)]
        assert wait_until(lambda: len(lane._waiting) == CROWD, seconds=PATIENCE)
        reads = client.info("stats")["total_reads_processed"]
        client.rpush("gate", "open")
        assert first.result() == ["gate", "open"]
        assert [call.result() for call in calls] == [str(number) for number in range(CROWD)]
        assert client.info("stats")["total_reads_processed"] - reads == 3  # the push, the write, and this question
        assert client.info("clients")["connected_clients"] == 2


def test_a_refusal_is_raised_to_the_caller_whose_command_it_refuses() -> None:
    def answer(words: list[str]) -> bytes:
        return b"-NOSCRIPT none\r\n" if words[-1] in ("2", "5") else echo(words)

    with crowd(answer) as (_, _, calls):
        assert outcomes(calls) == ["0", "1", NoScriptError, "3", "4", NoScriptError, "6", "7"]


def test_an_argument_that_cannot_be_sent_is_refused_to_its_caller_alone() -> None:
    with stand_in() as server:
        lane = lane_to(server.url)
        with pytest.raises(DataError):
            lane.call("ECHO", object())  # type: ignore[arg-type]
        assert lane.call("ECHO", "next") == "next"


@pytest.mark.parametrize("end", [CLOSE, b"$1", b"$1\r\n3", b"-LOADING not yet\r\n"])
def test_calls_that_a_lost_connection_left_without_a_reply_are_sent_once_more(end: bytes) -> None:
    closed: list[str] = []

    def answer(words: list[str]) -> bytes:
        if words[-1] == "3" and not closed:
            closed.append("3")
            return end
        return echo(words)

    with crowd(answer) as (server, _, calls):
        assert outcomes(calls) == [str(number) for number in range(CROWD)]
        assert server.heard.count("2") == 1
        assert server.heard.count("3") == 2


def test_after_a_reply_that_did_not_come_the_others_of_its_write_are_not_sent_again() -> None:
    stalled = threading.Event()

    def answer(words: list[str]) -> bytes:
        if words[-1] == "3":
            stalled.wait(PATIENCE)
        return echo(words)

    with crowd(answer, seconds=2) as (server, lane, calls):
        assert outcomes(calls) == ["0", "1", "2", *[Stalled] * (CROWD - 3)]
        assert lane.call("ECHO", "next") == "next"
        stalled.set()
        assert lane.call("ECHO", "after") == "after"
        assert max(server.heard.count(word) for word in server.heard) == 1


def test_a_stall_keeps_no_caller_longer_than_its_own_time() -> None:
    """Those who wait behind a stalled exchange do not begin their time anew with the next one."""
    seconds = 2.0

    def timed(lane: ScriptLane) -> float:
        with own_time() as passed, pytest.raises(Stalled):
            lane.call("ECHO", "lost")
        return passed()

    with RedisServer() as server, ThreadPoolExecutor(CROWD) as threads:
        lane = lane_to(server.url, seconds)
        lane.call("ECHO", "before")
        server.freeze()
        took = [call.result() for call in [threads.submit(timed, lane) for _ in range(CROWD)]]
        server.thaw()
        assert max(took) < 1.8 * seconds
        assert lane.call("ECHO", "after") == "after"


def test_the_greeting_of_a_new_connection_takes_no_more_than_what_is_left_of_the_callers_time() -> None:
    """A password is accepted before the first command. Who has waited behind a stall does not wait anew for that."""
    seconds, stalls, over = 2.0, threading.Event(), threading.Event()

    def answer(words: list[str]) -> bytes:
        if stalls.is_set():
            over.wait(PATIENCE)
        return b"+OK\r\n" if words[0] == "AUTH" else echo(words)

    def timed(lane: ScriptLane) -> float:
        with own_time() as passed, pytest.raises(Stalled):
            lane.call("ECHO", "lost")
        return passed()

    with stand_in(answer) as server, ThreadPoolExecutor(2) as threads:
        lane = lane_to(server.url.replace("//", "//:secret@"), seconds)
        lane.call("ECHO", "before")
        stalls.set()
        lane._seconds = seconds / 2
        first = threads.submit(timed, lane)
        assert wait_until(lambda: server.heard[-1] == "lost", seconds=PATIENCE)
        lane._seconds = seconds
        assert timed(lane) < 1.3 * seconds
        assert first.result() < seconds
        stalls.clear()
        over.set()
        assert lane.call("ECHO", "after") == "after"


def strangers_replies(seed: int) -> int:
    """How many callers got the reply of another, of a stand-in that delays, drops, cuts, and errs at random."""
    chance, late = random.Random(seed), threading.Event()

    def answer(words: list[str]) -> bytes:
        match chance.randrange(24):
            case 0:
                late.wait(0.15)
            case 1:
                return CLOSE
            case 2:
                return b"-ERR no\r\n"
            case 3:
                return b"-LOADING not yet\r\n"
        return echo(words)

    def ask(lane: ScriptLane, name: int) -> int:
        wrong = 0
        for number in range(30):
            with suppress(RedisError):
                wrong += lane.call("ECHO", f"{name}.{number}") != f"{name}.{number}"
        return wrong

    with stand_in(answer) as server, ThreadPoolExecutor(CROWD) as threads:
        lane = lane_to(server.url, seconds=0.1)
        return sum(threads.map(ask, [lane] * CROWD, range(CROWD)))


def test_no_reply_reaches_another_caller() -> None:
    seed = random.randrange(2**32)
    assert strangers_replies(seed) == 0, f"seed {seed}"


def test_where_a_failed_connection_stays_open_replies_reach_other_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same calls with the guard off."""
    left_open: set[Connection] = set()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "disconnect", lambda connection, *args, **more: left_open.add(connection))
            seeds = count()  # about every second one shows it
            assert wait_until(lambda: strangers_replies(next(seeds)) > 0, seconds=240)
    finally:
        for connection in left_open:
            connection.disconnect()


def test_a_killed_greenlet_takes_no_other_with_it() -> None:
    command = [sys.executable, "-m", "gevent.monkey", "--module", "tests.stores.greenlets"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == "whole", ran.stderr
