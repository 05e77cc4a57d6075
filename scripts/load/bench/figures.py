"""The arithmetic of a bench run: medians over rounds, and ratios that compare turns of one round.

A ratio of one round has the same machine on both sides, so drift of the machine affects both alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from scripts.load.bench.sides import Turn

Measure = Callable[[Turn], float]


def ratios(ours: Sequence[Turn], theirs: Sequence[Turn], measure: Measure) -> list[float]:
    """The measure of ours divided by that of theirs, for each round. A measure of 0 makes a ratio of 0."""
    pairs = zip(map(measure, ours), map(measure, theirs), strict=True)
    return [mine / other if other else 0.0 for mine, other in pairs]


def medians(turns: Sequence[Turn]) -> dict[str, Any]:
    """Requests a second, p50 and p99 in milliseconds, and milliseconds of processor time for one request by process."""
    return {
        "per_second": median(turn.rate for turn in turns),
        "p50_ms": median(turn.p50 for turn in turns),
        "p99_ms": median(turn.p99 for turn in turns),
        "cpu_ms": {name: median(turn.cpu[name] for turn in turns) for name in turns[0].cpu},
        "cpu_ms_all": median(turn.cost for turn in turns),
    }


def compared(ours: Sequence[Turn], theirs: Sequence[Turn]) -> dict[str, Any]:
    """How many times as fast ours is, and how many times as long and as costly, as medians of the rounds."""
    rates = ratios(ours, theirs, lambda turn: turn.rate)
    return {
        "rate": median(rates),
        "rates": [round(rate, 4) for rate in rates],
        "p50": median(ratios(ours, theirs, lambda turn: turn.p50)),
        "cpu": median(ratios(ours, theirs, lambda turn: turn.cost)),
    }
