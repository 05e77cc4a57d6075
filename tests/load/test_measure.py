"""Percentiles and histograms."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.load.client.measure import Latency, histogram, median, percentile


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_are_nearest_rank(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 101)], share) == expected


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0


def test_there_is_no_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 0.5))
    assert math.isnan(median([]))


def test_the_median_of_an_even_number_lies_between_the_middle_two() -> None:
    assert median([4, 1, 3, 2]) == 2.5
    assert median([3, 1, 2]) == 2


def test_a_summary_does_not_need_ordered_values() -> None:
    assert Latency.of([3.0, 1.0, 2.0]) == Latency(3, 2.0, 3.0, 3.0, 3.0)


@given(st.lists(st.floats(min_value=0.001, max_value=1e6), min_size=1, max_size=200), st.integers(1, 40))
def test_every_value_falls_into_one_bucket(values: list[float], buckets: int) -> None:
    made = histogram(values, buckets)
    assert sum(bucket.count for bucket in made) == len(values)
    assert all(before.high == after.low for before, after in itertools.pairwise(made))


def test_a_histogram_of_nothing_is_empty() -> None:
    assert histogram([]) == []


def test_equal_values_share_one_bucket() -> None:
    assert [bucket.count for bucket in histogram([5.0, 5.0, 5.0])] == [3]
