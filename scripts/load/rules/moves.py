"""Rules about changes of bookings: each version is one request's, told once in the history, and whole.

A change carries the name of its request as its description, so the history in MongoDB says who made which version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from scripts.load.client.steps import Exchange
from scripts.load.rules.evidence import BACKSTAGE, Break, Document, Evidence, at_version, claims_of, told

CHANGES = ("move", "edit")


def _moves(evidence: Evidence) -> list[Exchange]:
    return [exchange for exchange in evidence.exchanges if exchange.operation == "move"]


def _shown(booking: Document) -> Document:
    """A booking with the story of its versions, without what belongs to its customer."""
    private = ("description", "customer")
    story = [
        {
            "version": number,
            "by": entry["by"],
            "action": entry["action"],
            "request": _maker(entry),
            "changes": {name: value for name, value in entry["changes"].items() if name not in private},
        }
        for number, entry in enumerate(booking.get("history", []), 1)
    ]
    return {**booking, "story": story}


def _maker(entry: dict[str, Any]) -> str:
    """The request that made a version; '' where it was no change of ours."""
    description = entry["changes"].get("description", {}).get("to") or ""
    return str(description).partition("/")[2]


def _changes(evidence: Evidence) -> Iterator[tuple[Document, int, dict[str, Any]]]:
    """Each (booking, version, entry) that a PATCH made, by the histories."""
    for booking in evidence.bookings:
        for number, entry in enumerate(booking.get("history", []), 1):
            if entry["action"] in CHANGES and entry["by"] != BACKSTAGE:
                yield booking, number, entry


def broken_histories(evidence: Evidence) -> Iterable[Break]:
    """Every version has its entry, in order of time, and each goes on from what the one before it left."""
    for booking in evidence.bookings:
        history = booking.get("history")
        if history is None:  # a service without histories
            continue
        if len(history) != booking["version"]:
            yield f"{booking['_id']} is version {booking['version']} with {len(history)} entries", [_shown(booking)]
        if any(later["at"] < earlier["at"] for earlier, later in pairwise(history)):
            yield f"{booking['_id']} has a history that goes back in time", [_shown(booking)]
        values = dict(booking)
        for number, entry in reversed(list(enumerate(history, 1))):
            known = {name: change for name, change in entry["changes"].items() if name in values}
            if any(values[name] != change["to"] for name, change in known.items()):
                yield f"{booking['_id']}: version {number} is not what the next one changed", [_shown(booking)]
            values |= {name: change["from"] for name, change in known.items()}


def unrecorded_moves(evidence: Evidence) -> Iterable[Break]:
    """Every 200 to a PATCH is in its booking's history exactly once, as the version and the place that it told."""
    entries: dict[str, list[tuple[Document, int]]] = defaultdict(list)
    for booking, version, entry in _changes(evidence):
        entries[_maker(entry)].append((booking, version))
    for move in _moves(evidence):
        found = entries[move.logical]
        if len(found) > 1:
            yield f"{move.logical} made {len(found)} versions", [told(move), *(_shown(each) for each, _ in found)]
        elif move.ok and not found:
            yield f"{move.logical} was answered 200 and is in no history", [told(move)]
        elif move.ok:
            booking, version = found[0]
            here = claims_of(at_version(booking, version), evidence.grid_seconds)
            same = (booking["_id"], version) == (move.reply["booking_id"], move.reply["version"])
            if not same or here != claims_of(move.reply, evidence.grid_seconds):
                yield f"{move.logical} was told another version or place than it made", [told(move), _shown(booking)]


def shared_versions(evidence: Evidence) -> Iterable[Break]:
    """Of all who change one version of a booking exactly one does, and makes the next one."""
    winners: dict[tuple[str, Any], dict[str, Exchange]] = defaultdict(dict)
    for move in _moves(evidence):
        if move.ok:
            winners[move.asked["booking_id"], move.asked["version"]][move.logical] = move
            if move.reply["version"] != (move.asked["version"] or 0) + 1:
                yield f"{move.logical} changed a version that it did not name", [told(move)]
    for (booking_id, version), group in winners.items():
        if len(group) > 1:
            told_so = [told(move) for move in group.values()]
            yield f"{len(group)} clients changed version {version} of {booking_id}", told_so


def refused_changes(evidence: Evidence) -> Iterable[Break]:
    """A refused PATCH changed nothing: what a history tells somebody asked for, in those words, and was not refused."""
    answers: dict[str, list[Exchange]] = defaultdict(list)
    for move in _moves(evidence):
        answers[move.logical].append(move)
    for booking, version, entry in _changes(evidence):
        name = _maker(entry)
        asked = answers.get(name)
        if not asked:
            yield f"version {version} of {booking['_id']} was asked for by nobody", [_shown(booking)]
            continue
        if not any(move.ok or move.unknown for move in asked):
            yield f"{name} was refused and made version {version}", [told(asked[-1]), _shown(booking)]
        place, made = asked[0].asked["place"], at_version(booking, version)
        wanted = {**made, **place}
        if claims_of(wanted, evidence.grid_seconds) != claims_of(made, evidence.grid_seconds):
            yield f"{name} made something else than it asked for", [told(asked[0]), _shown(booking)]


def moves_refused_as_stale(evidence: Evidence) -> Iterable[Break]:
    """A 412 is for an old version: somebody has made the next one, or ended the booking."""
    versions = {booking["_id"]: booking["version"] for booking in evidence.bookings}
    for move in _moves(evidence):
        if move.status == 412 and versions.get(move.asked["booking_id"], 0) <= (move.asked["version"] or 0):
            yield f"{move.logical} was told that the newest version is old", [told(move)]


def disagreeing_moves(evidence: Evidence) -> Iterable[Break]:
    """Once a PATCH was made its repeats tell that version, or 412 after another change; never another refusal.

    That it was made its first answer says, or the history, where that answer was lost.
    """
    made = {_maker(entry): (booking, number, entry) for booking, number, entry in _changes(evidence)}
    answers: dict[str, list[Exchange]] = defaultdict(list)
    for move in _moves(evidence):
        if not move.unknown and move.code != "request_in_progress":
            answers[move.logical].append(move)
    for logical, group in answers.items():
        if len({move.reply["version"] for move in group if move.ok}) > 1:
            yield f"{logical} was answered with several versions", [told(move) for move in group]
        if logical not in made:
            continue
        booking, version, entry = made[logical]
        known = min([evidence.moment(entry["at"]), *(move.received for move in group if move.ok)])
        for move in group:
            may_be_old = move.status == 412 and booking["version"] > version
            if move.sent > known and not move.ok and not may_be_old:
                yield f"{logical} was made, and its repeat was refused", [told(move), _shown(booking)]
