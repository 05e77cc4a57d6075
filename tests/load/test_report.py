"""Percentiles and histograms, and how attempts are counted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.load.report import histogram, latencies, percentile, results
from tests.load.planted import answer, booked, faultless, held, slot


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_are_nearest_rank(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_the_percentile_of_one_value_is_that_value_and_of_none_there_is_none() -> None:
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0
    assert math.isnan(percentile([], 0.5))


@given(st.lists(st.floats(min_value=0.001, max_value=1e6), min_size=1, max_size=200))
def test_every_value_falls_into_one_bucket(values: list[float]) -> None:
    made = histogram(values)
    assert sum(count for _, _, count in made) == len(values)
    assert all(low < high for low, high, _ in made)


def test_a_histogram_of_nothing_is_empty() -> None:
    assert histogram([]) == []


def test_a_hold_that_was_booked_is_one_attempt_and_a_lost_repeat_changes_nothing() -> None:
    run = faultless()
    assert results(run.exchanges) == {
        ("booked", "web"): 1, ("slot_held", "web"): 1, ("slot_booked", "desk"): 1, ("booked", "desk"): 1,
    }  # fmt: skip
    lost = answer("0:book", slot(), at=9, status=0)
    assert results([held("0", slot()), booked("0", slot()), lost]) == {("booked", "web"): 1}


def test_latencies_count_what_was_answered() -> None:
    found = latencies([*faultless().exchanges, answer("9:hold", slot(), status=0)])
    assert {name: one["count"] for name, one in found.items()} == {"hold": 2, "book": 1, "direct": 2, "all": 5}
    assert found["all"]["p50"] == pytest.approx(100, abs=0.01)
