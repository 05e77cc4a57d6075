"""Rules about what clients were told: repeats agree, one winner, live holds respected, only the contract's statuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from scripts.load.client.steps import Exchange
from scripts.load.rules.bookings import made_bookings
from scripts.load.rules.evidence import Break, Evidence, told
from scripts.load.rules.timeline import owners_refused, trespasses

ALLOWED = frozenset({0, 200, 201, 204, 409, 410, 412, 422, 429, 503})
"""The statuses that a valid request may meet (docs/rules.md); 0 is an answer that never came."""

ALLOWED_WITHOUT_VERSION = frozenset({0, 428, 429, 503})
"""The same for a PATCH without If-Match."""

NAMED_BY = {"hold": "hold_id", "join": "waitlist_id"}
"""What tells the results of such requests apart; of the others, the booking."""
CHANGEABLE = frozenset({"move", "read", "look"})
"""What may be answered in another way later: a look at something, and a change of a version that is old by then."""


def disagreeing_repeats(evidence: Evidence) -> Iterable[Break]:
    """All answers to one request agree: the same hold or booking each time, or a refusal each time."""
    answers: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in evidence.exchanges:
        open_ended = exchange.unknown or exchange.code == "request_in_progress"
        if not open_ended and exchange.operation not in CHANGEABLE:
            answers[exchange.logical].append(exchange)
    for logical, group in answers.items():
        results = {(one.ok, one.reply.get(NAMED_BY.get(one.operation, "booking_id"))) for one in group}
        if len({result if result[0] else (False, None) for result in results}) > 1:
            yield f"{logical} was answered in {len(results)} ways", [told(one) for one in group]


def winners(evidence: Evidence) -> Iterable[Break]:
    """In the scenarios with one contested slot there is exactly one booking, and one client has been told so."""
    if not evidence.one_winner:
        return
    told = {exchange.logical for exchange in made_bookings(evidence)}
    active = [booking for booking in evidence.bookings if booking["active"]]
    if len(told) != 1 or len(active) != 1:
        yield f"{len(told)} clients were told that they won, and {len(active)} bookings exist; it must be one", active


def trespassing(evidence: Evidence) -> Iterable[Break]:
    """A hold or booking was granted on what somebody else held or had booked before."""
    for grant, blocker, claim in trespasses(evidence):
        yield (
            f"{grant.logical} was granted {claim[0]} at tick {claim[1]}, which was taken before",
            [told(grant), told(blocker)],
        )


def dispossessed(evidence: Evidence) -> Iterable[Break]:
    """An owner was refused the booking of its own live hold."""
    for refused, held in owners_refused(evidence):
        yield (
            f"{refused.logical} was refused ({refused.code}) although its hold was live",
            [told(refused), told(held)],
        )


def strange_statuses(evidence: Evidence) -> Iterable[Break]:
    """Only the statuses that the contract names for such requests; never a 500, never something that is not HTTP."""
    for exchange in evidence.exchanges:
        forgetful = exchange.operation == "move" and exchange.asked["version"] is None
        if exchange.status not in (ALLOWED_WITHOUT_VERSION if forgetful else ALLOWED):
            yield f"{exchange.operation} {exchange.logical} answered {exchange.status}", [told(exchange)]


def hangs(evidence: Evidence) -> Iterable[Break]:
    """Every request is answered, unless its client hung up."""
    for exchange in evidence.exchanges:
        if exchange.status == 0 and not exchange.dropped:
            seconds = exchange.milliseconds / 1000
            yield f"{exchange.logical} got no answer in {seconds:.0f} s, {exchange.attempts} attempts", [told(exchange)]


def refused_offers(evidence: Evidence) -> Iterable[Break]:
    """Every slot that /availability offers as free can be held at that moment."""
    for offer in evidence.offers_refused:
        yield f"a slot was offered as free and refused with {offer.get('code', offer.get('status'))}", [offer]
