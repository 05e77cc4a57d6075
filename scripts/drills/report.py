"""What came of a case: its row of the table, and each way in which it broke a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rich.table import Table

from scripts.drills.cases import Case
from scripts.drills.customers import Crowd
from scripts.load.client.steps import Exchange
from scripts.load.report import table
from scripts.load.rules.bookings import MAKES_BOOKINGS
from scripts.load.rules.evidence import Evidence
from scripts.load.rules.verdict import Finding, judge

COLUMNS = (
    "case",
    "acknowledged",
    "lost",
    "doubled",
    "worst answer",
    "outage",
    "of one server",
    "mirror right",
    "holds fallen",
    "",
)
LOST, DOUBLED = "acknowledged is kept", ("one booking per claim", "one visit at a time")
HOLDS = ("holds protect", "owners are served")
"""Rules about holds, which a Redis that loses them or that one server does not reach may break (docs/protocol.md)."""
SHOWN = 5


@dataclass
class Row:
    """The figures of one case. Seconds: worst, outage, outage_of_one, mirror (None: it never became right).

    fallen: how often a live hold was not honoured. breaks: a sentence for each broken rule.
    """

    case: Case
    acknowledged: int
    lost: int
    doubled: int
    worst: float
    outage: float
    outage_of_one: float
    mirror: float | None
    fallen: int = 0
    breaks: list[str] = field(default_factory=list)


def longest_gap(moments: Sequence[float], began: float, ended: float) -> float:
    """The longest time between two neighbours of these moments, and of the beginning and the end."""
    inside = sorted(each for each in moments if began < each < ended)
    return max(later - sooner for sooner, later in pairwise([began, *inside, ended]))


def acknowledged(exchanges: list[Exchange]) -> list[Exchange]:
    """The first answer that acknowledges each booking."""
    made = [each for each in exchanges if each.ok and each.operation in MAKES_BOOKINGS]
    return list({str(each.reply.get("booking_id")): each for each in reversed(made)}.values())


def row_of(case: Case, crowd: Crowd, evidence: Evidence, mirror: float | None) -> Row:
    """Judges a case."""
    findings = judge(evidence)
    gaps = [
        longest_gap([each.received for each in acknowledged(seen)], crowd.began, crowd.ended)
        for seen in (crowd.exchanges, *crowd.seen)
    ]
    row = Row(
        case,
        acknowledged=len(acknowledged(crowd.exchanges)),
        lost=len(findings[LOST]),
        doubled=len({_ids(finding) for rule in DOUBLED for finding in findings[rule]}),
        worst=max((_seconds(each) for each in crowd.exchanges), default=0.0),
        outage=gaps[0],
        outage_of_one=max(gaps[1:]),
        mirror=mirror,
        fallen=sum(len(findings[rule]) for rule in HOLDS),
    )
    for rule, broken in findings.items():
        if case.holds or rule not in HOLDS:
            row.breaks += [f"{rule}: {finding.sentence}" for finding in broken]
    row.breaks += [
        f"{each.operation} was answered {each.code} after {_seconds(each):.1f} s, and {case.answers:g} s is the most"
        for each in crowd.exchanges
        if _seconds(each) > case.answers
    ]
    row.breaks += _limits(row)
    return row


def _seconds(exchange: Exchange) -> float:
    return exchange.milliseconds / 1000


def _ids(finding: Finding) -> frozenset[str]:
    """The bookings of a finding: two that share a property and a technician are found twice."""
    return frozenset(str(document["_id"]) for document in finding.documents)


def _limits(row: Row) -> list[str]:
    """The limits of time that a case went over."""
    case = row.case
    measured = {
        "no server acknowledged a booking for": (row.outage, case.outage),
        "one server acknowledged no booking for": (row.outage_of_one, case.outage_of_one),
    }
    broken = [
        f"{what} {is_so:.1f} s, and {most:g} s is the most" for what, (is_so, most) in measured.items() if is_so > most
    ]
    broken += [] if row.acknowledged else ["no booking was acknowledged at all"]
    return broken + (["Redis never showed what MongoDB has"] if row.mirror is None else [])


def table_of(rows: Sequence[Row], title: str) -> Table:
    """The table of all cases that were played. Times are seconds."""
    return table(title, COLUMNS, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    mirror = "never" if row.mirror is None else f"{row.mirror:.1f}"
    times = [f"{seconds:.1f}" for seconds in (row.worst, row.outage, row.outage_of_one)]
    counts = [str(each) for each in (row.acknowledged, row.lost, row.doubled)]
    return [row.case.name, *counts, *times, mirror, str(row.fallen), "✗" if row.breaks else "✓"]


def sentences(row: Row) -> list[str]:
    """What broke, the first of each case."""
    more = len(row.breaks) - SHOWN
    return [f"{row.case.name}: {each}" for each in row.breaks[:SHOWN]] + (
        [f"{row.case.name}: … and {more} more"] if more > 0 else []
    )
