"""What people read of a bench run, a table for each thing; and the same as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.load.bench.costs import Cost
from scripts.load.bench.figures import compared, medians
from scripts.load.bench.sides import ANY, BARE, BOOK, DIRECT, HOLD, RELAY, WORKERS, Side
from scripts.load.report import table

TEXTBOOK_GOALS = {HOLD: 0.67, BOOK: 0.67, DIRECT: 0.67}
AGAINST_GOALS = {HOLD: 1.10, BOOK: 1.35, DIRECT: 1.35}
"""Requests a second, at least so many times those of textbook, and of the code before the work on speed."""
MOST_P99_MS = {HOLD: 70.0}
MOST_CPU_MS = {BOOK: 1.2, DIRECT: 1.2}
MOST_GROWTH = 1.2
"""An operation may take this many times as long where there is more, at most."""
NO_GOAL_OF_GROWTH = {("technicians", ANY)}
"""To try more technicians is what this request asks for."""

COSTS = {
    "round_trips": "Redis trips", "commands": "commands in them",
    "mongo_reads": "MongoDB reads", "mongo_writes": "writes",
}  # fmt: skip
STORES = ("redis", "mongod")

Goal = dict[str, Any]


def goal(word: str, measured: float, *, least: float | None = None, most: float | None = None) -> Goal:
    """One goal: what is measured, its bound, and whether it is met."""
    met = measured >= least if least is not None else most is not None and measured <= most
    return {"goal": word, "measured": round(measured, 3), "at_least": least, "at_most": most, "met": met}


@dataclass
class Comparison:
    """Holdfast beside others in one run. goals: for each rival, by label; spread: connections of each worker."""

    settings: dict[str, Any]
    ours: Side
    rivals: Sequence[tuple[Side, Mapping[str, float]]]
    bare: Side
    costs: dict[str, Cost]
    spread: dict[str, list[int]]

    def as_data(self) -> dict[str, Any]:
        sides = [self.ours, *(rival for rival, _ in self.rivals), self.bare]
        return {
            **self.settings,
            "sides": {side.label: {one: medians(turns) for one, turns in side.turns.items()} for side in sides},
            "compared": {rival.label: self._compared(rival) for rival, _ in self.rivals},
            "costs": self.costs,
            "connections_of_each_worker": self.spread,
            "goals": self.goals(),
        }

    def goals(self) -> list[Goal]:
        mine = {one: medians(turns) for one, turns in self.ours.turns.items()}
        found = [goal(f"{one}: p99, ms", mine[one]["p99_ms"], most=most) for one, most in MOST_P99_MS.items()]
        found += [
            goal(f"{one}: processor, ms", mine[one]["cpu_ms_all"], most=most) for one, most in MOST_CPU_MS.items()
        ]
        for rival, wanted in self.rivals:
            rates = self._compared(rival)
            found += [
                goal(f"{one}: times {rival.label}", rates[one]["rate"], least=least) for one, least in wanted.items()
            ]
        return found

    def _compared(self, rival: Side) -> dict[str, dict[str, Any]]:
        return {one: compared(self.ours.turns[one], turns) for one, turns in rival.turns.items()}

    def print(self, console: Console) -> None:
        for rival, _ in self.rivals:
            console.print("", self._speed(rival), "", self._processors(rival), sep="\n")
        rows = [[one, *(f"{cost[name]:.2f}" for name in COSTS)] for one, cost in self.costs.items()]
        console.print("", table("one request of Holdfast asks the stores for", ("operation", *COSTS.values()), rows))
        console.print("", goals_table(self.goals()), "", *self._notes(), sep="\n")

    def _speed(self, rival: Side) -> Table:
        title = f"Holdfast and {rival.label}, medians of {self.settings['rounds']} rounds"
        headings = [
            "operation",
            "a second",
            "p50 ms",
            "p99 ms",
            f"{rival.label}: a second",
            "p50 ms",
            "p99 ms",
            "ratio",
        ]
        found, rows = self._compared(rival), []
        for one, turns in self.ours.turns.items():
            theirs = [*_figures(medians(rival.turns[one])), f"{found[one]['rate']:.2f}"] if one in found else [""] * 4
            rows.append([one, *_figures(medians(turns)), *theirs])
        return table(title, headings, rows)

    def _processors(self, rival: Side) -> Table:
        names = (WORKERS, *STORES, "all")
        headings = ["operation", *names, RELAY, *(f"{rival.label}: {WORKERS}", *names[1:]), "ratio"]
        found, rows = self._compared(rival), []
        for one, turns in self.ours.turns.items():
            relay = f"{medians(turns)['cpu_ms'][RELAY]:.2f}"
            theirs = [*_spent(medians(rival.turns[one])), f"{found[one]['cpu']:.2f}"] if one in found else [""] * 5
            rows.append([one, *_spent(medians(turns)), relay, *theirs])
        return table("processor time for one request, ms", headings, rows)

    def _notes(self) -> Iterator[str]:
        bare = medians(self.bare.turns[BARE])
        yield f"The bare route: {' / '.join(_figures(bare))} (a second, p50, p99), {bare['cpu_ms'][WORKERS]:.2f} ms."
        client = [medians(turns)["cpu_ms"]["client"] for turns in self.ours.turns.values()]
        yield f"The load client: {min(client):.3f} to {max(client):.3f} ms of processor time for a request."
        for label, numbers in self.spread.items():
            yield f"Connections of each worker of {label}: {' + '.join(map(str, numbers))}."


@dataclass
class Growth:
    """Two sizes of one thing side by side. what: bookings, technicians, orgs or holds; sizes: how many of them."""

    what: str
    sizes: tuple[int, int]
    small: Side
    large: Side

    def factors(self) -> dict[str, dict[str, Any]]:
        found = {}
        for one, turns in self.large.turns.items():
            factor = compared(turns, self.small.turns[one])
            met = None if (self.what, one) in NO_GOAL_OF_GROWTH else factor["p50"] <= MOST_GROWTH
            found[one] = {"p50": factor["p50"], "cpu": factor["cpu"], "at_most": MOST_GROWTH, "met": met}
        return found

    def as_data(self) -> dict[str, Any]:
        sides = {
            side.label: {one: medians(turns) for one, turns in side.turns.items()} for side in (self.small, self.large)
        }
        return {"what": self.what, "sizes": self.sizes, "sides": sides, "factors": self.factors()}

    def print(self, console: Console) -> None:
        small, large = (f"{size:,}" for size in self.sizes)
        headings = ["operation", f"{small}: p50 ms", f"{large}: p50 ms", "times as long", f"goal <= {MOST_GROWTH}"]
        headings.append("times the processor")
        rows = []
        for one, found in self.factors().items():
            medium = [f"{medians(side.turns[one])['p50_ms']:.2f}" for side in (self.small, self.large)]
            rows.append([one, *medium, f"{found['p50']:.2f}", _word(found["met"]), f"{found['cpu']:.2f}"])
        console.print("", table(f"{small} against {large} {self.what}", headings, rows), sep="\n")


def _figures(found: dict[str, Any]) -> list[str]:
    return [f"{found['per_second']:,.0f}", f"{found['p50_ms']:.1f}", f"{found['p99_ms']:.0f}"]


def _spent(found: dict[str, Any]) -> list[str]:
    return [*(f"{found['cpu_ms'][name]:.2f}" for name in (WORKERS, *STORES)), f"{found['cpu_ms_all']:.2f}"]


def goals_table(goals: list[Goal]) -> Table:
    """Each goal, and whether it is met."""
    rows = []
    for each in goals:
        bound = f">= {each['at_least']}" if each["at_least"] is not None else f"<= {each['at_most']}"
        rows.append([each["goal"], f"{each['measured']:.2f}", bound, _word(each["met"])])
    return table("goals", ("", "measured", "goal", ""), rows)


def _word(met: bool | None) -> str:
    return "" if met is None else "[green]met[/]" if met else "[bold red]missed[/]"
