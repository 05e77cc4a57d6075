"""The figures of a bench run: medians over its rounds, goals met or missed, tables, and the same as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.load.bench.costs import Cost
from scripts.load.bench.operations import BARE, GOALS, OPERATIONS, Bench
from scripts.load.client.pump import Volley
from scripts.load.report import percentile, table

MOST_GROWTH = 1.2  # the largest database may answer this many times as slowly as the smallest, at most

COSTS = {
    "round_trips": "Redis trips", "commands": "commands", "mongo_reads": "Mongo reads", "mongo_writes": "writes",
    "service_cpu_ms": "CPU ms: service", "redis_cpu_ms": "Redis", "mongo_cpu_ms": "Mongo"
}  # fmt: skip
"""What is printed of the costs, and how it is called."""


def _at(share: float, volley: Volley) -> float:
    return percentile(volley.milliseconds, share)


def figures(volleys: list[Volley], bare: list[Volley]) -> dict[str, Any]:
    """Medians over rounds: requests per_second, p50 and p99 in milliseconds, ratio of the rate to the bare route's.

    A ratio compares volleys of one round, so that drift of the machine hits both alike.
    """
    ratios = [volley.rate / yardstick.rate for volley, yardstick in zip(volleys, bare, strict=True)]
    return {
        "per_second": median(volley.rate for volley in volleys),
        "p50": median(_at(0.50, volley) for volley in volleys),
        "p99": median(_at(0.99, volley) for volley in volleys),
        "ratio": median(ratios),
        "ratios": [round(ratio, 4) for ratio in ratios],
    }


def growth(small: list[Volley], large: list[Volley]) -> float:
    """How many times as long the median request takes on the larger database, as the median over rounds."""
    return median(_at(0.50, more) / _at(0.50, less) for less, more in zip(small, large, strict=True))


@dataclass
class Report:
    """Everything that a run measured."""

    settings: dict[str, Any]
    bare: list[Volley]
    benches: list[Bench]
    costs: dict[str, Cost]
    bare_cpu_ms: float
    relay_cpu_ms: float

    def operations(self, bench: Bench) -> dict[str, dict[str, Any]]:
        measured = {operation: figures(bench.volleys[operation], self.bare) for operation in OPERATIONS}
        return {BARE: figures(self.bare, self.bare), **measured}

    def growths(self) -> dict[str, dict[str, float]]:
        """Label of a larger database -> operation -> how many times the latency of the smallest."""
        first, *others = self.benches
        return {
            bench.label: {one: growth(first.volleys[one], bench.volleys[one]) for one in OPERATIONS} for bench in others
        }

    def as_data(self) -> dict[str, Any]:
        databases = {bench.label: self.operations(bench) for bench in self.benches}
        reached = {operation: databases[self.benches[0].label][operation]["ratio"] for operation in GOALS}
        return {
            **self.settings,
            "databases": databases,
            "bare_cpu_ms": round(self.bare_cpu_ms, 4),
            "relay_cpu_ms_a_booking": round(self.relay_cpu_ms, 4),
            "costs": self.costs,
            "goals": {
                one: {"at_least": goal, "measured": round(reached[one], 3), "met": reached[one] >= goal}
                for one, goal in GOALS.items()
            },
            "growth": {
                label: {one: {"factor": round(by, 3), "met": by <= MOST_GROWTH} for one, by in found.items()}
                for label, found in self.growths().items()
            },
        }

    def print(self, console: Console) -> None:
        for each in self._tables():
            console.print("", each, sep="\n")
        console.print(f"and {self.relay_cpu_ms:.2f} ms of the relay's processor time for each booking")

    def _tables(self) -> Iterator[Table]:
        for bench in self.benches:
            headings = ["operation", "req/s", "p50 ms", "p99 ms", "of bare", "goal", ""]
            rows = [_row(operation, found) for operation, found in self.operations(bench).items()]
            yield table(f"{bench.label}, medians of {len(self.bare)} rounds", headings, rows)
        grown = self.growths()
        if grown:
            headings = ["operation", *(heading for label in grown for heading in (label, f"goal <= {MOST_GROWTH}"))]
            rows = [
                [one, *(text for by in grown.values() for text in (f"{by[one]:.2f} x", _word(by[one] <= MOST_GROWTH)))]
                for one in OPERATIONS
            ]
            yield table(f"median latency against {self.benches[0].label}", headings, rows)
        counted = [[operation, *(f"{cost[name]:.2f}" for name in COSTS)] for operation, cost in self.costs.items()]
        bare = [BARE, *(f"{self.bare_cpu_ms:.2f}" if name == "service_cpu_ms" else "" for name in COSTS)]
        yield table("one request costs", ("operation", *COSTS.values()), [bare, *counted])


def _row(operation: str, found: dict[str, Any]) -> list[str]:
    row = [operation, f"{found['per_second']:,.0f}", *(f"{found[name]:.2f}" for name in ("p50", "p99", "ratio"))]
    goal = GOALS.get(operation)
    return row + (["", ""] if goal is None else [f">= {goal:.2f}", _word(found["ratio"] >= goal)])


def _word(met: bool) -> str:
    return "[green]met[/]" if met else "[bold red]missed[/]"
