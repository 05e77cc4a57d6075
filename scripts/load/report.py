"""What people read of a stress run: tables, verdict, offending documents; and the same as plain data for --json."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.load.client.barrier import Outcome
from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import grouped
from scripts.load.rules.verdict import RULES, Finding, meaning_of
from scripts.load.scenarios.stage import Scenario

CLIENTS = {"web": "web checkout", "desk": "receptionist", "sms": "SMS bot"}
GRANTED = {
    "move": "moved",
    "swap": "swapped",
    "reserve": "reserved",
    "confirm": "confirmed",
    "join": "waiting",
    "wish": "waiting",
}
"""The word for such a request that was granted, which is an attempt of its own."""
SLOT = {"book": "booked", "direct": "booked", "hold": "held, not booked"}
"""The same for requests that together are one attempt at a slot. Other requests are no attempts."""

SHARES = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "max": 1.0}
SHOWN = 5  # how many breaks of a rule, and how many documents of a break, are printed
BUCKETS, BAR = 16, 48


@dataclass
class Run:
    """One scenario, played and judged. brought_near: how many deadlines the run moved."""

    scenario: Scenario
    requests: int
    outcome: Outcome
    findings: dict[str, list[Finding]]
    brought_near: int = 0

    @property
    def ok(self) -> bool:
        return not any(self.findings.values())


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least this share does not exceed; NaN of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def latencies(exchanges: list[Exchange]) -> dict[str, dict[str, float]]:
    """Milliseconds from sending to the whole reply, by operation and for all; unanswered requests are left out."""
    answered = [exchange for exchange in exchanges if exchange.status]
    by_operation = {**grouped(answered, lambda exchange: exchange.operation), "all": answered}
    times = {name: [exchange.milliseconds for exchange in group] for name, group in by_operation.items()}
    return {
        name: {"count": len(own), **{word: percentile(own, share) for word, share in SHARES.items()}}
        for name, own in times.items()
    }


def results(exchanges: list[Exchange]) -> Counter[tuple[str, str]]:
    """How each attempt at a slot ended: (word, client) -> how many. Winners are `booked`; a refusal is its code."""
    last: dict[str, Exchange] = {}
    for exchange in exchanges:
        if exchange.operation in SLOT or exchange.operation in GRANTED:
            alone = exchange.operation in GRANTED or ":rebook" in exchange.logical
            attempt = exchange.logical if alone else exchange.tag
            if not (exchange.unknown and attempt in last):
                last[attempt] = exchange
    words = {**SLOT, **GRANTED}
    return Counter(
        (words[each.operation] if each.ok else "unknown" if each.unknown else each.code, each.client)
        for each in last.values()
    )


def terminal(*, stderr: bool) -> Console:
    """Where results are printed: as wide as the terminal, and wide enough for the tables where there is none."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=120)


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> Table:
    """A table of figures; the first columns (`words` of them) are words."""
    made = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="left" if number < words else "right")
    for row in rows:
        made.add_row(*row)
    return made


def _attempts(run: Run) -> Table:
    counts = results(run.outcome.exchanges)
    words = {word for word, _ in counts}
    first = ["booked", "held, not booked", *(word for word in dict.fromkeys(GRANTED.values()) if word in words)]
    rows = []
    for word in [*first, *sorted(words - {*first, "unknown"}), "unknown"]:
        row = [counts[word, client] for client in CLIENTS]
        style = {"booked": "[green]", "unknown": "[yellow]"}.get(word, "")
        rows.append([f"{style}{text}" for text in (word, *(str(count or "·") for count in row), str(sum(row)))])
    return table(f"{run.scenario.name}: {run.scenario.about}", ("how it ended", *CLIENTS.values(), "all"), rows)


def _latencies(run: Run) -> Table:
    found = latencies(run.outcome.exchanges)
    rows = [[name, str(one["count"]), *(f"{one[word]:.1f}" for word in SHARES)] for name, one in found.items()]
    return table("milliseconds to the reply", ("operation", "answers", *SHARES), rows)


def _verdict(run: Run) -> Table:
    rows = []
    for rule, findings in run.findings.items():
        row = ("✗" if findings else "✓", rule, meaning_of(RULES[rule]))
        more = f": broken {len(findings)} times" if findings else ""
        rows.append([f"[bold red]{text}" for text in (*row[:2], row[2] + more)] if findings else row)
    return table("verdict", ("", "rule", "meaning"), rows, words=3)


def print_run(console: Console, run: Run) -> None:
    """The summary of one scenario, and what broke the rules."""
    console.print("", _attempts(run), _latencies(run), _verdict(run), sep="\n")
    console.print(
        f"{len(run.outcome.exchanges)} requests in {run.outcome.seconds:.2f} s; "
        f"{run.outcome.open_before} connections were open before the release."
    )
    for rule, findings in run.findings.items():
        for finding in findings[:SHOWN]:
            console.print(f"\n[bold red]{rule}[/]: {finding.sentence}")
            for document in finding.documents[:SHOWN]:
                console.print(json.dumps(document, default=str), markup=False, soft_wrap=True)
        if len(findings) > SHOWN:
            console.print(f"… and {len(findings) - SHOWN} more of `{rule}`")


def histogram(values: Sequence[float]) -> list[tuple[float, float, int]]:
    """Buckets (from, to, count) of equal ratio from the smallest value to the largest; the last includes its end."""
    if not values:
        return []
    low, high = max(min(values), 0.01), max(*values, 0.02)
    ratio = max(1.0001, (high / low) ** (1 / BUCKETS))
    counts = Counter(min(int(math.log(max(value, low) / low, ratio)), BUCKETS - 1) for value in values)
    return [(low * ratio**at, low * ratio ** (at + 1), counts[at]) for at in range(BUCKETS)]


def print_histogram(console: Console, run: Run) -> None:
    """How the latencies of a run are spread, as bars of text."""
    buckets = histogram([exchange.milliseconds for exchange in run.outcome.exchanges if exchange.status])
    most = max((count for _, _, count in buckets), default=1)
    console.print(f"\n{run.scenario.name}, milliseconds")
    for low, high, count in buckets:
        bar = "█" * round(BAR * count / most) or ("▏" if count else "")
        console.print(f"{low:9.1f} .. {high:9.1f} {count:7d} {bar}")


def as_data(run: Run) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for (word, _), count in results(run.outcome.exchanges).items():
        counts[word] += count
    granted = {word: counts[word] for word in GRANTED.values() if word in counts}
    refusals = {word: counts[word] for word in sorted(counts.keys() - {*granted, "booked", "unknown"})}
    shown = [asdict(finding) for findings in run.findings.values() for finding in findings[:SHOWN]]
    return {
        "scenario": run.scenario.name,
        "requests": run.requests,
        "ok": run.ok,
        "winners": counts["booked"],
        "granted": granted,
        "refusals": refusals,
        "unknown": counts["unknown"],
        "brought_near": run.brought_near,
        "open_before_release": run.outcome.open_before,
        "seconds": round(run.outcome.seconds, 3),
        "exchanges": len(run.outcome.exchanges),
        "latency_ms": latencies(run.outcome.exchanges),
        "rules": {rule: len(findings) for rule, findings in run.findings.items()},
        "findings": json.loads(json.dumps(shown, default=str)),
    }
