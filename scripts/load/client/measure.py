"""Percentiles and histograms of latencies, in milliseconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of ascending values: the smallest that at least this share of them is not above."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if not ordered:
        return math.nan
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


@dataclass(frozen=True, slots=True)
class Latency:
    """A summary of many latencies, in milliseconds."""

    count: int
    p50: float
    p90: float
    p99: float
    max: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Latency:
        ordered = sorted(milliseconds)
        shares = [percentile(ordered, share) for share in (0.50, 0.90, 0.99, 1.0)]
        return cls(len(ordered), *shares)


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many values lie in [low, high); the last bucket of a histogram includes its upper end."""

    low: float
    high: float
    count: int


def histogram(values: Sequence[float], buckets: int = 16) -> list[Bucket]:
    """Buckets of equal ratio from the smallest to the largest value: latencies spread over orders of magnitude."""
    if not values:
        return []
    low, high = max(min(values), 0.01), max(*values, 0.02)
    ratio = (high / low) ** (1 / buckets)
    if ratio <= 1.0001:
        return [Bucket(low, high, len(values))]
    edges = [low * ratio**number for number in range(buckets)] + [high]
    counts = [0] * buckets
    for value in values:
        at = int(math.log(max(value, low) / low, ratio))
        counts[min(at, buckets - 1)] += 1
    return [Bucket(edges[at], edges[at + 1], count) for at, count in enumerate(counts)]
