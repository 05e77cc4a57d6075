"""The arithmetic of a bench run, its hours and preloaded documents, its options, and the loop that drives it."""

from __future__ import annotations

import socket
from argparse import Namespace
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from scripts.bench import parser
from scripts.load.bench.figures import compared, medians
from scripts.load.bench.holdfast import OPERATIONS, Customer, Holdfast, Seat
from scripts.load.bench.preload import FUTURE_SHARE, documents, people
from scripts.load.bench.report import Growth, goal
from scripts.load.bench.runs import Plan, take_turns
from scripts.load.bench.servers import Setting
from scripts.load.bench.sides import ANY, BOOK, EXPECTED, HOLD, REFUSED, SEARCHES, Side, Turn, expect
from scripts.load.bench.slots import AN_HOUR, DAYS, first_day, free_hours, shared_hours
from scripts.load.client.pump import Pump, Volley
from scripts.load.client.target import ROOT, Target, Unreachable
from scripts.load.client.wire import request_bytes
from scripts.load.rules.evidence import claims_of
from tests.load.test_crowd import OK, closes, scripted

TEMPLATE = {
    "duration_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 0,
    "search": {"keys": ["i:bk_1", "i:prop", "n:a"], "name": " alice", "phones": []},
}  # fmt: skip
NOW = datetime(2031, 3, 4, 12, 30, tzinfo=UTC)
SERVER = Target("http://127.0.0.1:9", "org", {"checkout": "c", "desk": "d"}, "", "")
SEATS = [Seat(SERVER, f"p{number}", f"t{number}") for number in range(100)]
NOWHERE = Pump(("127.0.0.1", 9), 1)


def turn(rate: float, p50: float = 1.0, **cpu: float) -> Turn:
    return Turn(rate, p50, p50 * 2, cpu or {"workers": 1.0})


def options(*arguments: str) -> Namespace:
    return parser().parse_args(arguments)


def test_a_ratio_compares_turns_of_the_same_round() -> None:
    theirs = [turn(1000), turn(500), turn(1000)]
    found = compared([turn(400), turn(200), turn(100)], theirs)
    assert found["rates"] == [0.4, 0.4, 0.1]
    assert found["rate"] == 0.4


def test_the_processor_time_of_a_request_is_that_of_workers_and_stores() -> None:
    cost = turn(1, workers=1.0, redis=0.2, mongod=0.3, relay=5.0, client=7.0)
    assert cost.cost == pytest.approx(1.5)
    assert compared([cost], [turn(1, workers=0.75)])["cpu"] == pytest.approx(2.0)


def test_figures_are_medians_of_the_rounds() -> None:
    found = medians([turn(10, 3.0, workers=2.0), turn(20, 5.0, workers=4.0), turn(90, 4.0, workers=3.0)])
    assert found == {"per_second": 20, "p50_ms": 4.0, "p99_ms": 8.0, "cpu_ms": {"workers": 3.0}, "cpu_ms_all": 3.0}


class Recorder(Side):
    """A side that only notes which of its operations has its turn."""

    def __init__(self, label: str, log: list[tuple[str, str, bool]]) -> None:
        super().__init__(label, NOWHERE, {"workers": 0})
        self.log = log

    def requests(self, operation: str, count: int) -> list[bytes]:
        raise AssertionError("a turn is only noted")

    def take_turn(self, operation: str, volleys: float, *, counts: bool) -> None:
        self.log.append((self.label, operation, counts))


def test_sides_take_turns_and_only_the_first_round_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.load.bench.runs.even_out", lambda *_: None)
    log: list[tuple[str, str, bool]] = []
    a, b = Recorder("a", log), Recorder("b", log)
    take_turns(Plan(Setting(1, 1), 2, 1, lambda _: None), [(a, (HOLD, BOOK)), (b, (HOLD,))])
    warm = [("b", HOLD, False), ("a", HOLD, False), ("a", BOOK, False)]
    odd = [("a", HOLD, True), ("b", HOLD, True), ("a", BOOK, True)]
    even = [("b", HOLD, True), ("a", HOLD, True), ("a", BOOK, True)]
    assert log == warm + odd + even


def test_growth_is_the_median_of_the_rounds_and_any_technician_has_no_goal_there() -> None:
    small, large = Recorder("small", []), Recorder("large", [])
    small.turns |= {one: [turn(1, 2.0), turn(1, 2.0), turn(1, 4.0)] for one in (HOLD, ANY)}
    large.turns |= {one: [turn(1, 2.0), turn(1, 3.0), turn(1, 8.0)] for one in (HOLD, ANY)}
    found = Growth("technicians", (1, 2), small, large).factors()
    assert (found[HOLD]["p50"], found[HOLD]["met"], found[ANY]["met"]) == (1.5, False, None)
    assert Growth("orgs", (1, 2), small, large).factors()[ANY]["met"] is False


@pytest.mark.parametrize(
    ("measured", "bound", "met"),
    [
        (0.7, {"least": 0.67}, True),
        (0.6, {"least": 0.67}, False),
        (70.0, {"most": 70.0}, True),
        (71, {"most": 70.0}, False),
    ],
)
def test_a_goal_has_a_bound_on_one_side(measured: float, bound: dict[str, float], met: bool) -> None:
    assert goal("it", measured, **bound)["met"] is met


def test_sizes_are_two_numbers_the_smaller_first() -> None:
    assert options("--bookings", "1000,1_000_000").bookings == (1000, 1_000_000)
    assert options().technicians is None
    for wrong in ("1000", "5,5", "9,1", "-1,5", "few,many"):
        with pytest.raises(SystemExit):
            options("--holds", wrong)


def test_only_a_checkout_can_be_measured_against(tmp_path: Path) -> None:
    assert options("--against", str(ROOT)).against == ROOT
    with pytest.raises(SystemExit):
        options("--against", str(tmp_path))


def test_a_volley_with_one_wrong_answer_is_no_measurement() -> None:
    for operation, status in EXPECTED.items():
        expect(operation, Volley(1.0, [1.0, 1.0], [status, status]))
        with pytest.raises(Unreachable):
            expect(operation, Volley(1.0, [1.0, 1.0], [status, 500]))


def test_hours_are_distinct_and_run_out_with_a_sentence() -> None:
    hours = free_hours(3)
    assert len(set(islice(hours, DAYS * 24 * 3))) == DAYS * 24 * 3
    with pytest.raises(Unreachable, match="used up"):
        next(hours)


def test_hours_for_any_technician_lie_behind_the_others_with_few_visits_in_each() -> None:
    hours = list(islice(shared_hours(10), 1000))
    assert min(start for _, start in hours) > max(start for _, start in free_hours_of(10))
    assert max(Counter(start for _, start in hours).values()) == AN_HOUR
    assert len(set(hours)) == 1000


def free_hours_of(seats: int) -> list[tuple[int, datetime]]:
    return list(islice(free_hours(seats), DAYS * 24 * seats))


def side(**more: Any) -> Holdfast:
    return Holdfast("ours", NOWHERE, {}, seats=SEATS, **more)


def test_a_booking_with_a_hold_follows_the_hold_of_its_volley() -> None:
    ours = side()
    held = ours.requests(HOLD, 3)
    ours.keep([b'{"hold_id":"h%d"}' % number for number in range(3)])
    refused, booked = ours.requests(REFUSED, 3), ours.requests(BOOK, 3)
    assert [request.partition(b"holder")[0] for request in held] == [each.partition(b"holder")[0] for each in refused]
    assert not set(held) & set(refused)  # another holder asks for the same slot
    assert all(b'"h%d"' % number in request for number, request in enumerate(booked))


def test_every_operation_makes_as_many_requests_as_it_is_asked_for() -> None:
    ours = side(customers=[Customer("Babaco Codidi", "+15550100001", "bk_1")])
    for operation in (*OPERATIONS, *SEARCHES):
        assert len(ours.requests(operation, 5)) == (0 if operation == BOOK else 5), operation
    queries = [ours.requests(operation, 1)[0].split()[1] for operation in SEARCHES]
    assert queries == [b"/bookings?q=Babaco+Codidi", b"/bookings?q=0001", b"/bookings?q=bk_1"]


@pytest.mark.parametrize("count", [100, 5000])
def test_preloaded_bookings_touch_nowhere(count: int) -> None:
    claims: Counter[tuple[str, int]] = Counter()
    made = list(documents([TEMPLATE], SEATS, count, NOW))
    for document in made:
        claims.update((claim["resource"], claim["tick"]) for claim in document["claims"])
        assert {(claim["resource"], claim["tick"]) for claim in document["claims"]} == claims_of(document, 900)
    assert len({document["_id"] for document in made}) == count
    assert max(claims.values()) == 1


def test_a_preloaded_booking_is_found_by_its_own_ids_and_by_the_words_of_its_template() -> None:
    document = next(documents([TEMPLATE], SEATS, 1, NOW))
    assert document["search"]["keys"] == sorted([f"i:{document['_id']}", "i:p0", "n:a"])


def test_a_few_percent_of_preloaded_bookings_are_ahead_and_active() -> None:
    made = list(documents([TEMPLATE], SEATS, 1000, NOW))
    ahead = [document for document in made if document["start"] > NOW]
    assert len(ahead) == 1000 * FUTURE_SHARE
    assert all(document["active"] for document in ahead)
    measured_from = first_day() - datetime.now(UTC) + NOW
    assert max(document["end"] for document in made) < measured_from


def test_more_preloaded_bookings_than_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="past bookings fit"):
        next(documents([TEMPLATE], SEATS, 5_000_000, NOW))


def test_a_thousand_persons_have_names_and_last_digits_of_their_own() -> None:
    made = people(1000)
    assert len({person["name"] for person in made}) == len({person["phone"][-4:] for person in made}) == 1000


def test_the_pump_sends_every_request_once_and_keeps_bodies_in_order() -> None:
    def three(connection: socket.socket) -> None:
        for number in range(3):
            connection.recv(65536)
            connection.sendall(OK.replace(b'"h"', b'"%d"' % number))
        connection.recv(65536)

    with scripted(three) as address, Pump(address, 1) as pump:
        found = pump.fire([request_bytes("GET", "/bare")] * 3, keep_bodies=True)
        assert found.statuses == Counter({201: 3})
        assert found.bodies == [b'{"hold_id":"%d"}' % number for number in range(3)]
        assert all(milliseconds > 0 for milliseconds in found.milliseconds)


def test_the_pump_says_so_when_the_server_hangs_up() -> None:
    with scripted(closes) as address, Pump(address, 1) as pump, pytest.raises(Unreachable):
        pump.fire([request_bytes("GET", "/bare")])
