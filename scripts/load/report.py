"""What people read of a stress run: tables, verdict, offending documents; and the same as plain data for --json."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.load.client.barrier import Outcome
from scripts.load.client.measure import Latency
from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import Document
from scripts.load.rules.verdict import RULES, SHOWN, Finding

CLIENTS = {"web": "web checkout", "desk": "receptionist", "sms": "SMS bot"}


@dataclass
class Run:
    """One scenario, played and judged."""

    scenario: str
    about: str
    requests: int
    run: str
    outcome: Outcome
    findings: dict[str, list[Finding]]

    @property
    def ok(self) -> bool:
        return not any(self.findings.values())


SUCCESS = {
    "book": "booked", "direct": "booked", "hold": "held, not booked", "move": "moved", "reserve": "reserved",
    "confirm": "confirmed", "join": "in line",
}  # fmt: skip
"""What is said of an attempt that was granted; other operations are no attempts at a slot."""


ONLY_GRANTS = frozenset({"moved", "reserved", "confirmed", "in line"})


def _word(exchange: Exchange) -> str:
    if exchange.ok:
        return SUCCESS[exchange.operation]
    return "unknown" if exchange.unknown else exchange.code


def results(exchanges: list[Exchange]) -> Counter[tuple[str, str]]:
    """How each attempt at a slot ended: (word, client) -> how many. Winners are `booked`; a refusal is its code."""
    last: dict[str, Exchange] = {}
    for exchange in exchanges:
        tag, _, name = exchange.logical.partition(":")
        if exchange.operation in SUCCESS:
            one_of_many = name.startswith("rebook") or exchange.operation not in ("hold", "book", "direct")
            attempt = f"{tag}:{name}" if one_of_many else tag
            if not (exchange.unknown and attempt in last):
                last[attempt] = exchange
    return Counter((_word(exchange), exchange.client) for exchange in last.values())


def _shown(document: Document) -> Document:
    """The document as it is printed: its claims as spans, since a list of ticks hides everything else."""
    spans: dict[str, list[int]] = defaultdict(list)
    for claim in document.get("claims", ()):
        spans[claim["resource"]].append(claim["tick"])
    claims = [f"{resource} {min(ticks)}..{max(ticks)} ({len(ticks)})" for resource, ticks in spans.items()]
    return {**document, "claims": claims} if "claims" in document else document


def terminal(*, stderr: bool) -> Console:
    """Where results are printed: as wide as the terminal, and wide enough for the tables where there is none."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=120)


def _attempts_table(run: Run) -> Table:
    counts = results(run.outcome.exchanges)
    table = Table(title=f"{run.scenario}: {run.about}", title_justify="left")
    table.add_column("how it ended")
    for client in CLIENTS.values():
        table.add_column(client, justify="right")
    table.add_column("all", justify="right")
    words = {word for word, _ in counts}
    usual = {"booked", "held, not booked", "unknown"}
    granted = [word for word in dict.fromkeys(SUCCESS.values()) if word in words - usual]
    order = ["booked", "held, not booked", *granted, *sorted(words - usual - set(granted)), "unknown"]
    for word in order:
        row = [counts[word, client] for client in CLIENTS]
        style = {"booked": "green", "unknown": "yellow"}.get(word, "")
        table.add_row(word, *(str(count or "·") for count in row), str(sum(row)), style=style)
    return table


def latencies(exchanges: list[Exchange]) -> dict[str, Latency]:
    """Milliseconds from sending to the whole reply, by operation and for all; unanswered requests are left out."""
    by_operation: dict[str, list[float]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.status:
            by_operation[exchange.operation].append(exchange.milliseconds)
            by_operation["all"].append(exchange.milliseconds)
    return {
        operation: Latency.of(values)
        for operation, values in sorted(by_operation.items(), key=lambda item: item[0] == "all")
    }


def _latency_table(run: Run) -> Table:
    table = Table(title="milliseconds to the reply", title_justify="left")
    for heading in ("operation", "answers", "p50", "p90", "p99", "max"):
        table.add_column(heading, justify="left" if heading == "operation" else "right")
    for operation, latency in latencies(run.outcome.exchanges).items():
        times = [f"{value:.1f}" for value in (latency.p50, latency.p90, latency.p99, latency.max)]
        table.add_row(operation, str(latency.count), *times)
    return table


def _verdict_table(run: Run) -> Table:
    table = Table(title="verdict", title_justify="left")
    for heading in ("", "rule", "meaning"):
        table.add_column(heading)
    for rule, findings in run.findings.items():
        if findings:
            table.add_row("✗", rule, f"{RULES[rule][0]}: broken {len(findings)} times", style="bold red")
        else:
            table.add_row("✓", rule, RULES[rule][0])
    return table


def print_run(console: Console, run: Run) -> None:
    """The summary of one scenario, and what broke the rules."""
    console.print()
    console.print(_attempts_table(run))
    console.print(_latency_table(run))
    console.print(_verdict_table(run))
    outcome = run.outcome
    console.print(
        f"{len(outcome.exchanges)} requests in {outcome.seconds:.2f} s; "
        f"{outcome.open_before} connections were open before the release.",
        highlight=False,
    )
    for rule, findings in run.findings.items():
        for finding in findings[:SHOWN]:
            console.print(f"\n[bold red]{rule}[/]: {finding.sentence}", highlight=False)
            for document in finding.documents[:SHOWN]:
                console.print(json.dumps(_shown(document), default=str), markup=False, highlight=False, soft_wrap=True)
        if len(findings) > SHOWN:
            console.print(f"… and {len(findings) - SHOWN} more of `{rule}`", highlight=False)


def as_data(run: Run) -> dict[str, Any]:
    """The run as plain data for --json."""
    counts: Counter[str] = Counter()
    for (word, _), count in results(run.outcome.exchanges).items():
        counts[word] += count
    winners, unknown = counts.pop("booked", 0), counts.pop("unknown", 0)
    granted = {
        word: counts.pop(word) for word in dict.fromkeys(SUCCESS.values()) if word in ONLY_GRANTS & counts.keys()
    }
    return {
        "scenario": run.scenario,
        "requests": run.requests,
        "run": run.run,
        "ok": run.ok,
        "winners": winners,
        "granted": granted,
        "refusals": dict(sorted(counts.items())),
        "unknown": unknown,
        "open_before_release": run.outcome.open_before,
        "seconds": round(run.outcome.seconds, 3),
        "exchanges": len(run.outcome.exchanges),
        "latency_ms": {name: asdict(latency) for name, latency in latencies(run.outcome.exchanges).items()},
        "rules": {rule: len(findings) for rule, findings in run.findings.items()},
        "findings": [
            {
                "rule": finding.rule,
                "sentence": finding.sentence,
                "documents": json.loads(json.dumps(finding.documents, default=str)),
            }
            for findings in run.findings.values()
            for finding in findings[:SHOWN]
        ],
    }
