"""The rules of docs/rules.md, by name, and the verdict over them: what breaks each, and what shows it.

Nothing is taken from the service: claims are worked out anew from times, and both stores are read directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scripts.load.rules import answers as rules_answers
from scripts.load.rules import bookings as rules_bookings
from scripts.load.rules import mirror as rules_mirror
from scripts.load.rules import moves as rules_moves
from scripts.load.rules import reservations as rules_reservations
from scripts.load.rules import waitlist as rules_waitlist
from scripts.load.rules.evidence import Break, Document, Evidence, redacted

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
    "histories are whole": ("every version of a booking is in its history, in order", rules_moves.broken_histories),
    "moves are recorded": ("every 200 to a PATCH is in the history exactly once", rules_moves.unrecorded_moves),
    "one winner a version": ("one version of a booking is changed by one request", rules_moves.shared_versions),
    "refused moves change nothing": ("no version was asked for by nobody, or refused", rules_moves.refused_changes),
    "stale is stale": ("412 answers only who names an old version", rules_moves.moves_refused_as_stale),
    "repeated moves agree": ("a repeated PATCH tells the version that it made", rules_moves.disagreeing_moves),
    "one heir": ("the slot of a reservation is one's after its deadline", rules_reservations.heirs),
    "deadlines come": ("what was not confirmed in time is expired a minute later", rules_reservations.overdue),
    "expiry is told": ("nothing expires before its deadline or without an entry", rules_reservations.untimely_ends),
    "confirmed in time": ("only who asks before the deadline confirms", rules_reservations.late_confirmations),
    "free at the deadline": ("nobody is refused what nobody has by then", rules_reservations.refused_for_nothing),
    "deadlines were moved": ("the run brought the deadlines near", rules_reservations.unmoved_deadlines),
    "one offer at a time": ("no slot is offered to two on the waitlist", rules_waitlist.two_offers),
    "offers are free": ("nobody is offered what another has", rules_waitlist.offers_of_taken_slots),
    "first come, first served": ("nobody is served before who joined first", rules_waitlist.queue_jumpers),
    "offers are told": ("one event for each offer", rules_waitlist.untold_offers),
    "nobody is passed over": ("no slot stays free that somebody waits for", rules_waitlist.passed_over),
    "places tell the truth": ("each place in line is what its owner was told", rules_waitlist.untrue_entries),
    "mirror is true": ("Redis marks as booked what MongoDB has booked", rules_mirror.mirror_differences),
    "offers are true": ("what /availability offers can be held", rules_answers.refused_offers),
    "answers are known": ("only statuses of the contract, never a 500", rules_answers.strange_statuses),
    "answers come": ("no request is left without an answer", rules_answers.hangs),
}


CONCERNS = {rules_moves.__name__: "move", rules_reservations.__name__: "reserve", rules_waitlist.__name__: "join"}
"""Without such a request the rules of a module have nothing to look at, and say nothing."""


def judge(evidence: Evidence) -> dict[str, list[Finding]]:
    """Every rule that concerns the run, with what breaks it; an empty list where it holds."""
    seen = {exchange.operation for exchange in evidence.exchanges}
    return {
        rule: [Finding(rule, sentence, tuple(map(redacted, documents))) for sentence, documents in check(evidence)]
        for rule, (_, check) in RULES.items()
        if CONCERNS.get(check.__module__) in seen | {None}
    }
