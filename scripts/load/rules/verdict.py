"""The rules of docs/rules.md by name, and the verdict: what breaks each, and the documents that show it.

Nothing is taken from the service: claims are worked out anew from times, and both stores are read directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.load.rules import answers, bookings, mirror, moves, reservations, waitlist
from scripts.load.rules.evidence import Break, Document, Evidence
from scripts.load.rules.shown import shown

Rule = Callable[[Evidence], Iterator[Break]]

GROUPS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("", bookings.RULES),
    ("", answers.RULES),
    ("move", moves.RULES),
    ("reserve", reservations.RULES),
    ("join", waitlist.RULES),
    ("", mirror.RULES),
)
"""All rules, with the request that they are about: a run without such a request is not judged by them."""

BACKGROUND = (
    mirror.mirror_is_true,
    reservations.deadlines_come,
    waitlist.no_entry_is_passed_over,
    waitlist.entries_tell_the_truth,
    waitlist.offers_run_out,
)
"""Rules that the server may take a moment to fulfil, since it works for them in the background."""


@dataclass(frozen=True)
class Finding:
    """One break of one rule. documents: what shows it, without personal data."""

    rule: str
    sentence: str
    documents: tuple[Document, ...]


def name_of(rule: Rule) -> str:
    """The rule's name as it is printed: `one_winner` is "one winner", and two underscores are a comma."""
    return rule.__name__.replace("__", ", ").replace("_", " ")


def meaning_of(rule: Rule) -> str:
    """What the rule demands: the first sentence of its docstring, without its full stop."""
    return (rule.__doc__ or "").partition("\n")[0].rstrip(".")


RULES: dict[str, Rule] = {name_of(rule): rule for _, rules in GROUPS for rule in rules}


def judge(evidence: Evidence) -> dict[str, list[Finding]]:
    """Every rule that concerns the run, with what breaks it; an empty list where it holds."""
    seen = {"", *(exchange.operation for exchange in evidence.exchanges)}
    return {
        name_of(rule): [
            Finding(name_of(rule), sentence, tuple(map(shown, things))) for sentence, things in rule(evidence)
        ]
        for concern, rules in GROUPS
        if concern in seen
        for rule in rules
    }


def unsettled(evidence: Evidence) -> bool:
    """Whether the server's background work is not done yet."""
    return any(True for rule in BACKGROUND for _ in rule(evidence))
