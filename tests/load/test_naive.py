"""The negative control: the naive server double-books under the same load, and the same verdict sees it."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import mongomock
import pytest

from scripts.load.client.barrier import Outcome, release
from scripts.load.client.target import ROLES, Target
from scripts.load.naive import GRID_MINUTES, NaiveBookings, NaiveServer
from scripts.load.players import plays
from scripts.load.players.person import Person
from scripts.load.rules.evidence import Evidence
from scripts.load.rules.reading import parse_mark, read_bookings
from scripts.load.rules.verdict import judge
from scripts.load.scenarios import acts
from scripts.load.scenarios.races import SCENARIOS
from scripts.load.scenarios.stage import Scenario, World
from tests.load.test_scenarios import world_for

CLIENTS = 24


@contextmanager
def naive_on(bookings: NaiveBookings) -> Iterator[NaiveServer]:
    """The naive server in a thread, for the length of a `with` block."""
    server = NaiveServer(bookings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()


def played(
    name: str,
    *,
    clients: int,
    processes: int = 2,
    window_seconds: float = 0.5,
    kind: type[NaiveBookings] = NaiveBookings,
    **changes: Any,
) -> tuple[Evidence, Outcome]:
    """One scenario, perhaps with changes, on the naive server."""
    scenario: Scenario = replace(SCENARIOS[name], **changes)
    world, rng = replace(world_for(name), keys=dict.fromkeys(ROLES, "naive")), random.Random(7)
    database: Any = mongomock.MongoClient(tz_aware=True).scratch
    with naive_on(kind(database, window_seconds)) as server:
        target = Target(f"http://127.0.0.1:{server.port}", "naive", world.keys, "", "")
        world, outcome = acts.perform(target, scenario, world, clients, rng, processes=processes)
    bookings = read_bookings(database, "naive", world)
    return Evidence(GRID_MINUTES * 60, scenario.one_winner, outcome.exchanges, bookings), outcome


@pytest.mark.parametrize("name", ["same-slot", "same-property", "same-technician"])
def test_the_naive_server_double_books_and_the_verdict_sees_it(name: str) -> None:
    findings = judge(played(name, clients=CLIENTS)[0])
    for rule in ("one visit at a time", "one booking per claim", "one winner"):
        assert findings[rule], rule


def test_retries_make_the_naive_server_book_twice_for_one_request() -> None:
    findings = judge(played("retries", clients=80)[0])
    assert findings["repeats agree"]
    assert findings["one visit at a time"]


def _all_to_one_slot(world: World, _requests: int, _rng: random.Random) -> list[Person]:
    """Two desks for each booking, which want to move its first version: one to the same slot as all, one elsewhere."""
    slot, elsewhere = world.numbered_slot(159), {"start": world.numbered_slot(19)["start"]}
    wanted = [(booked, where) for booked in world.made("direct") for where in (slot, elsewhere)]
    return [
        Person("run", str(100 + number), "desk", plays.moves, slot, world.keys, subject=booked.reply, slots_after=(to,))
        for number, (booked, to) in enumerate(wanted)
    ]


def test_the_naive_server_moves_bookings_onto_each_other_and_the_verdict_sees_it() -> None:
    findings = judge(played("reschedule", clients=40, window_seconds=1, people=_all_to_one_slot)[0])
    for rule in ("one visit at a time", "one booking per claim", "one winner a version", "moves are recorded"):
        assert findings[rule], rule


def test_one_client_alone_breaks_no_rule_even_there() -> None:
    evidence, outcome = played("same-slot", clients=1, processes=1, window_seconds=0)
    assert not any(judge(evidence).values())
    assert [exchange.status for exchange in outcome.exchanges] == [201, 201]


class AfterAll(NaiveBookings):
    """Answers nothing before each client has asked."""

    def __init__(self, database: Any, window_seconds: float) -> None:
        super().__init__(database, window_seconds)
        self.checks, self.all_asked = itertools.count(1), threading.Barrier(CLIENTS)

    def check(self, *asked: Any, **named: Any) -> None:
        super().check(*asked, **named)
        if next(self.checks) <= CLIENTS:
            self.all_asked.wait(30)


def test_every_client_is_connected_before_the_release_and_gets_an_answer() -> None:
    evidence, outcome = played("same-slot", clients=CLIENTS, processes=3, kind=AfterAll)
    assert outcome.open_before == CLIENTS
    assert {exchange.tag for exchange in outcome.exchanges} == set(map(str, range(CLIENTS)))
    first = [exchange for exchange in outcome.exchanges if exchange.operation != "book"]
    assert max(exchange.sent for exchange in first) < min(exchange.received for exchange in first)
    assert not judge(evidence)["answers come"]


def test_no_client_is_released_before_the_curtain_rises() -> None:
    curtain = time.monotonic() + 0.6
    with naive_on(NaiveBookings(mongomock.MongoClient(tz_aware=True).scratch, 0.0)) as server:
        desk = Person("run", "4", "desk", plays.at_the_desk, world_for("same-slot").numbered_slot(0), {"desk": "naive"})
        outcome = release(("127.0.0.1", server.port), [desk.perform()], 1, not_before=curtain)
    assert outcome.exchanges[0].sent >= curtain


def test_the_mark_of_a_reservation_is_read_like_any_other() -> None:
    assert parse_mark("r|bk-1", 3, 5000) == parse_mark("b|bk-1", 3, 5000)
