"""Rules about changes of bookings: each version is made by one request and is in the history once, whole.

A change carries the name of its request as its description, so the history in MongoDB names who made which version.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scripts.load.rules.evidence import BACKSTAGE, Break, Document, Evidence, at_version, changed, changed_by, grouped

CHANGES = ("move", "edit")
Change = tuple[Document, int, Document]
"""A booking, a version of it, and the entry of its history."""


def _changes(evidence: Evidence) -> list[Change]:
    """Each version that a PATCH made, by the histories."""
    return [
        (booking, version, entry)
        for booking in evidence.bookings
        for version, entry in enumerate(booking.get("history", []), 1)
        if entry["action"] in CHANGES and entry["by"] != BACKSTAGE
    ]


def histories_are_whole(evidence: Evidence) -> Iterator[Break]:
    """Every version of a booking is in its history, in order."""
    for booking in evidence.bookings:
        history = booking.get("history")
        if history is None:  # a service without histories
            continue
        name = booking["_id"]
        if len(history) != booking["version"]:
            yield f"{name} is version {booking['version']} with {len(history)} entries", [booking]
        if any(later["at"] < earlier["at"] for earlier, later in pairwise(history)):
            yield f"{name} has a history that goes back in time", [booking]
        values = dict(booking)
        for version, entry in reversed(list(enumerate(history, 1))):
            known = {field: change for field, change in entry["changes"].items() if field in values}
            if any(values[field] != change["to"] for field, change in known.items()):
                yield f"{name}: version {version} is not what the next one changed", [booking]
            values = changed(values, {field: change["from"] for field, change in known.items()})


def moves_are_recorded(evidence: Evidence) -> Iterator[Break]:
    """Every 200 to a PATCH is in the history exactly once, as it was answered."""
    made = grouped(_changes(evidence), lambda change: changed_by(change[2]))
    for move in evidence.of("move"):
        found = made[move.logical]
        if len(found) > 1:
            yield f"{move.logical} made {len(found)} versions", [move, *(booking for booking, _, _ in found)]
        elif move.ok and not found:
            yield f"{move.logical} was answered 200 and is in no history", [move]
        elif move.ok:
            booking, version, _ = found[0]
            same = (booking["_id"], version) == (move.reply["booking_id"], move.reply["version"])
            if not same or evidence.claims(at_version(booking, version)) != evidence.claims(move.reply):
                yield f"the answer to {move.logical} is not the version that it made", [move, booking]


def one_winner_a_version(evidence: Evidence) -> Iterator[Break]:
    """One version of a booking is changed by one request, which makes the next version."""
    granted = [move for move in evidence.of("move") if move.ok]
    for move in granted:
        if move.reply["version"] != (move.asked["version"] or 0) + 1:
            yield f"{move.logical} changed a version that it did not name", [move]
    for (name, version), moves in grouped(granted, lambda m: (m.asked["booking_id"], m.asked["version"])).items():
        winners = {move.logical: move for move in moves}
        if len(winners) > 1:
            yield f"{len(winners)} clients changed version {version} of {name}", [*winners.values()]


def refused_moves_change_nothing(evidence: Evidence) -> Iterator[Break]:
    """Each version was asked for, in those words, and not refused."""
    answers = grouped(evidence.of("move"), lambda move: move.logical)
    for booking, version, entry in _changes(evidence):
        name = changed_by(entry)
        asked = answers[name]
        if not asked:
            yield f"no request asked for version {version} of {booking['_id']}", [booking]
            continue
        if not any(move.ok or move.unknown for move in asked):
            yield f"{name} was refused and made version {version}", [asked[-1], booking]
        made = at_version(booking, version)
        if evidence.claims(changed(made, asked[0].asked["visit"])) != evidence.claims(made):
            yield f"{name} made something else than it asked for", [asked[0], booking]


def stale_is_stale(evidence: Evidence) -> Iterator[Break]:
    """412 answers only a request that names an old version."""
    versions = {booking["_id"]: booking["version"] for booking in evidence.bookings}
    for move in evidence.of("move"):
        if move.status == 412 and versions.get(move.asked["booking_id"], 0) <= (move.asked["version"] or 0):
            yield f"{move.logical} named the newest version and got 412", [move]


def repeated_moves_agree(evidence: Evidence) -> Iterator[Break]:
    """A repeated PATCH answers the version that it made, or 412 after another change."""
    # That a PATCH was made its first answer says; or the history does, where that answer was lost.
    made = {changed_by(change[2]): change for change in _changes(evidence)}
    final = [move for move in evidence.of("move") if not move.undecided]
    for logical, group in grouped(final, lambda move: move.logical).items():
        if len({move.reply["version"] for move in group if move.ok}) > 1:
            yield f"{logical} was answered with several versions", [*group]
        if logical not in made:
            continue
        booking, version, entry = made[logical]
        known = min([evidence.moment(entry["at"]), *(move.received for move in group if move.ok)])
        for move in group:
            may_be_old = move.status == 412 and booking["version"] > version
            if move.sent > known and not move.ok and not may_be_old:
                yield f"{logical} was made, and its repeat was refused", [move, booking]
