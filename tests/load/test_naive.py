"""The negative control: the naive server double-books under the same load, and the same verdict sees it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import mongomock
import pytest

from scripts.load.client.barrier import Outcome, release
from scripts.load.naive import GRID_MINUTES, NaiveBookings, NaiveServer
from scripts.load.rules.evidence import Evidence
from scripts.load.rules.reading import read_bookings
from scripts.load.rules.verdict import judge
from scripts.load.scenarios.races import SCENARIOS
from scripts.load.scenarios.stage import World

CLIENTS = 24


@contextmanager
def naive_on(database: Any, *, window_seconds: float) -> Iterator[NaiveServer]:
    """The naive server in a thread, for the length of a `with` block."""
    server = NaiveServer(NaiveBookings(database, window_seconds))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def played(name: str, *, clients: int, processes: int, window_seconds: float = 0.05) -> tuple[Evidence, Outcome]:
    scenario = SCENARIOS[name]
    day = datetime(2031, 3, 4, tzinfo=UTC)
    keys = dict.fromkeys(("checkout", "desk", "bot"), "naive")
    places = tuple(f"p{number}" for number in range(scenario.properties))
    people = tuple(f"t{number}" for number in range(scenario.technicians))
    world = World("run", places, people, day, keys)
    database: Any = mongomock.MongoClient(tz_aware=True).scratch
    with naive_on(database, window_seconds=window_seconds) as server:
        crowd = scenario.people(world, clients, random.Random(7))
        outcome = release(("127.0.0.1", int(server.server_address[1])), crowd, processes=processes, reply_seconds=20)
    bookings, neighbours = read_bookings(database, "naive", world)
    found = Evidence("run", GRID_MINUTES * 60, scenario.one_winner, outcome.exchanges, bookings, neighbours)
    return found, outcome


@pytest.mark.parametrize("name", ["same-slot", "same-property", "same-technician"])
def test_the_naive_server_double_books_and_the_verdict_sees_it(name: str) -> None:
    evidence, _ = played(name, clients=CLIENTS, processes=2)
    findings = judge(evidence)
    assert findings["one visit at a time"]
    assert findings["one booking per claim"]
    assert findings["one winner"]


def test_retries_make_the_naive_server_book_twice_for_one_request() -> None:
    evidence, _ = played("retries", clients=80, processes=2)
    findings = judge(evidence)
    assert findings["repeats agree"]
    assert findings["one visit at a time"]


def test_one_client_alone_breaks_no_rule_even_there() -> None:
    evidence, outcome = played("same-slot", clients=1, processes=1)
    assert not any(judge(evidence).values())
    assert [exchange.status for exchange in outcome.exchanges] == [201, 201]


def test_every_client_is_connected_before_the_release_and_gets_an_answer() -> None:
    evidence, outcome = played("same-slot", clients=CLIENTS, processes=3)
    assert outcome.open_before == CLIENTS
    assert {exchange.logical.partition(":")[0] for exchange in outcome.exchanges} == set(map(str, range(CLIENTS)))
    first = [exchange for exchange in outcome.exchanges if exchange.operation != "book"]
    assert max(exchange.sent for exchange in first) < min(exchange.received for exchange in first)
    assert not judge(evidence)["answers come"]
