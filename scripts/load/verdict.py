"""The rules of docs/rules.md, by name, and the verdict over them: what breaks each, and what shows it.

Nothing is taken from the service: claims are worked out anew from times, and both stores are read directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scripts.load import rules_answers, rules_bookings, rules_mirror
from scripts.load.evidence import Break, Document, Evidence, redacted

SHOWN = 5
"""How many offending documents of a rule are printed."""


@dataclass(frozen=True)
class Finding:
    """One break of one rule. documents: what shows it, without personal data."""

    rule: str
    sentence: str
    documents: tuple[Document, ...]


RULES: dict[str, tuple[str, Callable[[Evidence], Iterable[Break]]]] = {
    "one booking per claim": ("no (resource, tick) in two active bookings", rules_bookings.double_claims),
    "one visit at a time": ("no two active visits overlap in time, travel included", rules_bookings.overlapping_times),
    "claims complete": (
        "property and technician claims are all there, and no others",
        rules_bookings.incomplete_claims,
    ),
    "acknowledged is kept": ("every booking answered with 2xx is in MongoDB", rules_bookings.lost_bookings),
    "nothing unasked": ("no booking that nobody asked for or that was refused", rules_bookings.unasked_bookings),
    "one request, one booking": ("no request made two", rules_bookings.repeated_bookings),
    "repeats agree": ("every answer to one request is the same", rules_answers.disagreeing_repeats),
    "one winner": ("one contested slot ends in exactly one booking", rules_answers.winners),
    "holds protect": ("nothing was granted that was held or booked before", rules_answers.trespassing),
    "owners are served": ("a live hold can be booked by its owner", rules_answers.dispossessed),
    "mirror is true": ("Redis marks as booked what MongoDB has booked", rules_mirror.mirror_differences),
    "offers are true": ("what /availability offers can be held", rules_answers.refused_offers),
    "answers are known": ("only statuses of the contract, never a 500", rules_answers.strange_statuses),
    "answers come": ("no request is left without an answer", rules_answers.hangs),
}


def judge(evidence: Evidence) -> dict[str, list[Finding]]:
    """Every rule, with what breaks it; an empty list where it holds."""
    return {
        rule: [Finding(rule, sentence, tuple(map(redacted, documents))) for sentence, documents in check(evidence)]
        for rule, (_, check) in RULES.items()
    }
