"""The figures of a bench run: medians over its rounds, goals met or missed, tables, and the same as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.load.bench.costs import Cost
from scripts.load.bench.operations import BARE, GOALS, OPERATIONS, Bench
from scripts.load.client.measure import median, percentile
from scripts.load.client.pump import Volley

MOST_GROWTH = 1.2
"""The largest database may answer this many times as slowly as the smallest, at most."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One operation: medians over rounds. p50, p99 in milliseconds; ratio: of its rate to the bare route's."""

    per_second: float
    p50: float
    p99: float
    ratio: float
    ratios: list[float]


def figures(volleys: list[Volley], bare: list[Volley]) -> Figures:
    """Medians over rounds. A ratio compares volleys of one round, so that drift of the machine hits both alike."""
    ordered = [sorted(volley.milliseconds) for volley in volleys]
    ratios = [volley.rate / yardstick.rate for volley, yardstick in zip(volleys, bare, strict=True)]
    return Figures(
        per_second=median([volley.rate for volley in volleys]),
        p50=median([percentile(times, 0.50) for times in ordered]),
        p99=median([percentile(times, 0.99) for times in ordered]),
        ratio=median(ratios),
        ratios=[round(ratio, 4) for ratio in ratios],
    )


def growth(small: list[Volley], large: list[Volley]) -> float:
    """How many times as long the median request takes on the larger database, as the median over rounds."""
    halves = [[percentile(sorted(volley.milliseconds), 0.50) for volley in volleys] for volleys in (small, large)]
    return median([more / less for less, more in zip(*halves, strict=True)])


@dataclass
class Report:
    """Everything that a run measured."""

    settings: dict[str, Any]
    bare: list[Volley]
    benches: list[Bench]
    costs: dict[str, Cost]
    bare_cpu_ms: float
    relay_cpu_ms: float

    def operations(self, bench: Bench) -> dict[str, Figures]:
        measured = {operation: figures(bench.volleys[operation], self.bare) for operation in OPERATIONS}
        return {BARE: figures(self.bare, self.bare), **measured}

    def growths(self) -> dict[str, dict[str, float]]:
        """Label of a larger database -> operation -> how many times the latency of the smallest."""
        first, *others = self.benches
        return {
            bench.label: {one: growth(first.volleys[one], bench.volleys[one]) for one in OPERATIONS} for bench in others
        }

    def as_data(self) -> dict[str, Any]:
        """The report as plain data for --json."""
        goals: dict[str, Any] = {
            operation: {"at_least": goal, "measured": round(self.operations(self.benches[0])[operation].ratio, 3)}
            for operation, goal in GOALS.items()
        }
        for goal in goals.values():
            goal["met"] = goal["measured"] >= goal["at_least"]
        grown = self.growths()
        return {
            **self.settings,
            "databases": {
                bench.label: {operation: asdict(found) for operation, found in self.operations(bench).items()}
                for bench in self.benches
            },
            "bare_cpu_ms": round(self.bare_cpu_ms, 4),
            "relay_cpu_ms_a_booking": round(self.relay_cpu_ms, 4),
            "costs": {operation: asdict(cost) for operation, cost in self.costs.items()},
            "goals": goals,
            "growth": {
                label: {
                    one: {"factor": round(factor, 3), "met": factor <= MOST_GROWTH} for one, factor in found.items()
                }
                for label, found in grown.items()
            },
        }

    def print(self, console: Console) -> None:
        """The tables."""
        for bench in self.benches:
            console.print()
            console.print(self._table(bench))
        console.print()
        console.print(self._cost_table())
        console.print(f"and {self.relay_cpu_ms:.2f} ms of the relay's processor time for each booking", highlight=False)
        if len(self.benches) > 1:
            console.print()
            console.print(self._growth_table())

    def _table(self, bench: Bench) -> Table:
        table = Table(title=f"{bench.label}, medians of {len(self.bare)} rounds", title_justify="left")
        for heading in ("operation", "req/s", "p50 ms", "p99 ms", "of bare", "goal", ""):
            table.add_column(heading, justify="left" if heading == "operation" else "right")
        for operation, found in self.operations(bench).items():
            row = [operation, f"{found.per_second:,.0f}", f"{found.p50:.2f}", f"{found.p99:.2f}", f"{found.ratio:.2f}"]
            goal = GOALS.get(operation)
            row += ["", ""] if goal is None else [f">= {goal:.2f}", _word(found.ratio >= goal)]
            table.add_row(*row)
        return table

    def _cost_table(self) -> Table:
        table = Table(title="one request costs", title_justify="left")
        headings = ("Redis trips", "commands", "Mongo reads", "writes", "CPU ms: service", "Redis", "Mongo")
        for heading in ("operation", *headings):
            table.add_column(heading, justify="left" if heading == "operation" else "right")
        table.add_row(BARE, "", "", "", "", f"{self.bare_cpu_ms:.2f}")
        for operation, cost in self.costs.items():
            counted = (cost.round_trips, cost.commands, cost.mongo_reads, cost.mongo_writes)
            used = (cost.service_cpu_ms, cost.redis_cpu_ms, cost.mongo_cpu_ms)
            table.add_row(operation, *(f"{value:.2f}" for value in counted + used))
        return table

    def _growth_table(self) -> Table:
        table = Table(title=f"median latency against {self.benches[0].label}", title_justify="left")
        table.add_column("operation")
        grown = self.growths()
        for label in grown:
            table.add_column(label, justify="right")
            table.add_column(f"goal <= {MOST_GROWTH}")
        for operation in OPERATIONS:
            row = [operation]
            for found in grown.values():
                row += [f"{found[operation]:.2f} x", _word(found[operation] <= MOST_GROWTH)]
            table.add_row(*row)
        return table


def _word(met: bool) -> str:
    return "[green]met[/]" if met else "[bold red]missed[/]"
