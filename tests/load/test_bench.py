"""The arithmetic of a bench run, its preloaded documents, and the loop that drives it."""

from __future__ import annotations

import socket
from collections import Counter
from datetime import UTC, datetime

import pytest

from scripts.load.bench.operations import DAYS, EXPECTED, PAIRS, Slots, expect
from scripts.load.bench.preload import FUTURE_SHARE, documents
from scripts.load.bench.report import figures, growth
from scripts.load.client.pump import Pump, Volley
from scripts.load.client.target import Unreachable
from scripts.load.client.wire import request_bytes
from scripts.load.rules.evidence import claims_of
from tests.load.test_crowd import OK, closes, scripted

TEMPLATE = {"duration_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
NOW = datetime(2031, 3, 4, 12, 30, tzinfo=UTC)


def volley(rate: float, *milliseconds: float, status: int = 200) -> Volley:
    return Volley(len(milliseconds) / rate, list(milliseconds), Counter({status: len(milliseconds)}))


def test_a_ratio_compares_volleys_of_the_same_round() -> None:
    bare = [volley(1000, 1.0), volley(500, 2.0), volley(1000, 1.0)]
    found = figures([volley(400, 3.0), volley(200, 6.0), volley(100, 9.0)], bare)
    assert found["ratios"] == [0.4, 0.4, 0.1]
    assert (found["ratio"], found["per_second"], found["p50"]) == (0.4, 200, 6.0)


def test_growth_is_the_median_of_the_rounds() -> None:
    small = [volley(1, 1.0, 2.0, 3.0), volley(1, 2.0), volley(1, 4.0)]
    large = [volley(1, 3.0, 2.0, 1.0), volley(1, 3.0), volley(1, 4.0)]
    assert growth(small, large) == 1.0


def test_a_volley_with_one_wrong_answer_is_no_measurement() -> None:
    volleys = volley(1, 1.0, 1.0)
    for operation, status in EXPECTED.items():
        volleys.answers = [status, status]
        expect(operation, volleys)
        volleys.answers = [status, 500]
        with pytest.raises(Unreachable):
            expect(operation, volleys)


def test_slots_are_distinct_and_run_out_with_a_sentence() -> None:
    slots = Slots("run")
    assert len({tuple(sorted(slots.next().items())) for _ in range(PAIRS * 24)}) == PAIRS * 24
    slots.taken = PAIRS * DAYS * 24 - 1
    slots.next()
    with pytest.raises(Unreachable, match="used up"):
        slots.next()


@pytest.mark.parametrize("count", [100, 5000])
def test_preloaded_bookings_touch_nowhere(count: int) -> None:
    claims: Counter[tuple[str, int]] = Counter()
    made = list(documents(TEMPLATE, Slots("run"), count, NOW))
    for document in made:
        claims.update((claim["resource"], claim["tick"]) for claim in document["claims"])
        assert {(claim["resource"], claim["tick"]) for claim in document["claims"]} == claims_of(document, 900)
    assert len({document["_id"] for document in made}) == count
    assert max(claims.values()) == 1


def test_a_few_percent_of_preloaded_bookings_are_ahead_and_active() -> None:
    made = list(documents(TEMPLATE, Slots("run"), 1000, NOW))
    ahead = [document for document in made if document["start"] > NOW]
    assert len(ahead) == 1000 * FUTURE_SHARE
    assert all(document["active"] for document in ahead)
    measured_from = Slots.first_day() - datetime.now(UTC) + NOW
    assert max(document["end"] for document in made) < measured_from


def test_more_preloaded_bookings_than_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="past bookings fit"):
        next(documents(TEMPLATE, Slots("run"), 5_000_000, NOW))


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
