"""Rules about answers: repeats agree, one winner, live holds are respected, only the contract's statuses.

The name of a function is the name of its rule, and the first line of its docstring says what the rule means.
"""

from __future__ import annotations

from collections.abc import Iterator

from scripts.load.rules.bookings import MAKES_BOOKINGS
from scripts.load.rules.evidence import Break, Evidence, grouped
from scripts.load.rules.timeline import owners_refused, trespasses

ALLOWED = frozenset({0, 200, 201, 204, 409, 410, 412, 422, 429, 503})
"""The statuses that a valid request may get (docs/rules.md); 0 is an answer that never came."""
ALLOWED_WITHOUT_VERSION = frozenset({0, 428, 429, 503})  # the statuses that a PATCH without If-Match may get
ALSO = {"overreach": frozenset({400}), "swap": frozenset({400})}
"""Further statuses. A swap is a 400 if another one gave both visits one technician before."""
NAMED_BY = {"hold": "hold_id", "join": "waitlist_id"}
"""The field that names the result of such a request; for other requests it is the booking's id."""
CHANGEABLE = frozenset({"move", "read", "look"})
"""Requests that may get another answer later: a look at something, and a change of a version that is old by then."""


def repeats_agree(evidence: Evidence) -> Iterator[Break]:
    """Every answer to one request is the same."""
    final = [
        exchange for exchange in evidence.exchanges if not exchange.undecided and exchange.operation not in CHANGEABLE
    ]
    for logical, group in grouped(final, lambda exchange: exchange.logical).items():
        results = {one.reply.get(NAMED_BY.get(one.operation, "booking_id")) if one.ok else False for one in group}
        if len(results) > 1:
            yield f"{logical} was answered in {len(results)} ways", [*group]


def one_winner(evidence: Evidence) -> Iterator[Break]:
    """One contested slot ends in exactly one booking."""
    if not evidence.one_winner:
        return
    winners = {exchange.logical for exchange in evidence.of(*MAKES_BOOKINGS) if exchange.ok}
    active = evidence.active
    if len(winners) != 1 or len(active) != 1:
        yield f"{len(winners)} clients were answered 201, and {len(active)} bookings exist; it must be one", [*active]


def holds_protect(evidence: Evidence) -> Iterator[Break]:
    """Nothing is granted that another client held or had booked before."""
    for grant, blocker, (resource, tick) in trespasses(evidence):
        yield f"{grant.logical} was granted {resource} at tick {tick}, which was taken before", [grant, blocker]


def owners_are_served(evidence: Evidence) -> Iterator[Break]:
    """A live hold can be booked by its owner."""
    for refused, held in owners_refused(evidence):
        yield f"{refused.logical} was refused ({refused.code}) although its hold was live", [refused, held]


def offers_are_true(evidence: Evidence) -> Iterator[Break]:
    """Each slot that /availability calls free can be held."""
    for offer in evidence.offers_refused:
        yield f"a slot was offered as free and refused with {offer.get('code', offer.get('status'))}", [offer]


def answers_are_known(evidence: Evidence) -> Iterator[Break]:
    """Only statuses of the contract, never a 500."""
    for exchange in evidence.exchanges:
        without_version = exchange.operation == "move" and exchange.asked["version"] is None
        allowed = ALLOWED_WITHOUT_VERSION if without_version else ALLOWED | ALSO.get(exchange.operation, frozenset())
        if exchange.status not in allowed:
            yield f"{exchange.operation} {exchange.logical} was answered {exchange.status}", [exchange]


def answers_come(evidence: Evidence) -> Iterator[Break]:
    """Every request gets an answer, unless its client hung up."""
    for exchange in evidence.exchanges:
        if exchange.status == 0 and not exchange.dropped:
            seconds = exchange.milliseconds / 1000
            yield f"{exchange.logical} got no answer in {seconds:.0f} s, {exchange.attempts} attempts", [exchange]
